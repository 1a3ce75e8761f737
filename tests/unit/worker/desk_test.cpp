#include "worker/dispatch/desk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "worker/handlers/message.hpp"

namespace hookfleet::dispatch {
namespace {

using namespace std::chrono_literals;
using Kind = Desk::Step::Kind;
using handlers::Handled;
using stream::StreamId;

class DeskTest : public testing::Test {
 protected:
  DeskTest() {
    handlers.add("message", std::make_unique<handlers::MessageHandler>());
    handlers.add("message_status", std::make_unique<handlers::MessageHandler>());
    routes = std::make_shared<const routes::Routes>(routes::Options{}, handlers);
    start({});
  }
  void start(const Tenure& tenure) { desk.emplace(tenure, options, routes); }

  /// An entry of a chat; `version` changes the body but not the identity.
  Arrival entry(std::uint64_t id, const std::string& chat, const std::string& message, const std::string& version = "",
                std::string type = "incomingMessageReceived", stream::Source source = stream::Source::kWebhook) {
    stream::Entry made;
    char uuid[40];
    std::snprintf(uuid, sizeof uuid, "01890000-0000-7000-8000-%012llu", static_cast<unsigned long long>(id));
    made.id = uuid;
    made.id_instance = 1101000001;
    made.chat = chat;
    made.type_webhook = type;
    made.received_ms = received_ms ? received_ms : base::unix_ms(wall);
    made.source = source;
    made.body = R"({"typeWebhook":")" + type + R"(","idMessage":")" + message + R"(","status":"sent","v":")" + version + "\"}";
    return prepare({id, 0}, std::move(made));
  }
  static Arrival broken(std::uint64_t id) {
    stream::Entry made;
    made.id = "01890000-0000-7000-8000-000000000099";
    made.id_instance = 1;
    made.received_ms = 1;
    made.body = "{nope";
    return prepare({id, 0}, std::move(made));
  }

  /// Reads and looks up in one go.
  void arrive(std::vector<Arrival> arrivals, const std::map<std::string, stream::Mark>& marks = {},
              const std::map<std::uint64_t, stream::Attempts>& attempts = {}) {
    desk->read_started(++cycle);
    std::map<notification::Identity, std::string> messages;
    for (const auto& arrival : arrivals) messages[arrival.content->notification.identity] = arrival.content->notification.id_message;
    const auto look_up = desk->arrived(cycle, std::move(arrivals));
    ASSERT_TRUE(look_up);
    if (look_up->ids.empty()) return;
    std::vector<std::optional<stream::Mark>> found;
    for (const auto& identity : look_up->identities) {
      const auto mark = marks.find(messages[identity]);
      found.push_back(mark == marks.end() ? std::nullopt : std::optional(mark->second));
    }
    std::vector<std::optional<stream::Attempts>> remembered;
    for (const StreamId id : look_up->attempts_of) {
      const auto known = attempts.find(id.ms);
      remembered.push_back(known == attempts.end() ? std::nullopt : std::optional(known->second));
    }
    desk->learn(cycle, *look_up, found, remembered, now, wall);
  }

  Desk::Step next() { return desk->next(situation, now, wall); }
  /// What next() starts until there is nothing; dropped ones go to `records`.
  std::vector<std::uint64_t> started() {
    std::vector<std::uint64_t> ids;
    for (auto step = next(); step.kind != Kind::kNothing; step = next()) {
      if (step.kind == Kind::kEnded) records.push_back(*step.record);
      if (step.kind == Kind::kStart) ids.push_back(step.stream_id.ms);
      if (step.kind == Kind::kAlone || step.kind == Kind::kBegin) break;
    }
    return ids;
  }
  /// The only action of an entry returned.
  Record complete(std::uint64_t id, Handled handled) {
    return *desk->completed({id, 0}, {&only_action, true, std::move(handled), 1ms}, now, wall, 0.5);
  }
  void not_started(std::uint64_t id) { EXPECT_FALSE(desk->completed({id, 0}, {&only_action, false, {}, {}}, now, wall, 0.5)); }
  std::vector<StreamId> take() {
    std::vector<StreamId> ids;
    for (const auto& ended : desk->take_ended(1000, now)) ids.push_back(ended.stream_id);
    return ids;
  }
  std::vector<Desk::Refusal> answer(const std::vector<StreamId>& ids, const std::string& letters, const std::string& reason = "") {
    std::string resp = "$" + std::to_string(letters.size()) + "\r\n" + letters + "\r\n";
    if (!reason.empty()) resp = "*2\r\n" + resp + "$" + std::to_string(reason.size()) + "\r\n" + reason + "\r\n";
    const auto reply = redis::Reply::parse(resp);
    return desk->acknowledged(ids, stream::BatchAnswer(reply->view(), ids.size()), now);
  }
  void acknowledge() {
    for (auto ids = take(); !ids.empty(); ids = take()) answer(ids, std::string(ids.size(), 'w'));
  }
  std::vector<StreamId> write_attempts() {
    std::vector<StreamId> ids;
    for (const auto& [id, attempts] : desk->take_attempts(1000)) {
      ids.push_back(id);
      written[id.ms] = *attempts;
    }
    return ids;
  }
  void advance(std::chrono::milliseconds by) {
    now += by;
    wall += by;
    desk->wake(now);
  }

  handlers::Handlers handlers;
  std::shared_ptr<const routes::Routes> routes;
  const routes::Action only_action{"handler:message", nullptr, nullptr, nullptr};
  Desk::Options options;
  std::optional<Desk> desk;
  Desk::Situation situation;
  base::BootTime now{1h};
  base::WallTime wall = base::from_unix_ms(1'750'000'000'000);
  std::int64_t received_ms = 0;
  std::uint64_t cycle = 0;
  std::vector<Record> records;
  std::map<std::uint64_t, stream::Attempts> written;
};

// --- Lanes

TEST_F(DeskTest, ALaneRunsOneAtATimeInStreamOrderAndOthersBesideIt) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2"), entry(3, "b", "3"), entry(4, "a", "4")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1, 3}));
  complete(1, Handled::done());
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{2}));
  complete(2, Handled::done());
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{4}));
}

TEST_F(DeskTest, PartitionedByInstanceAllChatsAreOneLane) {
  options.partition_by = stream::PartitionBy::kInstance;
  arrive({entry(1, "a", "1"), entry(2, "b", "2")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
}

TEST_F(DeskTest, ARetryBlocksItsLaneOnly) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2"), entry(3, "b", "3"), entry(4, "b", "4")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1, 3}));
  const Record record = complete(1, Handled::retry("no"));
  EXPECT_EQ(record.outcome, Outcome::kRetry);
  EXPECT_EQ(record.attempt, 1U);
  complete(3, Handled::done());
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{4}));
  EXPECT_EQ(desk->next_wake(), now + 1s);
  advance(999ms);
  EXPECT_EQ(next().kind, Kind::kNothing);
  advance(1ms);
  EXPECT_EQ(next().kind, Kind::kFetch) << "its body was not kept";
}

TEST_F(DeskTest, ABodyThatWasNotKeptIsReadAgain) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  started();
  complete(1, Handled::retry("no"));
  EXPECT_EQ(desk->body_bytes(), 0U);
  advance(1s);
  ASSERT_EQ(next().kind, Kind::kFetch);
  EXPECT_EQ(next().kind, Kind::kNothing);
  desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
  const auto step = next();
  ASSERT_EQ(step.kind, Kind::kStart);
  EXPECT_EQ(step.content->notification.attempt, 2U);
}

TEST_F(DeskTest, AnEntryDeletedMeanwhileIsForgottenAndItsLaneGoesOn) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  started();
  complete(1, Handled::retry("no"));
  write_attempts();
  desk->attempts_written(std::vector<StreamId>{{1, 0}});
  advance(1s);
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({1, 0}, std::nullopt, now, wall);
  const auto step = next();
  EXPECT_EQ(step.kind, Kind::kFetch);
  EXPECT_EQ(step.stream_id, (StreamId{2, 0}));
  EXPECT_EQ(desk->entries(), 1U);
}

TEST_F(DeskTest, WhenMemoryIsTightOnlyTheFirstOfALaneKeepTheirBodies) {
  desk->set_pressure({.bodies = true});
  std::vector<Arrival> arrivals;
  for (std::uint64_t id = 1; id <= 20; ++id) arrivals.push_back(entry(id, "a", std::to_string(id)));
  arrive(std::move(arrivals));
  const std::size_t few = desk->body_bytes();
  EXPECT_EQ(desk->entries(), 20U);
  desk->set_pressure({});
  arrive({entry(21, "b", "21")});
  EXPECT_NEAR(static_cast<double>(few), static_cast<double>(options.lane_bodies * (desk->body_bytes() - few)), 16);
}

TEST_F(DeskTest, WithoutConnectionABodyIsWaitedFor) {
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::retry("no"));
  advance(1s);
  situation.connected = false;
  EXPECT_EQ(next().kind, Kind::kNothing);
  situation.connected = true;
  EXPECT_EQ(next().kind, Kind::kFetch);
}

// --- Outcomes

TEST_F(DeskTest, WhatNobodyTakesIsIgnoredWithAMark) {
  arrive({entry(1, "a", "1", "", "somethingNew")});
  EXPECT_TRUE(started().empty());
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].outcome, Outcome::kIgnored);
  const auto ended = desk->take_ended(10, now);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_TRUE(ended[0].seen);
  EXPECT_EQ(ended[0].death, nullptr);
}

TEST_F(DeskTest, WhatIsNoJsonIsADeadLetterOfClassMalformed) {
  arrive({broken(1)});
  started();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].outcome, Outcome::kDead);
  const auto ended = desk->take_ended(10, now);
  ASSERT_NE(ended.at(0).death, nullptr);
  EXPECT_EQ(ended[0].death->dead_class, stream::DeadClass::kMalformed);
  EXPECT_TRUE(ended[0].seen) << "its repeats are dropped";
}

TEST_F(DeskTest, AForeignEntryIsADeadLetterWithoutAMark) {
  arrive({prepare({1, 0}, tl::unexpected(std::string("no field v"))), prepare({2, 0}, tl::unexpected(std::string("no field v")))});
  started();
  EXPECT_EQ(records.size(), 2U);
  for (const auto& ended : desk->take_ended(10, now)) {
    EXPECT_FALSE(ended.seen);
    ASSERT_NE(ended.death, nullptr);
  }
}

TEST_F(DeskTest, ATypelessObjectIsADeadLetterOfClassInvalid) {
  arrive({entry(1, "a", "1", "", "")});
  started();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].dead_class, stream::DeadClass::kInvalid);
}

TEST_F(DeskTest, EffectsGoWithTheAcknowledgement) {
  arrive({entry(1, "a", "1")});
  started();
  stream::Effect effect;
  effect.field = "x";
  complete(1, Handled::done({effect}));
  const auto ended = desk->take_ended(10, now);
  ASSERT_EQ(ended.at(0).effects.size(), 1U);
  EXPECT_EQ(ended[0].effects[0].field, "x");
}

TEST_F(DeskTest, FailuresEndInADeadLetterAndPutTheLaneOnProbation) {
  options.retry.attempts = 3;
  arrive({entry(1, "a", "1"), entry(2, "a", "2"), entry(3, "a", "3"), entry(4, "a", "4")});
  for (unsigned attempt = 1; attempt <= 3; ++attempt) {
    auto step = next();
    if (step.kind == Kind::kFetch) {
      desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
      step = next();
    }
    ASSERT_EQ(step.kind, Kind::kStart);
    const Record record = complete(1, Handled::retry("never"));
    EXPECT_EQ(record.attempt, attempt);
    EXPECT_EQ(record.outcome, attempt < 3 ? Outcome::kRetry : Outcome::kDead);
    advance(10s);
  }
  // One attempt each…
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({2, 0}, entry(2, "a", "2"), now, wall);
  ASSERT_EQ(next().kind, Kind::kStart);
  EXPECT_EQ(complete(2, Handled::retry("never")).outcome, Outcome::kDead);
  // …until one succeeds.
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({3, 0}, entry(3, "a", "3"), now, wall);
  ASSERT_EQ(next().kind, Kind::kStart);
  EXPECT_EQ(complete(3, Handled::done()).outcome, Outcome::kDone);
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({4, 0}, entry(4, "a", "4"), now, wall);
  ASSERT_EQ(next().kind, Kind::kStart);
  EXPECT_EQ(complete(4, Handled::retry("once")).outcome, Outcome::kRetry);
}

TEST_F(DeskTest, ARejectedOneIsDeadAtOnce) {
  arrive({entry(1, "a", "1")});
  started();
  const Record record = complete(1, Handled::reject("bad"));
  EXPECT_EQ(record.outcome, Outcome::kDead);
  EXPECT_EQ(record.dead_class, stream::DeadClass::kRejected);
  EXPECT_EQ(desk->take_ended(1, now).at(0).death->attempts, 1U);
}

TEST_F(DeskTest, BeingUnavailableCostsNoAttempt) {
  arrive({entry(1, "a", "1")});
  for (int i = 0; i < 20; ++i) {
    if (next().kind == Kind::kFetch) {
      desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
      ASSERT_EQ(next().kind, Kind::kStart);
    }
    const Record record = complete(1, Handled::unavailable("away"));
    ASSERT_EQ(record.outcome, Outcome::kRetry);
    EXPECT_EQ(record.attempt, 1U);
    EXPECT_EQ(record.blocked, i * 10min);
    advance(10min);
  }
  write_attempts();
  EXPECT_EQ(written.at(1).failed, 0U);
  EXPECT_EQ(written.at(1).trouble, stream::Trouble::kUnavailable);
}

TEST_F(DeskTest, AnHourOfOutageDeadLettersNothingAndKeepsTheOrder) {
  const auto make = [&](std::uint64_t id) { return entry(id, id % 2 == 0 ? "a" : "b", std::to_string(id)); };
  arrive({make(1), make(2), make(3), make(4), make(5), make(6)});
  const base::BootTime end = now + 1h;
  std::vector<std::uint64_t> done;
  unsigned tries = 0;
  for (;;) {
    for (auto step = next(); step.kind != Kind::kNothing; step = next()) {
      if (step.kind == Kind::kFetch) desk->fetched(step.stream_id, make(step.stream_id.ms), now, wall);
      if (step.kind != Kind::kStart) continue;
      if (now < end) {
        EXPECT_EQ(complete(step.stream_id.ms, Handled::unavailable("away")).outcome, Outcome::kRetry);
        ++tries;
      } else {
        EXPECT_EQ(complete(step.stream_id.ms, Handled::done()).attempt, 1U) << "it cost no attempt";
        done.push_back(step.stream_id.ms);
      }
      desk->attempts_written(write_attempts());
    }
    const auto wake = desk->next_wake();
    if (!wake) break;
    advance(std::chrono::ceil<std::chrono::milliseconds>(*wake - now));
  }
  EXPECT_LT(tries, 100U) << "the pauses grow";
  EXPECT_EQ(done.size(), 6U);
  std::stable_partition(done.begin(), done.end(), [](std::uint64_t id) { return id % 2 == 1; });
  EXPECT_EQ(done, (std::vector<std::uint64_t>{1, 3, 5, 2, 4, 6}));
}

TEST_F(DeskTest, AnOldRedrivenOneIsGivenAFullDayFromItsRedrive) {
  const auto redriven_ms = static_cast<std::uint64_t>(base::unix_ms(wall));
  received_ms = base::unix_ms(wall) - 100 * 3'600'000LL;
  arrive({entry(redriven_ms, "a", "1", "", "incomingMessageReceived", stream::Source::kRedrive)});
  started();
  EXPECT_EQ(complete(redriven_ms, Handled::unavailable("away")).outcome, Outcome::kRetry);
}

// --- Dedup

TEST_F(DeskTest, ARepeatBehindItsFirstIsDroppedAfterItWasHandled) {
  arrive({entry(1, "a", "1"), entry(2, "a", "1")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
  complete(1, Handled::done());
  EXPECT_TRUE(started().empty());
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].outcome, Outcome::kRepeat);
  EXPECT_EQ(records[0].first_id, "01890000-0000-7000-8000-000000000001");
  const auto ended = desk->take_ended(10, now);
  EXPECT_TRUE(ended.at(0).seen);
  EXPECT_FALSE(ended.at(1).seen) << "a repeat does not lengthen the mark's life";
}

TEST_F(DeskTest, ARepeatInsideTheAckWindowIsDropped) {
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::done());
  take();  // sent, not answered: no mark can be read yet
  arrive({entry(2, "a", "1")});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(records.at(0).outcome, Outcome::kRepeat);
}

TEST_F(DeskTest, TheRecordOutlivesTheConfirmationWhileACopyIsInMemory) {
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::done());
  // The copy is read and its (missing) mark looked up before the ack is executed…
  desk->read_started(++cycle);
  const auto look_up = desk->arrived(cycle, {entry(2, "a", "1")});
  acknowledge();
  // …and the answer comes after its confirmation.
  desk->learn(cycle, *look_up, std::vector<std::optional<stream::Mark>>(1), {}, now, wall);
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(records.at(0).outcome, Outcome::kRepeat);
  acknowledge();
  EXPECT_EQ(desk->identities(), 0U);
}

TEST_F(DeskTest, ARepeatOfARetryingOneWaitsBehindIt) {
  arrive({entry(1, "a", "1"), entry(2, "a", "1")});
  started();
  complete(1, Handled::retry("no"));
  EXPECT_EQ(next().kind, Kind::kNothing);
}

TEST_F(DeskTest, AChangedOneIsHandledAndMarkedSo) {
  arrive({entry(1, "a", "1", "x")}, {{"1", {base::unix_ms(wall), "00000000-0000-7000-8000-00000000000f", {{9}}}}});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(complete(1, Handled::done()).changed);
}

TEST_F(DeskTest, AChangedStatusIsDropped) {
  arrive({entry(1, "a", "1", "x", "outgoingMessageStatus")}, {{"1", {base::unix_ms(wall), "00000000-0000-7000-8000-00000000000f", {{9}}}}});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(records.at(0).outcome, Outcome::kRepeat);
  EXPECT_TRUE(records.at(0).changed);
}

TEST_F(DeskTest, AStaleOneIsDropped) {
  received_ms = base::unix_ms(wall) - 60'000;
  arrive({entry(1, "a", "1", "x")}, {{"1", {base::unix_ms(wall), "00000000-0000-7000-8000-00000000000f", {{9}}}}});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(records.at(0).outcome, Outcome::kRepeat);
}

TEST_F(DeskTest, ARedrivenOneIsHandledAndItsCopyBehindItIsNot) {
  arrive({entry(1, "a", "1")});
  started();
  const auto digest = complete(1, Handled::reject("bad")).content->notification.body_digest;
  acknowledge();
  const stream::Mark mark{base::unix_ms(wall), "01890000-0000-7000-8000-000000000001", {digest}};
  arrive({entry(2, "a", "1", "", "incomingMessageReceived", stream::Source::kRedrive), entry(3, "a", "1")}, {{"1", mark}});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{2}));
  complete(2, Handled::done());
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(records.at(0).outcome, Outcome::kRepeat);
}

TEST_F(DeskTest, AStaleOneIsHandledOnlyWhenItsRedriveWasForced) {
  // Another version, received later than any of these entries, has ended.
  const stream::Mark mark{base::unix_ms(wall) + 120'000, "01890000-0000-7000-8000-000000000001", {notification::BodyDigest{1}}};
  arrive({entry(1, "a", "1", "", "incomingMessageReceived", stream::Source::kRedrive)}, {{"1", mark}});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(records.at(0).outcome, Outcome::kRepeat);
  arrive({entry(2, "b", "1", "", "incomingMessageReceived", stream::Source::kForced)}, {{"1", mark}});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{2}));
}

// --- Reading

TEST_F(DeskTest, KnownEntriesAreSkippedAfterAReset) {
  arrive({entry(1, "a", "1"), entry(2, "b", "2")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1, 2}));
  desk->disconnected(now);
  EXPECT_EQ(desk->cursor(), StreamId{});
  arrive({entry(1, "a", "1"), entry(2, "b", "2"), entry(3, "b", "3")});
  EXPECT_EQ(desk->entries(), 3U);
  EXPECT_TRUE(started().empty());
}

TEST_F(DeskTest, AnIdConfirmedWhileACycleIsUnderWayIsSkippedByIt) {
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::done());
  desk->rewind();
  desk->read_started(++cycle);  // its XREAD runs before the ack does
  acknowledge();
  const auto look_up = desk->arrived(cycle, {entry(1, "a", "1")});
  EXPECT_TRUE(look_up->ids.empty());
  EXPECT_EQ(desk->entries(), 0U);
}

TEST_F(DeskTest, WhatACycleFromBeforeAResetBringsIsDropped) {
  desk->read_started(++cycle);
  desk->disconnected(now);
  const auto look_up = desk->arrived(cycle, {entry(1, "a", "1")});
  EXPECT_TRUE(look_up->ids.empty());
  EXPECT_EQ(desk->cursor(), StreamId{}) << "or the entry would never be read";
}

TEST_F(DeskTest, AnotherEntryUnderAKnownIdVoidsTheTenure) {
  arrive({entry(1, "a", "1")});
  desk->rewind();
  desk->read_started(++cycle);
  auto other = entry(1, "a", "1");
  other.content->notification.id = "01890000-0000-7000-8000-0000000000ff";
  EXPECT_FALSE(desk->arrived(cycle, {other}).has_value());
}

TEST_F(DeskTest, AccountsForWhatIsInMemoryOrNotReached) {
  arrive({entry(5, "a", "1")});
  EXPECT_TRUE(desk->accounts_for({5, 0}));
  EXPECT_TRUE(desk->accounts_for({6, 0}));
  EXPECT_FALSE(desk->accounts_for({4, 0}));
}

// --- Acknowledging

TEST_F(DeskTest, DoneButUnconfirmedIsAcknowledgedAgainAfterAResetAndNotHandledAgain) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  started();
  complete(1, Handled::done());
  started();
  complete(2, Handled::done());
  take();
  desk->disconnected(now);
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(take(), (std::vector<StreamId>{{1, 0}, {2, 0}}));
}

TEST_F(DeskTest, GoneCountsAsConfirmed) {
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::done());
  answer(take(), "g");
  EXPECT_TRUE(desk->empty());
}

TEST_F(DeskTest, ARefusedOneBecomesADeadLetterWithoutEffectsThenWithoutMarkThenWaits) {
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::done({stream::Effect{}}));
  auto refusals = answer(take(), "r", "wrong type");
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_TRUE(refusals[0].first);
  EXPECT_EQ(refusals[0].reason, "wrong type");
  {
    const auto again = desk->take_ended(1, now);
    ASSERT_NE(again.at(0).death, nullptr);
    EXPECT_EQ(again[0].death->dead_class, stream::DeadClass::kFailed);
    EXPECT_TRUE(again[0].effects.empty());
    EXPECT_TRUE(again[0].seen);
  }
  EXPECT_FALSE(answer({{1, 0}}, "r", "wrong type").at(0).first);
  EXPECT_FALSE(desk->take_ended(1, now).at(0).seen);
  answer({{1, 0}}, "r", "wrong type");
  EXPECT_EQ(desk->ended(), 0U);
  advance(5s);
  EXPECT_EQ(desk->ended(), 1U);
  acknowledge();
  EXPECT_TRUE(desk->empty());
}

TEST_F(DeskTest, AnUnwrittenAckIsTakenAgainInOrder) {
  arrive({entry(1, "a", "1"), entry(2, "b", "2"), entry(3, "c", "3")});
  started();
  for (const std::uint64_t id : {1U, 2U, 3U}) complete(id, Handled::done());
  const auto ids = take();
  desk->unacknowledged(ids, now);
  EXPECT_EQ(take(), ids);
}

// --- Attempts over a takeover

TEST_F(DeskTest, AttemptsAndPauseSurviveATakeover) {
  start({.up_to = {1, 0}});
  const stream::Attempts before{.failed = 6, .due_ms = base::unix_ms(wall) + 3000};
  arrive({entry(1, "a", "1")}, {}, {{1, before}});
  EXPECT_EQ(next().kind, Kind::kNothing);
  advance(3s);
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
  ASSERT_EQ(next().kind, Kind::kStart);
  EXPECT_EQ(complete(1, Handled::retry("no")).attempt, 7U);
  advance(5min);
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
  ASSERT_EQ(next().kind, Kind::kStart);
  EXPECT_EQ(complete(1, Handled::retry("no")).dead_class, stream::DeadClass::kFailed);
}

TEST_F(DeskTest, OnlyWhatWasThereAtTheTakeoverOrIsRedrivenCanHaveAttempts) {
  start({.up_to = {1, 0}});
  desk->read_started(++cycle);
  const auto look_up = desk->arrived(
      cycle, {entry(1, "a", "1"), entry(2, "a", "2"), entry(3, "a", "3", "", "incomingMessageReceived", stream::Source::kRedrive)});
  EXPECT_EQ(look_up->attempts_of, (std::vector<StreamId>{{1, 0}, {3, 0}}));
}

TEST_F(DeskTest, UnconfirmedAttemptsAreWrittenAgainAfterAReset) {
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::retry("no"));
  EXPECT_EQ(write_attempts().size(), 1U);
  EXPECT_FALSE(desk->attempts_due());
  desk->disconnected(now);
  EXPECT_EQ(write_attempts().size(), 1U);
}

// --- Poison

TEST_F(DeskTest, AfterACrashTheFirstOfEachLaneBeginsBeforeItStarts) {
  start({.after_crash = true, .up_to = {2, 0}});
  arrive({entry(1, "a", "1"), entry(2, "a", "2"), entry(3, "b", "3")});
  ASSERT_EQ(next().kind, Kind::kBegin);
  EXPECT_EQ(next().stream_id, (StreamId{3, 0})) << "it came later: no suspect";
  const auto ids = write_attempts();
  EXPECT_EQ(written.at(1).begun, 1U);
  desk->attempts_written(ids);
  ASSERT_EQ(next().kind, Kind::kStart);
  complete(1, Handled::done());
  EXPECT_EQ(next().kind, Kind::kStart) << "the second of the lane is no suspect";
}

TEST_F(DeskTest, WhatHadBegunAtACrashBeginsAlone) {
  start({.after_crash = true, .up_to = {1, 0}});
  arrive({entry(1, "a", "1")}, {}, {{1, {.begun = 1}}});
  situation.idle = false;
  EXPECT_EQ(next().kind, Kind::kAlone);
  situation.idle = true;
  const auto step = next();
  EXPECT_EQ(step.kind, Kind::kBegin);
  EXPECT_TRUE(step.alone);
}

TEST_F(DeskTest, AReturnClearsTheCountOfBegins) {
  start({.after_crash = true, .up_to = {1, 0}});
  arrive({entry(1, "a", "1")}, {}, {{1, {.begun = 2}}});
  ASSERT_EQ(next().kind, Kind::kBegin);
  desk->attempts_written(write_attempts());
  EXPECT_EQ(written.at(1).begun, 3U);
  ASSERT_EQ(next().kind, Kind::kStart);
  complete(1, Handled::retry("no"));
  write_attempts();
  EXPECT_EQ(written.at(1).begun, 0U);
}

TEST_F(DeskTest, TheFourthBeginIsADeadLetterOfClassCrash) {
  start({.after_crash = true, .up_to = {1, 0}});
  arrive({entry(1, "a", "1")}, {}, {{1, {.begun = 3}}});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(records.at(0).dead_class, stream::DeadClass::kCrash);
}

// --- Memory

class OverflowTest : public DeskTest {
 protected:
  void full() { desk->set_pressure({.bodies = true, .records = true}); }
  /// Waits until a rescan may begin, and begins it. Answers where reading goes on.
  StreamId rescan() {
    desk->rescan_if_due(now, false);
    advance(Overflow::kRescanEvery);
    desk->rescan_if_due(now, false);
    return desk->cursor();
  }
};

TEST_F(OverflowTest, ABlockedLaneTakesNothingMoreAndOthersFlow) {
  arrive({entry(1, "a", "1"), entry(2, "b", "2")});
  ASSERT_EQ(started().size(), 2U);
  complete(1, Handled::unavailable("away"));
  full();
  arrive({entry(3, "a", "3"), entry(4, "b", "4"), entry(5, "c", "5")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{5}));
  complete(2, Handled::done());
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{4}));
  EXPECT_EQ(desk->overflowed(), 1U);
  EXPECT_EQ(desk->blocked_entries(), 1U);
  EXPECT_TRUE(desk->accounts_for({3, 0})) << "left out is not unknown";
}

TEST_F(OverflowTest, WhatWasLeftOutIsReadAgainInOrder) {
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(started().size(), 1U);
  complete(1, Handled::unavailable("away"));
  full();
  arrive({entry(2, "a", "2"), entry(3, "a", "3"), entry(4, "b", "4")});
  ASSERT_EQ(started(), (std::vector<std::uint64_t>{4}));
  EXPECT_EQ(rescan(), (StreamId{2, 0}).before());
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->set_pressure({});
  desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
  arrive({entry(2, "a", "2"), entry(3, "a", "3"), entry(4, "b", "4"), entry(5, "a", "5")});
  for (const std::uint64_t id : {1U, 2U, 3U, 5U}) {
    ASSERT_EQ(started(), (std::vector<std::uint64_t>{id}));
    complete(id, Handled::done());
  }
}

TEST_F(OverflowTest, WhatNewlyBlocksIsPutBackWithItsAttemptsAndComesBackFirst) {
  full();
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  ASSERT_EQ(started(), (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(complete(1, Handled::retry("no")).first);
  EXPECT_EQ(desk->entries(), 1U) << "until its attempts are written";
  EXPECT_EQ(rescan(), (StreamId{2, 0})) << "the one that leaves would be taken for known, and the one behind it would run first";
  desk->attempts_written(write_attempts());
  EXPECT_TRUE(desk->empty());
  EXPECT_EQ(desk->lanes(), 0U);
  EXPECT_EQ(desk->identities(), 0U);
  arrive({entry(3, "a", "3")});
  EXPECT_TRUE(desk->empty()) << "nothing of the chat is taken before the rescan";
  ASSERT_EQ(rescan(), (StreamId{1, 0}).before());
  arrive({entry(1, "a", "1"), entry(2, "a", "2"), entry(3, "a", "3")}, {}, {{1, written.at(1)}});
  ASSERT_EQ(started(), (std::vector<std::uint64_t>{1}));
  const auto record = complete(1, Handled::done());
  EXPECT_EQ(record.attempt, 2U);
  EXPECT_FALSE(record.first) << "it was told of at the attempt before";
}

TEST_F(OverflowTest, WhatIsStillPausedAtARescanIsPutBackAgain) {
  full();
  arrive({entry(1, "a", "1")}, {}, {});
  ASSERT_EQ(started().size(), 1U);
  complete(1, Handled::retry("no"));
  desk->attempts_written(write_attempts());
  stream::Attempts paused = written.at(1);
  ASSERT_EQ(rescan(), (StreamId{1, 0}).before());
  paused.due_ms = base::unix_ms(wall) + 60'000;
  arrive({entry(1, "a", "1"), entry(2, "a", "2")}, {}, {{1, paused}});
  EXPECT_TRUE(started().empty());
  EXPECT_TRUE(desk->empty());
  ASSERT_EQ(rescan(), (StreamId{1, 0}).before());
}

TEST_F(OverflowTest, WhatIsBeingLookedUpBehindALaneThatIsPutBackIsLeftOutToo) {
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(started().size(), 1U);
  desk->read_started(++cycle);
  const auto look_up = desk->arrived(cycle, {entry(2, "a", "2")});
  full();
  complete(1, Handled::unavailable("away"));
  desk->learn(cycle, *look_up, std::vector<std::optional<stream::Mark>>(1), {}, now, wall);
  EXPECT_TRUE(started().empty()) << "or it would overtake";
  desk->attempts_written(write_attempts());
  EXPECT_TRUE(desk->empty());
  EXPECT_EQ(rescan(), (StreamId{1, 0}).before());
}

TEST_F(OverflowTest, ARescanEndsWhenNothingLiesBeyondAndANewOneMayBegin) {
  options.retry.first = 1h;
  arrive({entry(1, "a", "1")});
  started();
  complete(1, Handled::unavailable("away"));
  full();
  arrive({entry(2, "a", "2"), entry(3, "b", "3")});
  started();
  ASSERT_EQ(rescan(), (StreamId{2, 0}).before());
  arrive({entry(2, "a", "2")});  // 3 has been acknowledged meanwhile
  arrive({});
  EXPECT_EQ(rescan(), (StreamId{2, 0}).before());
}

TEST_F(OverflowTest, AReconnectionKeepsTheOrderOfWhatWasLeftOut) {
  full();
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  started();
  complete(1, Handled::retry("no"));
  desk->disconnected(now);
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  EXPECT_TRUE(started().empty()) << "the first is still leaving: the second must not run before it";
  desk->attempts_written(write_attempts());
  ASSERT_EQ(rescan(), (StreamId{1, 0}).before());
  arrive({entry(1, "a", "1"), entry(2, "a", "2")}, {}, {{1, written.at(1)}});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
}

// --- Handing over

TEST_F(DeskTest, DrainingForgetsWhatWaitsAndKeepsWhatRuns) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2"), entry(3, "b", "3")});
  ASSERT_EQ(next().stream_id, (StreamId{1, 0}));
  desk->drain();
  EXPECT_EQ(desk->entries(), 1U);
  EXPECT_EQ(next().kind, Kind::kNothing);
  complete(1, Handled::done());
  EXPECT_FALSE(desk->empty());
  acknowledge();
  EXPECT_TRUE(desk->empty());
  EXPECT_EQ(desk->identities(), 0U);
}

TEST_F(DeskTest, DrainingWaitsUntilAttemptsAreWritten) {
  arrive({entry(1, "a", "1"), entry(2, "b", "2")});
  started();
  complete(1, Handled::retry("no"));
  desk->drain();
  complete(2, Handled::retry("no"));
  EXPECT_EQ(desk->entries(), 2U);
  desk->attempts_written(write_attempts());
  EXPECT_TRUE(desk->empty());
}

TEST_F(DeskTest, DrainingTakesBackABeginThatDidNotStart) {
  start({.after_crash = true, .up_to = {9, 0}});
  arrive({entry(1, "a", "1"), entry(2, "b", "2")});
  ASSERT_EQ(next().kind, Kind::kBegin);
  ASSERT_EQ(next().kind, Kind::kBegin);
  desk->attempts_written(write_attempts());
  ASSERT_EQ(next().kind, Kind::kStart);
  desk->drain();
  const auto ids = write_attempts();
  EXPECT_EQ(written.at(1).begun, 1U) << "it runs";
  EXPECT_EQ(written.at(2).begun, 0U);
  desk->attempts_written(ids);
  EXPECT_EQ(desk->entries(), 1U);
}

TEST_F(DeskTest, NotStartedIsNextAgainAndLeavesWithADrain) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  ASSERT_EQ(started(), (std::vector<std::uint64_t>{1}));
  not_started(1);
  ASSERT_EQ(started(), (std::vector<std::uint64_t>{1}));
  desk->drain();
  not_started(1);
  EXPECT_TRUE(desk->empty());
}

TEST_F(DeskTest, ResumeWakesWhatAnOwnerBeforeHeldBack) {
  start({.after_crash = false, .up_to = {9, 0}});
  arrive({entry(1, "a", "1")}, {}, {{1, {.trouble = stream::Trouble::kUnavailable, .due_ms = base::unix_ms(wall) + 60'000}}});
  EXPECT_TRUE(started().empty());
  desk->resume(now);
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
}

// --- Several actions

class FanOutTest : public DeskTest {
 protected:
  FanOutTest() {
    for (const char* name : {"store", "tell", "more"}) handlers.add(name, std::make_unique<handlers::MessageHandler>());
    routes = routes_to({"store", "tell"});
    start({});
  }
  /// Routes that give incoming messages to these handlers.
  std::shared_ptr<const routes::Routes> routes_to(const std::vector<std::string>& names) const {
    routes::Options settings;
    settings.routes.clear();
    if (!names.empty()) settings.routes.push_back({.match = {.type_webhook = {"incomingMessageReceived"}}});
    for (const std::string& name : names) settings.routes.front().actions.push_back({.handler = name});
    return std::make_shared<const routes::Routes>(settings, handlers);
  }
  static Handled counting(const std::string& field) {
    return Handled::done({{.op = stream::Effect::Op::kIncrement, .on = {}, .part = {}, .field = field, .value = "1", .expiry = {}}});
  }
  std::optional<Record> returned(std::uint64_t id, const char* action, Handled handled, bool started = true) {
    const auto found =
        std::find_if(running.begin(), running.end(), [&](const auto& one) { return one.name == std::string("handler:") + action; });
    EXPECT_NE(found, running.end());
    return desk->completed({id, 0}, {&*found, started, std::move(handled), 1ms}, now, wall, 0.5);
  }
  std::vector<std::string> fields_of_next_ack() {
    std::vector<std::string> fields;
    for (const auto& ended : desk->take_ended(1, now)) {
      for (const auto& effect : ended.effects) fields.push_back(effect.field);
    }
    return fields;
  }
  /// The names of the actions that next() starts.
  std::vector<std::string> starts() {
    const auto step = next();
    std::vector<std::string> names;
    for (std::size_t i = 0; i < step.actions.size(); ++i) {
      if (step.todo.test(i)) names.push_back(step.actions[i].name.substr(std::string("handler:").size()));
    }
    running_routes = step.routes;
    running = step.actions;
    return names;
  }
  /// Starts 1 and has `store` done and `tell` fail; then its body is read again for the next attempt.
  void fail_once() {
    arrive({entry(1, "a", "1")});
    ASSERT_EQ(starts().size(), 2U);
    returned(1, "store", counting("store"));
    ASSERT_EQ(returned(1, "tell", Handled::retry("no"))->outcome, Outcome::kRetry);
    desk->attempts_written(write_attempts());
  }
  void try_again() {
    advance(2s);
    ASSERT_EQ(next().kind, Kind::kFetch);
    desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
  }

  std::shared_ptr<const routes::Routes> running_routes;  // of what starts() started last, as its jobs keep them
  std::span<const routes::Action> running;
};

TEST_F(FanOutTest, AllRunSideBySideAndTheAttemptEndsWithTheLast) {
  arrive({entry(1, "a", "1"), entry(2, "a", "2")});
  EXPECT_EQ(starts(), (std::vector<std::string>{"store", "tell"}));
  EXPECT_EQ(desk->running(), 2U);
  EXPECT_FALSE(returned(1, "tell", counting("tell")));
  EXPECT_EQ(next().kind, Kind::kNothing) << "the next of the chat waits for both";
  EXPECT_EQ(returned(1, "store", counting("store"))->outcome, Outcome::kDone);
  EXPECT_EQ(fields_of_next_ack(), (std::vector<std::string>{"tell", "store"}));
  EXPECT_EQ(next().stream_id, (StreamId{2, 0}));
}

TEST_F(FanOutTest, WhatIsDoneIsNotDoneAgainAndItsEffectsCountOnce) {
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(starts().size(), 2U);
  returned(1, "store", counting("store"));
  const auto record = returned(1, "tell", Handled::retry("no"));
  EXPECT_EQ(record->outcome, Outcome::kRetry);
  EXPECT_EQ(record->reason, "handler:tell: no");
  desk->attempts_written(write_attempts());
  ASSERT_EQ(written.at(1).finished.size(), 1U);
  advance(2s);
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({1, 0}, entry(1, "a", "1"), now, wall);
  EXPECT_EQ(starts(), (std::vector<std::string>{"tell"}));
  EXPECT_EQ(returned(1, "tell", counting("tell"))->outcome, Outcome::kDone);
  EXPECT_EQ(fields_of_next_ack(), (std::vector<std::string>{"store", "tell"}));
}

// --- Reload

TEST_F(FanOutTest, AnAttemptEndsByTheRoutesItBeganWith) {
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(starts().size(), 2U);
  returned(1, "store", counting("store"));
  const std::weak_ptr<const routes::Routes> old = routes;
  routes = routes_to({"more"});
  desk->set_routes(routes);
  running_routes.reset();  // as when the job that has returned is gone: the desk keeps what it needs
  ASSERT_FALSE(old.expired());
  EXPECT_EQ(returned(1, "tell", counting("tell"))->outcome, Outcome::kDone);
  EXPECT_EQ(fields_of_next_ack(), (std::vector<std::string>{"store", "tell"}));
  EXPECT_TRUE(old.expired());
  arrive({entry(2, "a", "2")});
  EXPECT_EQ(starts(), (std::vector<std::string>{"more"}));
}

TEST_F(FanOutTest, TheNextAttemptGetsTheNewRouteButForWhatHasFinished) {
  fail_once();
  desk->set_routes(routes_to({"store", "more"}));
  try_again();
  EXPECT_EQ(starts(), (std::vector<std::string>{"more"}));
  EXPECT_EQ(returned(1, "more", counting("more"))->outcome, Outcome::kDone);
  EXPECT_EQ(fields_of_next_ack(), (std::vector<std::string>{"store", "more"}));
}

TEST_F(FanOutTest, WhatTheNewRouteDoesNotNameStaysDone) {
  fail_once();
  desk->set_routes(routes_to({"more"}));
  try_again();
  EXPECT_EQ(starts(), (std::vector<std::string>{"more"}));
  EXPECT_EQ(returned(1, "more", counting("more"))->outcome, Outcome::kDone);
  EXPECT_EQ(fields_of_next_ack(), (std::vector<std::string>{"store", "more"}));
}

TEST_F(FanOutTest, AnEntryOfWhichNothingIsLeftHasEnded) {
  for (const auto& names : {std::vector<std::string>{"store"}, std::vector<std::string>{}}) {
    start({});
    fail_once();
    desk->set_routes(routes_to(names));
    try_again();
    EXPECT_EQ(next().record->outcome, Outcome::kDone) << names.size();
    EXPECT_EQ(fields_of_next_ack(), (std::vector<std::string>{"store"}));
  }
}

TEST_F(FanOutTest, AnEntryOfWhichNothingWasDoneIsIgnoredWhenItsRouteGoes) {
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(starts().size(), 2U);
  returned(1, "store", Handled::unavailable("away"));
  ASSERT_EQ(returned(1, "tell", Handled::unavailable("away"))->outcome, Outcome::kRetry);
  desk->set_routes(routes_to({}));
  try_again();
  EXPECT_EQ(next().record->outcome, Outcome::kIgnored);
  EXPECT_TRUE(fields_of_next_ack().empty());
}

TEST_F(FanOutTest, ABeginWhoseRouteGoesGivesItsPlaceBack) {
  start({.after_crash = true, .up_to = {9, 0}});
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(next().kind, Kind::kBegin);
  desk->attempts_written(write_attempts());
  ASSERT_EQ(desk->begun(), 1U);
  desk->set_routes(routes_to({}));
  const auto step = next();
  ASSERT_EQ(step.kind, Kind::kEnded);
  EXPECT_TRUE(step.begun);
  EXPECT_EQ(step.record->outcome, Outcome::kIgnored);
  EXPECT_EQ(desk->begun(), 0U);
  EXPECT_EQ(desk->settling(), 1U) << "Redis still counts its begin";
  acknowledge();
  EXPECT_EQ(desk->settling(), 0U);
  EXPECT_TRUE(desk->empty());
}

TEST_F(FanOutTest, WhatIsDoneIsRememberedOverATakeover) {
  start({.after_crash = false, .up_to = {9, 0}});
  arrive({entry(1, "a", "1")}, {}, {{1, {.failed = 1, .finished = {{"handler:store", counting("store").effects}}}}});
  EXPECT_EQ(starts(), (std::vector<std::string>{"tell"}));
  returned(1, "tell", Handled::ignored());
  EXPECT_EQ(fields_of_next_ack(), (std::vector<std::string>{"store"}));
}

TEST_F(FanOutTest, TheWorstOutcomeDecidesAndADeadLetterNamesWhatWasDone) {
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(starts().size(), 2U);
  returned(1, "store", counting("store"));
  EXPECT_EQ(returned(1, "tell", Handled::reject("never"))->dead_class, stream::DeadClass::kRejected);
  const auto ended = desk->take_ended(1, now);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].death->actions, (std::vector<std::string>{"handler:store"}));
  ASSERT_EQ(ended[0].effects.size(), 1U) << "done is done: its effect counts with the dead letter";
}

TEST_F(FanOutTest, OneThatWasNotStartedIsStartedAgainAlone) {
  arrive({entry(1, "a", "1")});
  ASSERT_EQ(starts().size(), 2U);
  returned(1, "store", counting("store"));
  EXPECT_FALSE(returned(1, "tell", {}, false));
  EXPECT_EQ(starts(), (std::vector<std::string>{"tell"}));
  EXPECT_EQ(desk->running(), 1U);
}

// --- Places at asynchronous handlers

class PlacesHandler final : public handlers::AsyncHandler {
 public:
  std::size_t concurrency() const override { return 1; }
  void start(std::shared_ptr<const handlers::Notification>, const std::stop_token&, Done) override {}
};

/// Messages go to `target`, statuses to the pool, calls to both.
class PlacesTest : public DeskTest {
 protected:
  PlacesTest() {
    const routes::ActionOptions forwards{.forward = forward::Options{}}, handles{.handler = "message"};
    routes::Options settings;
    settings.routes = {{.match = {.type_webhook = {"incomingMessageReceived"}}, .actions = {forwards}},
                       {.match = {.type_webhook = {"outgoingMessageStatus"}}, .actions = {handles}},
                       {.match = {.type_webhook = {"incomingCall"}}, .actions = {handles, forwards}}};
    const auto make_forward = [this](const std::string&, const forward::Options&) { return target; };
    routes = std::make_shared<const routes::Routes>(settings, handlers, make_forward);
    start({});
  }
  void full(bool is) { situation.full = is ? std::span<const handlers::AsyncHandler* const>(all_full) : all_full.subspan(0, 0); }
  Arrival message(std::uint64_t id, const std::string& chat) { return entry(id, chat, std::to_string(id)); }
  Arrival status(std::uint64_t id, const std::string& chat) { return entry(id, chat, std::to_string(id), "", "outgoingMessageStatus"); }
  Record ended(std::uint64_t id, Handled handled = Handled::done()) {
    return *desk->completed({id, 0}, {&forward, true, std::move(handled), 1ms}, now, wall, 0.5);
  }

  const std::shared_ptr<handlers::AsyncHandler> target = std::make_shared<PlacesHandler>();
  const routes::Action forward{"forward", nullptr, target, nullptr};
  const handlers::AsyncHandler* const target_of[1] = {target.get()};
  const std::span<const handlers::AsyncHandler* const> all_full{target_of};
};

TEST_F(PlacesTest, WhoWaitsForAPlaceGetsTheNewRouteAtOnce) {
  full(true);
  arrive({message(1, "a"), message(2, "b"), message(3, "a")});
  EXPECT_TRUE(started().empty());
  ASSERT_EQ(desk->waiting(), 2U);
  ASSERT_TRUE(desk->call(*target));
  routes::Options settings;
  settings.routes = {{.actions = {{.handler = "message"}}}};
  desk->set_routes(std::make_shared<const routes::Routes>(settings, handlers));
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_EQ(desk->blocked_entries(), 0U);
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(desk->called(*target), 0U) << "it gives its place back";
  EXPECT_FALSE(desk->waits_for(*target));
}

TEST_F(PlacesTest, WhoFindsNoPlaceWaitsAndOthersGoOn) {
  full(true);
  arrive({message(1, "a"), message(2, "b"), status(3, "c")});
  const auto step = next();
  EXPECT_EQ(step.kind, Kind::kWaits);
  EXPECT_EQ(step.wanted, target);
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(desk->waiting(), 2U);
  EXPECT_TRUE(desk->waits_for(*target));
}

TEST_F(PlacesTest, WhoWaitedForLongestIsCalledFirst) {
  full(true);
  arrive({message(1, "a"), message(2, "b"), message(3, "a")});
  EXPECT_TRUE(started().empty());
  EXPECT_TRUE(desk->call(*target));
  EXPECT_EQ(desk->called(*target), 1U);
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1})) << "its place is kept although no other is free";
  EXPECT_EQ(desk->called(*target), 0U);
  ended(1);
  EXPECT_TRUE(started().empty()) << "the next of the lane waits behind";
  EXPECT_TRUE(desk->call(*target));
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{2}));
  EXPECT_TRUE(desk->call(*target));
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{3}));
  EXPECT_FALSE(desk->call(*target));
}

TEST_F(PlacesTest, OfAFanOutNothingStartsBeforeEachHasItsPlace) {
  full(true);
  arrive({entry(1, "a", "1", "", "incomingCall")});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(desk->running(), 0U);
  desk->call(*target);
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(desk->running(), 2U);
}

TEST_F(PlacesTest, WhoWaitsCountsAsBlockedSoThatTheReaderGoesOn) {
  full(true);
  arrive({message(1, "a"), message(2, "a")});
  EXPECT_TRUE(started().empty());
  arrive({message(3, "a"), message(4, "b")});
  EXPECT_EQ(desk->blocked_entries(), 3U);
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(desk->blocked_entries(), 4U);
  desk->call(*target);
  EXPECT_EQ(desk->blocked_entries(), 1U);
}

TEST_F(PlacesTest, WhoWaitsKeepsNoBodyWhenMemoryIsTightAndItsPlaceWhileItIsReadAgain) {
  full(true);
  desk->set_pressure({.bodies = true, .records = false});
  arrive({message(1, "a"), message(2, "a")});
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(desk->body_bytes(), 0U);
  desk->call(*target);
  ASSERT_EQ(next().kind, Kind::kFetch);
  EXPECT_EQ(desk->called(*target), 1U);
  desk->fetched({1, 0}, message(1, "a"), now, wall);
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(desk->called(*target), 0U);
}

TEST_F(PlacesTest, APlaceIsGivenUpWhenTheEntryIsGone) {
  full(true);
  desk->set_pressure({.bodies = true, .records = false});
  arrive({message(1, "a")});
  EXPECT_TRUE(started().empty());
  desk->call(*target);
  ASSERT_EQ(next().kind, Kind::kFetch);
  desk->fetched({1, 0}, std::nullopt, now, wall);
  EXPECT_EQ(desk->called(*target), 0U);
  EXPECT_TRUE(desk->empty());
}

TEST_F(PlacesTest, WithoutRoomInMemoryWhoWouldWaitStaysInRedis) {
  full(true);
  desk->set_pressure({.bodies = true, .records = true});
  arrive({message(1, "a"), message(2, "a"), status(3, "b")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_EQ(desk->overflowed(), 1U);
  EXPECT_EQ(desk->entries(), 1U);
  EXPECT_TRUE(desk->accounts_for({1, 0}));
  desk->set_pressure({});
  full(false);
  desk->rescan_if_due(now, false);
  advance(Overflow::kRescanEvery);
  desk->rescan_if_due(now, false);
  EXPECT_LT(desk->cursor(), (StreamId{1, 0}));
  arrive({message(1, "a"), message(2, "a")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1}));
}

TEST_F(PlacesTest, AHandOverForgetsWhoWaits) {
  full(true);
  arrive({message(1, "a"), message(2, "b")});
  EXPECT_TRUE(started().empty());
  desk->call(*target);
  desk->drain();
  EXPECT_TRUE(desk->empty());
  EXPECT_EQ(desk->waiting() + desk->called(*target), 0U);
  EXPECT_FALSE(desk->call(*target));
}

TEST_F(PlacesTest, AHeldTypeGivesItsPlaceBack) {
  full(true);
  arrive({message(1, "a")});
  EXPECT_TRUE(started().empty());
  desk->call(*target);
  situation.held.set(static_cast<std::size_t>(notification::TypeWebhook::kIncomingMessageReceived));
  EXPECT_TRUE(started().empty());
  EXPECT_EQ(desk->called(*target), 0U);
}

TEST_F(PlacesTest, AFullPoolHoldsOnlyThoseBackThatNeedIt) {
  situation.pool = false;
  arrive({status(1, "a"), message(2, "b"), status(3, "c")});
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{2}));
  EXPECT_TRUE(desk->has_ready());
  situation.pool = true;
  EXPECT_EQ(started(), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(PlacesTest, ATargetsPauseIsKeptUpToTheLongest) {
  arrive({message(1, "a"), message(2, "b")});
  EXPECT_EQ(started().size(), 2U);
  ended(1, Handled::unavailable("HTTP 429", 60s));
  EXPECT_EQ(desk->next_wake(), now + 60s);
  advance(60s);
  EXPECT_EQ(next().kind, Kind::kFetch);
  ended(2, Handled::unavailable("HTTP 429", 24h));
  EXPECT_EQ(desk->next_wake(), now + options.retry.max);
}

class AwayTargetTest : public PlacesTest {
 protected:
  std::vector<std::uint64_t> fetched_and_started() {
    std::vector<std::uint64_t> ids;
    for (auto step = next(); step.kind != Kind::kNothing; step = next()) {
      if (step.kind == Kind::kFetch) {
        const auto id = step.stream_id;
        desk->fetched(id, message(id.ms, chat_of(id.ms)), now, wall);
      } else if (step.kind == Kind::kStart) {
        ids.push_back(step.stream_id.ms);
      }
    }
    return ids;
  }
  static std::string chat_of(std::uint64_t id) { return std::string(1, static_cast<char>('a' + id)); }
};

TEST_F(AwayTargetTest, OneOfThoseThatWaitLooksAtTheTargetEveryHalfMinute) {
  arrive({message(1, chat_of(1)), message(2, chat_of(2)), message(3, chat_of(3))});
  ASSERT_EQ(started().size(), 3U);
  for (std::uint64_t id = 1; id <= 3; ++id) ended(id, Handled::unavailable("connect"));
  std::size_t looks = 0;
  for (const auto end = now + 2h; now < end;) {
    ASSERT_LE(*desk->next_wake(), now + Away::kLookEvery);
    advance(std::chrono::ceil<std::chrono::milliseconds>(*desk->next_wake() - now));
    for (const std::uint64_t id : fetched_and_started()) {
      ++looks;
      ended(id, Handled::unavailable("connect"));
    }
  }
  EXPECT_LT(looks, 2 * 2h / Away::kLookEvery) << "not many more than it takes";
}

TEST_F(AwayTargetTest, AnAnswerOfTheTargetEndsThePauseOfThoseThatWaitForIt) {
  arrive({message(1, chat_of(1)), message(2, chat_of(2)), message(3, chat_of(3))});
  ASSERT_EQ(started().size(), 3U);
  for (std::uint64_t id = 1; id <= 3; ++id) ended(id, Handled::unavailable("connect"));
  EXPECT_TRUE(fetched_and_started().empty());
  EXPECT_FALSE(desk->hurry(PlacesHandler())) << "nobody waits for that one";
  for (std::size_t left = 3; left > 0; --left) {
    EXPECT_EQ(desk->blocked(), left);
    EXPECT_EQ(desk->blocked_entries(), left);
    ASSERT_TRUE(desk->hurry(*target));
    EXPECT_EQ(fetched_and_started().size(), 1U);
  }
  EXPECT_FALSE(desk->hurry(*target));
  EXPECT_EQ(desk->next_wake(), std::nullopt);
}

TEST_F(AwayTargetTest, APauseThatTheTargetAskedForIsKept) {
  arrive({message(1, chat_of(1))});
  ASSERT_EQ(started().size(), 1U);
  ended(1, Handled::unavailable("HTTP 429", 60s));
  EXPECT_FALSE(desk->hurry(*target));
  EXPECT_EQ(desk->next_wake(), now + 60s);
}

TEST_F(AwayTargetTest, WhoseTargetNobodyKnowsAnyMoreGoesOnWithAnyAnswer) {
  arrive({message(1, chat_of(1))});
  ASSERT_EQ(started().size(), 1U);
  ended(1, Handled::unavailable("connect"));
  routes::Options settings;
  settings.routes = {{.actions = {{.handler = "message"}}}};
  desk->set_routes(std::make_shared<const routes::Routes>(settings, handlers));
  EXPECT_TRUE(desk->hurry(PlacesHandler()));
  EXPECT_EQ(fetched_and_started().size(), 1U);
}

TEST_F(AwayTargetTest, AHandOverForgetsWhoWaits) {
  arrive({message(1, chat_of(1))});
  ASSERT_EQ(started().size(), 1U);
  ended(1, Handled::unavailable("connect"));
  desk->drain();
  EXPECT_FALSE(desk->hurry(*target));
}

}  // namespace
}  // namespace hookfleet::dispatch
