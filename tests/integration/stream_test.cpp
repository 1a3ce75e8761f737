#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "common/base/uuid.hpp"
#include "common/lease/lease.hpp"
#include "common/lease/members.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/layout.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/scripts.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::stream {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using support::RedisServer;

constexpr unsigned kPartition = 3;
constexpr std::int64_t kReceived = 1'700'000'000'000;
const std::string kPart(16, '\x01');

Effect increment(std::string field, std::string value = "1") {
  return {Effect::Op::kIncrement, Effect::On::kCounts, "", std::move(field), std::move(value), 0ms};
}
Effect progress(std::string value, std::string part = kPart) {
  return {Effect::Op::kAdvance, Effect::On::kMessage, std::move(part), "status", std::move(value), 30 * 24h};
}

class StreamScripts : public testing::Test {
 protected:
  StreamScripts() {
    load();
    take("me", "17");
  }

  void load() {
    auto connection = server_.connect();
    EXPECT_TRUE(redis::load(connection, scripts_.all()).has_value());
  }
  void take(std::string owner, std::string epoch) {
    owner_ = std::move(owner);
    epoch_ = std::move(epoch);
    server_.call({"HSET", keys_.ctl(kPartition), "owner", owner_, "epoch", epoch_});
  }
  Fence fence() const { return {owner_, epoch_, kPartition}; }

  static Entry entry(std::string body = "{}") {
    return {base::make_uuid_v7(base::from_unix_ms(kReceived)),
            1101000001,
            "7@c.us",
            "incomingMessageReceived",
            kReceived,
            Source::kWebhook,
            "trace",
            std::move(body)};
  }
  StreamId add(const Entry& entry) {
    const XaddCommand command(keys_.stream(kPartition), entry);
    return StreamId::parse(server_.call(command.argv()).view().text()).value();
  }
  StreamId add() { return add(entry()); }
  Seen seen(char identity, char digest, std::int64_t received = kReceived) const {
    Seen seen{{}, {}, received, kId};
    seen.identity.fill(static_cast<std::uint8_t>(identity));
    seen.digest.fill(static_cast<std::uint8_t>(digest));
    return seen;
  }
  std::string mark_key(char identity) const { return keys_.mark(kPartition, std::string(16, identity)); }

  /// What became of each entry, "fenced", or the first word of the error.
  template <class Batch>
  std::string send(Batch& batch) {
    const redis::Reply reply = server_.call(batch.argv());
    const BatchAnswer answer(reply.view(), batch.size());
    reasons_.clear();
    switch (answer.kind()) {
      case BatchAnswer::Kind::kFenced: return "fenced";
      case BatchAnswer::Kind::kError: return std::string(answer.error_text().substr(0, answer.error_text().find(' ')));
      case BatchAnswer::Kind::kAnswered: break;
    }
    std::string letters;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      letters += static_cast<char>(answer.written(i));
      if (answer.written(i) == Written::kRefused) reasons_.emplace_back(answer.reason(i));
    }
    return letters;
  }
  std::string length() { return server_.text({"XLEN", keys_.stream(kPartition)}); }
  std::string count(std::string_view field) { return server_.text({"HGET", keys_.cnt(kPartition), field}); }
  std::string attempts_of(StreamId id) { return server_.text({"HGET", keys_.att(kPartition), id.text()}); }

  static constexpr std::string_view kId = "018bcfe5-687b-7000-8000-0000000000ff";
  RedisServer server_;
  const Scripts scripts_;
  const Keys keys_{Layout{}};
  std::string owner_, epoch_;
  AckBatch ack_{scripts_, keys_, 25h};
  AttemptsBatch attempts_{scripts_, keys_};
  std::vector<std::string> reasons_;
};

TEST_F(StreamScripts, AckTakesTheEntryAndWritesEffectsAndMark) {
  const StreamId id = add();
  server_.call({"HSET", keys_.att(kPartition), id.text(), "1x"});
  const std::vector<Effect> effects{increment("done"),
                                    increment("done", "4"),
                                    progress("2 delivered"),
                                    {Effect::Op::kSet, Effect::On::kInstances, "", "7", "authorized", 0ms},
                                    {Effect::Op::kSet, Effect::On::kChat, kPart, "last", "\0\r\n"s, 1h}};
  ack_.start(fence());
  ack_.add(id, seen('i', 'd'), effects);
  EXPECT_EQ(send(ack_), "w");
  EXPECT_EQ(length(), "0");
  EXPECT_EQ(attempts_of(id), "");
  EXPECT_EQ(count("done"), "5");
  EXPECT_EQ(server_.text({"HGET", keys_.of(kPartition, "msg:" + kPart), "status"}), "2 delivered");
  EXPECT_EQ(server_.text({"HGET", keys_.inst(kPartition), "7"}), "authorized");
  EXPECT_EQ(server_.text({"HGET", keys_.of(kPartition, "chat:" + kPart), "last"}), "\0\r\n"s);
  const auto lives = server_.call({"PTTL", keys_.of(kPartition, "chat:" + kPart)}).view().integer();
  EXPECT_GT(lives, 3'500'000);
  EXPECT_LE(lives, 3'600'000);
  EXPECT_EQ(server_.text({"PTTL", keys_.cnt(kPartition)}), "-1");
  const auto mark = Mark::parse(server_.text({"GET", mark_key('i')}));
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->first_id, kId);
  EXPECT_EQ(mark->received_ms, kReceived);
  EXPECT_TRUE(mark->knows(seen('i', 'd').digest));
  EXPECT_GT(server_.call({"PTTL", mark_key('i')}).view().integer(), 89'000'000);
}

TEST_F(StreamScripts, AckSentAgainAfterALostReplyChangesNothing) {
  support::TcpGate gate(server_.port());
  redis::Endpoint through = server_.endpoint();
  through.port = static_cast<std::uint16_t>(gate.port());
  const StreamId id = add();
  const std::vector<Effect> effects{increment("done")};
  ack_.start(fence());
  ack_.add(id, seen('i', 'd'), effects);
  auto connection = redis::Connection::open(through).value();
  gate.cut_after_from_server(1);
  ASSERT_EQ(connection.call(ack_.argv()).error().kind, redis::ErrorKind::kClosed);
  EXPECT_EQ(send(ack_), "g");
  EXPECT_EQ(count("done"), "1");
}

TEST_F(StreamScripts, AnotherOwnerOrAnotherEpochIsFencedAndWritesNothing) {
  const StreamId id = add();
  const std::vector<Effect> effects{increment("done")};
  const Death death;
  for (const Fence& other :
       {Fence{"you", "17", kPartition}, Fence{"me", "16", kPartition}, Fence{"me", "18", kPartition}, Fence{"", "", kPartition}}) {
    ack_.start(other);
    ack_.add(id, seen('i', 'd'), effects, &death);
    EXPECT_EQ(send(ack_), "fenced");
    attempts_.start(other);
    attempts_.write(id, {});
    EXPECT_EQ(send(attempts_), "fenced");
  }
  server_.call({"DEL", keys_.ctl(kPartition)});
  ack_.start(fence());
  ack_.add(id, seen('i', 'd'), effects, &death);
  EXPECT_EQ(send(ack_), "fenced");
  EXPECT_EQ(length(), "1");
  EXPECT_EQ(server_.text({"DBSIZE"}), "1");
}

TEST_F(StreamScripts, AnEntryThatFailsTheCheckIsRefusedUnwrittenAndTheOthersGoOn) {
  const std::string bad_part(16, '\x02');
  server_.call({"SET", keys_.of(kPartition, "msg:" + bad_part), "text"});
  server_.call({"HSET", mark_key('x'), "f", "v"});
  server_.call({"HSET", keys_.cnt(kPartition), "words", "many"});
  server_.call({"HSET", keys_.of(kPartition, "msg:" + kPart), "status", "unknown"});
  server_.call({"HSET", keys_.cnt(kPartition), "huge", "9223372036854775807"});
  const std::vector<std::vector<Effect>> bad{{increment("a"), progress("1 sent", bad_part)},
                                             {increment("a"), increment("words")},
                                             {increment("a"), progress("2 read")},
                                             {increment("a"), increment("a", "1.5")},
                                             {increment("a"), increment("a", "")},
                                             {increment("a"), progress("read", std::string(16, '\x03'))},
                                             {increment("a"), increment("huge")}};
  const std::vector<Effect> good{increment("done")};
  ack_.start(fence());
  std::vector<StreamId> refused;
  for (const auto& effects : bad) {
    refused.push_back(add());
    ack_.add(refused.back(), seen('i', 'd'), effects);
    ack_.add(add(), seen('g', 'd'), good);
  }
  refused.push_back(add());
  ack_.add(refused.back(), seen('x', 'd'), good);
  EXPECT_EQ(send(ack_), "rwrwrwrwrwrwrwr");
  ASSERT_EQ(reasons_.size(), 8U);
  EXPECT_NE(reasons_[0].find("msg:" + bad_part), std::string::npos) << reasons_[0];
  EXPECT_NE(reasons_[0].find("WRONGTYPE"), std::string::npos) << reasons_[0];
  EXPECT_NE(reasons_[1].find("words"), std::string::npos) << reasons_[1];
  EXPECT_NE(reasons_[7].find(mark_key('x')), std::string::npos) << reasons_[7];
  EXPECT_EQ(length(), "8");
  EXPECT_EQ(count("done"), "7");
  EXPECT_EQ(count("a"), "") << "nothing of a refused entry is written";
  EXPECT_EQ(server_.text({"EXISTS", mark_key('i')}), "0");

  // The way out: without effects, as a dead letter.
  ack_.start(fence());
  const Death death{DeadClass::kFailed, reasons_[0], 1, 1, 2, "me", {}};
  for (const StreamId id : refused) ack_.add(id, std::nullopt, {}, &death);
  EXPECT_EQ(send(ack_), "wwwwwwww");
  EXPECT_EQ(length(), "0");
}

TEST_F(StreamScripts, WhatIsGoneIsGoneEvenIfItsCheckWouldFail) {
  server_.call({"HSET", keys_.cnt(kPartition), "words", "many"});
  const std::vector<Effect> effects{increment("words")};
  ack_.start(fence());
  ack_.add({1, 1}, std::nullopt, effects);
  EXPECT_EQ(send(ack_), "g");
}

TEST_F(StreamScripts, AnEntryTwiceInABatchIsDoneOnce) {
  const StreamId id = add();
  const std::vector<Effect> effects{increment("done")};
  const Death death;
  ack_.start(fence());
  ack_.add(id, seen('i', 'd'), effects, &death);
  ack_.add(id, seen('i', 'd'), effects, &death);
  EXPECT_EQ(send(ack_), "wg");
  EXPECT_EQ(count("done"), "1");
  EXPECT_EQ(server_.text({"XLEN", keys_.dlq(kPartition)}), "1");
}

TEST_F(StreamScripts, EffectsThatContradictEachOtherDontStopTheBatch) {
  const std::vector<Effect> odd{{Effect::Op::kSet, Effect::On::kCounts, "", "f", "text", 0ms},
                                increment("f"),
                                {Effect::Op::kAdvance, Effect::On::kCounts, "", "f", "3 x", 0ms}};
  const std::vector<Effect> good{increment("done")};
  ack_.start(fence());
  ack_.add(add(), std::nullopt, odd);
  ack_.add(add(), std::nullopt, good);
  EXPECT_EQ(send(ack_), "ww");
  EXPECT_EQ(count("f"), "3 x");
  EXPECT_EQ(count("done"), "1");
}

TEST_F(StreamScripts, ProgressNeverGoesBack) {
  for (const auto& [value, expected] : std::vector<std::pair<std::string, std::string>>{
           {"1 sent", "1 sent"}, {"10 read", "10 read"}, {"2 delivered", "10 read"}, {"10 again", "10 read"}, {"11", "11"}}) {
    const std::vector<Effect> effects{progress(value)};
    ack_.start(fence());
    ack_.add(add(), std::nullopt, effects);
    ASSERT_EQ(send(ack_), "w");
    EXPECT_EQ(server_.text({"HGET", keys_.of(kPartition, "msg:" + kPart), "status"}), expected);
  }
}

TEST_F(StreamScripts, AMarkKeepsGreatestTimeFirstIdAndLastFourDigests) {
  ack_.start(fence());
  for (const char digest : {'a', 'b', 'c', 'a', 'd', 'e'}) ack_.add(add(), seen('i', digest, digest == 'c' ? kReceived + 5 : kReceived));
  Seen later = seen('i', 'f', kReceived - 10);
  later.id = "018bcfe5-687b-7000-8000-000000000001";
  ack_.add(add(), later);
  EXPECT_EQ(send(ack_), "wwwwwww");
  const auto mark = Mark::parse(server_.text({"GET", mark_key('i')}));
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->received_ms, kReceived + 5);
  EXPECT_EQ(mark->first_id, kId);
  EXPECT_EQ(mark->digests, (std::vector<notification::BodyDigest>{seen('i', 'a').digest, seen('i', 'd').digest, seen('i', 'e').digest,
                                                                  seen('i', 'f').digest}));
}

TEST_F(StreamScripts, AMarkOfAnotherFormatIsReplaced) {
  server_.call({"SET", mark_key('i'), "2 something later"});
  ack_.start(fence());
  ack_.add(add(), seen('i', 'd'));
  EXPECT_EQ(send(ack_), "w");
  EXPECT_TRUE(Mark::parse(server_.text({"GET", mark_key('i')})));
}

TEST_F(StreamScripts, ADeadLetterHoldsTheEntryByteForByteAndWhyItDied) {
  std::string body;
  for (int i = 0; i < 2'000'000; ++i) body += static_cast<char>(i * 31 + i / 256);
  const Entry original = entry(body);
  const StreamId id = add(original);
  const Death death{DeadClass::kCrash, "died\0 of it"s, 3, 1, 2, "me:1", {"forward", "handler:message"}};
  ack_.start(fence());
  ack_.add(id, seen('i', 'd'), {}, &death);
  ASSERT_EQ(send(ack_), "w");
  const redis::Reply reply = server_.call({"XRANGE", keys_.dlq(kPartition), "-", "+"});
  const auto letter = decode_dead_letter(reply.view()[0][1]);
  ASSERT_TRUE(letter.has_value()) << letter.error();
  EXPECT_EQ(letter->original, id);
  EXPECT_EQ(letter->death, death);
  EXPECT_EQ(letter->entry, original);
}

TEST_F(StreamScripts, AForeignEntryOfThousandsOfFieldsCanStillBeBuried) {
  std::vector<std::string> texts{"XADD", keys_.stream(kPartition), "*"};
  for (int i = 0; i < 20'000; ++i) texts.push_back(std::to_string(i));
  const std::vector<std::string_view> argv(texts.begin(), texts.end());
  const StreamId id = StreamId::parse(server_.call(argv).view().text()).value();
  const Death death{DeadClass::kMalformed, "foreign", 0, 0, 0, "me", {}};
  ack_.start(fence());
  ack_.add(id, std::nullopt, {}, &death);
  EXPECT_EQ(send(ack_), "w");
  const redis::Reply reply = server_.call({"XRANGE", keys_.dlq(kPartition), "-", "+"});
  EXPECT_EQ(decode_dead_letter(reply.view()[0][1])->original, id);
}

TEST_F(StreamScripts, ADeadLetterStreamOfAnotherTypeRefusesAndTheEntryStays) {
  server_.call({"SET", keys_.dlq(kPartition), "text"});
  const std::vector<Effect> effects{increment("done")};
  const Death death;
  ack_.start(fence());
  ack_.add(add(), seen('i', 'd'), effects, &death);
  EXPECT_EQ(send(ack_), "r");
  EXPECT_EQ(length(), "1");
  EXPECT_EQ(count("done"), "");
}

TEST_F(StreamScripts, AStreamOrLeaseOfAnotherTypeIsAnErrorBeforeAnyWrite) {
  const std::vector<Effect> effects{increment("done")};
  const Death death;
  server_.call({"SET", keys_.stream(kPartition), "text"});
  ack_.start(fence());
  ack_.add({1, 1}, seen('i', 'd'), effects, &death);
  EXPECT_EQ(send(ack_), "WRONGTYPE");
  EXPECT_EQ(count("done"), "");
  server_.call({"DEL", keys_.stream(kPartition)});
  server_.call({"SET", keys_.ctl(kPartition), "text"});
  ack_.start(fence());
  ack_.add(add(), seen('i', 'd'), effects, &death);
  EXPECT_EQ(send(ack_), "WRONGTYPE");
  EXPECT_EQ(length(), "1");
}

TEST_F(StreamScripts, AttemptsAreWrittenOnlyOfEntriesThatAreThere) {
  const StreamId id = add();
  const Attempts attempts{2, 1, Trouble::kFailed, 5, 4, 3, {{"forward", {increment("x")}}}};
  attempts_.start(fence());
  attempts_.write(id, attempts);
  attempts_.write({1, 1}, attempts);
  EXPECT_EQ(send(attempts_), "wg");
  EXPECT_EQ(Attempts::parse(attempts_of(id)), attempts);
  EXPECT_EQ(send(attempts_), "wg") << "a repeat writes the same";
  EXPECT_EQ(server_.text({"HLEN", keys_.att(kPartition)}), "1");
  attempts_.start(fence());
  attempts_.forget(id);
  EXPECT_EQ(send(attempts_), "w");
  EXPECT_EQ(server_.text({"EXISTS", keys_.att(kPartition)}), "0");
}

TEST_F(StreamScripts, AttemptsOfAnotherTypeRefuseAndAcksGoOn) {
  server_.call({"SET", keys_.att(kPartition), "text"});
  const StreamId id = add();
  attempts_.start(fence());
  attempts_.write(id, {});
  EXPECT_EQ(send(attempts_), "r");
  ack_.start(fence());
  ack_.add(id, seen('i', 'd'));
  EXPECT_EQ(send(ack_), "w");
}

TEST_F(StreamScripts, RedriveGivesTheEntryBackOnceWithItsFinishedActions) {
  const Entry original = entry("body");
  const Death death{DeadClass::kFailed, "e", 8, 1, 2, "me", {"forward"}};
  ack_.start(fence());
  ack_.add(add(original), seen('i', 'd'), {}, &death);
  ack_.add(add(), std::nullopt, {}, &death);
  ASSERT_EQ(send(ack_), "ww");
  std::vector<StreamId> letters;
  const redis::Reply listed = server_.call({"XRANGE", keys_.dlq(kPartition), "-", "+"});
  for (std::size_t i = 0; i < 2; ++i) letters.push_back(StreamId::parse(listed.view()[i][0].text()).value());
  letters.push_back({1, 1});

  redis::Command command;
  redrive(command, scripts_, keys_, kPartition, letters);
  const auto moved = decode_redriven(server_.call(command.argv()).view());
  ASSERT_TRUE(moved.has_value());
  ASSERT_EQ(moved->size(), 3U);
  ASSERT_TRUE((*moved)[0] && (*moved)[1] && !(*moved)[2]);
  Entry expected = original;
  expected.source = Source::kRedrive;
  const redis::Reply back = server_.call({"XRANGE", keys_.stream(kPartition), (*moved)[0]->text(), (*moved)[0]->text()});
  EXPECT_EQ(decode(back.view()[0][1]), expected);
  EXPECT_EQ(back.view()[0][1].size(), 18U) << "nothing of the death is left";
  Attempts attempts;
  attempts.finished = {{"forward", {}}};
  EXPECT_EQ(Attempts::parse(attempts_of(*(*moved)[0])), attempts);
  EXPECT_EQ(server_.text({"XLEN", keys_.dlq(kPartition)}), "0");

  const auto again = decode_redriven(server_.call(command.argv()).view());
  EXPECT_EQ(again->at(0), std::nullopt);
  EXPECT_EQ(length(), "2");
}

TEST_F(StreamScripts, AtMaxmemoryAllButRedriveGoOn) {
  const Death death;
  const std::vector<Effect> effects{increment("done")};
  std::vector<StreamId> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(add(entry(std::string(20'000, 'x'))));
  server_.config_set("maxmemory", "1mb");
  const Entry another = entry();
  const XaddCommand more(keys_.stream(kPartition), another);
  ASSERT_EQ(server_.call(more.argv()).view().error(), redis::ReplyError::kOom);
  attempts_.start(fence());
  attempts_.write(ids[0], {});
  EXPECT_EQ(send(attempts_), "w");
  ack_.start(fence());
  for (int i = 0; i < 50; ++i) ack_.add(ids[static_cast<std::size_t>(i)], seen('i', 'd'), effects, i == 0 ? &death : nullptr);
  EXPECT_EQ(send(ack_), std::string(50, 'w'));
  const StreamId letter = StreamId::parse(server_.call({"XRANGE", keys_.dlq(kPartition), "-", "+"}).view()[0][0].text()).value();
  redis::Command command;
  redrive(command, scripts_, keys_, kPartition, {&letter, 1});
  EXPECT_EQ(decode_redriven(server_.call(command.argv()).view()).error(), redis::ReplyError::kOom);
  EXPECT_EQ(server_.text({"XLEN", keys_.dlq(kPartition)}), "1");
  EXPECT_EQ(length(), "50");
  server_.config_set("maxmemory", "256mb");
  EXPECT_TRUE(decode_redriven(server_.call(command.argv()).view())->at(0));
}

TEST_F(StreamScripts, WithoutScriptsNothingIsDoneAndAfterLoadingTheSameCallWorks) {
  const std::vector<Effect> effects{increment("done")};
  ack_.start(fence());
  ack_.add(add(), seen('i', 'd'), effects);
  server_.call({"SCRIPT", "FLUSH"});
  EXPECT_EQ(send(ack_), "NOSCRIPT");
  EXPECT_EQ(length(), "1");
  load();
  EXPECT_EQ(send(ack_), "w");
  server_.restart();
  EXPECT_EQ(send(ack_), "NOSCRIPT") << "scripts don't survive a restart";
  load();
  EXPECT_EQ(send(ack_), "g");
  EXPECT_EQ(count("done"), "1");
}

TEST_F(StreamScripts, ALimitOfEntriesFitsIntoOneCall) {
  ack_.start(fence());
  for (std::size_t i = 0; i < AckBatch::kEntriesLimit; ++i) ack_.add({i + 1, 0}, seen('i', 'd'));
  EXPECT_EQ(send(ack_), std::string(AckBatch::kEntriesLimit, 'g'));
}

/// All calls of a worker and a redrive, through `connection`; the answers of each.
void expect_all_calls_work(redis::Connection& connection) {
  const Keys keys{Layout{}};
  const lease::Scripts leases;
  const Scripts scripts;
  ASSERT_TRUE(redis::load(connection, leases.all()).has_value());
  ASSERT_TRUE(redis::load(connection, scripts.all()).has_value());
  for (unsigned partition = 0; partition < keys.partitions(); partition += 5) {
    const Entry entry{std::string("018bcfe5-687b-7000-8000-0000000000ff"), 7, "7@c.us", "t", kReceived, Source::kWebhook, "", "{}"};
    const XaddCommand append(keys.stream(partition), entry);
    const StreamId id = StreamId::parse(connection.call(append.argv())->view().text()).value();

    redis::Command command;
    lease::acquire(command, leases, {keys.ctl(partition), keys.stream(partition), "me", 10s, "", ""});
    const auto acquired = lease::decode_acquired(connection.call(command.argv())->view());
    ASSERT_TRUE(acquired.has_value());
    const auto held = std::get<lease::Held>(*acquired);
    EXPECT_EQ(held.last_id, id.text());
    const lease::Tenure tenure{"me", held.epoch};
    lease::renew(command, leases, keys.ctl(partition), tenure, 10s);
    EXPECT_EQ(lease::decode_held(connection.call(command.argv())->view()), true);

    AttemptsBatch attempts(scripts, keys);
    attempts.start({"me", held.epoch, partition});
    attempts.write(id, {});
    const redis::Reply written = connection.call(attempts.argv()).value();
    EXPECT_EQ(BatchAnswer(written.view(), 1).kind(), BatchAnswer::Kind::kAnswered) << written.view().text();

    AckBatch ack(scripts, keys, 25h);
    const std::vector<Effect> effects{increment("done"),
                                      progress("1 sent"),
                                      {Effect::Op::kSet, Effect::On::kInstances, "", "7", "x", 0ms},
                                      {Effect::Op::kSet, Effect::On::kChat, kPart, "f", "x", 1h}};
    const Death death{DeadClass::kFailed, "", 0, 0, 0, "me", {"a"}};
    ack.start({"me", held.epoch, partition});
    ack.add(id, Seen{{}, {}, kReceived, entry.id}, effects, &death);
    for (const char* expected : {"w", "g"}) {
      const redis::Reply acked = connection.call(ack.argv()).value();
      EXPECT_EQ(acked.view().text(), expected);
    }
    const redis::Reply dead = connection.call({"XRANGE", keys.dlq(partition), "-", "+"}).value();
    const StreamId letter = StreamId::parse(dead.view()[0][0].text()).value();
    redrive(command, scripts, keys, partition, {&letter, 1});
    const redis::Reply redriven = connection.call(command.argv()).value();
    EXPECT_TRUE(decode_redriven(redriven.view()).has_value()) << redriven.view().text();
    lease::release(command, leases, keys.ctl(partition), tenure);
    EXPECT_EQ(lease::decode_held(connection.call(command.argv())->view()), true);
  }
  lease::Members members(keys.members(), "me", 8s);
  redis::Command command;
  members.heartbeat(command, leases);
  EXPECT_TRUE(members.observe(connection.call(command.argv())->view(), base::BootTime{}).has_value());
}

TEST(Calls, TouchOneSlotOfAClusterEach) {
  RedisServer::Options options;
  options.arguments = {"--cluster-enabled", "yes", "--cluster-port", std::to_string(support::free_port())};
  RedisServer server(options);
  ASSERT_EQ(server.text({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}), "OK");
  ASSERT_TRUE(support::wait_until(support::kSoon, [&server] { return server.text({"CLUSTER", "INFO"}).starts_with("cluster_state:ok"); }));
  auto connection = server.connect();
  expect_all_calls_work(connection);
}

/// Design §9: a script may run only what its caller may.
TEST(Calls, NeedNoMoreThanTheWorkersRightsInRedis) {
  RedisServer server({.roles = true});
  auto connection = redis::Connection::open(redis::Endpoint::parse(server.url_of("worker")).value()).value();
  ASSERT_EQ(connection.call({"DEL", "hf:x"})->view().error(), redis::ReplyError::kNoPerm);
  expect_all_calls_work(connection);
}

TEST(LayoutCheck, WritesWhatIsMissingAndRefusesWhatDiffers) {
  RedisServer server;
  auto connection = server.connect();
  const Layout layout;
  EXPECT_EQ(check_layout(connection, layout).verdict, LayoutCheck::Verdict::kSame);
  EXPECT_EQ(server.text({"HGET", "hf:meta", "layout"}), "1 32 chat");
  EXPECT_EQ(check_layout(connection, layout).verdict, LayoutCheck::Verdict::kSame);
  Layout other;
  other.partitions = 16;
  const LayoutCheck differs = check_layout(connection, other);
  EXPECT_EQ(differs.verdict, LayoutCheck::Verdict::kDifferent);
  EXPECT_NE(differs.text.find("hookfleet layout clear"), std::string::npos);
  server.call({"FLUSHALL"});
  EXPECT_EQ(check_layout(connection, layout).verdict, LayoutCheck::Verdict::kSame);
  EXPECT_EQ(server.text({"HGET", "hf:meta", "layout"}), "1 32 chat") << "written again";
}

TEST(LayoutCheck, WhatRedisCannotTellIsUnknown) {
  RedisServer server;
  auto connection = server.connect();
  server.call({"SET", "ballast", std::string(2'000'000, 'x')});
  server.config_set("maxmemory", "1mb");
  EXPECT_EQ(check_layout(connection, {}).verdict, LayoutCheck::Verdict::kUnknown) << "missing, and can't be written";
  server.config_set("maxmemory", "256mb");
  server.call({"SET", "hf:meta", "text"});
  const LayoutCheck odd = check_layout(connection, {});
  EXPECT_EQ(odd.verdict, LayoutCheck::Verdict::kUnknown);
  EXPECT_NE(odd.text.find("WRONGTYPE"), std::string::npos) << odd.text;
  server.kill();
  EXPECT_EQ(check_layout(connection, {}).verdict, LayoutCheck::Verdict::kUnknown);
}

/// Random calls against Redis and against a reference in C++; every answer and, now and then, every key compared.
class Reference : public StreamScripts {
 protected:
  struct Letter {
    Entry entry;
    StreamId original;
    Death death;
  };
  struct Item {
    StreamId id;
    std::optional<Seen> seen;
    std::vector<Effect> effects;
    std::optional<Death> death;
  };

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  bool chance(unsigned percent) { return pick(100) < percent; }
  StreamId some_id() { return ids_.empty() ? StreamId{1, 1} : ids_[pick(static_cast<unsigned>(ids_.size()))]; }

  void step() {
    const unsigned what = pick(100);
    if (what < 30) {
      append();
    } else if (what < 60) {
      acknowledge();
    } else if (what < 75) {
      write_attempts();
    } else if (what < 82) {
      redrive_some();
    } else if (what < 90) {
      take("w" + std::to_string(pick(3)), std::to_string(pick(1000)));
    } else if (what < 91) {
      server_.restart();
      load();
    } else {
      compare();
    }
  }

  void append() {
    const Entry added = entry("body " + std::to_string(pick(1000)) + std::string(pick(300), '\0'));
    const StreamId id = add(added);
    entries_[id] = added;
    ids_.push_back(id);
  }

  Fence random_fence(bool& right) {
    right = !chance(10);
    return right ? fence() : Fence{chance(50) ? "zombie" : std::string_view(owner_), "1001", kPartition};
  }

  void acknowledge() {
    std::vector<Item> items(1 + pick(6));
    for (Item& item : items) {
      item.id = some_id();
      if (chance(80)) {
        item.seen = seen(static_cast<char>('A' + pick(8)), static_cast<char>('a' + pick(7)), kReceived + pick(100));
        item.seen->id = uuids_[pick(static_cast<unsigned>(uuids_.size()))];
      }
      for (unsigned i = pick(3); i > 0; --i) {
        switch (pick(4)) {
          case 0: item.effects.push_back(increment("n" + std::to_string(pick(3)), std::to_string(static_cast<int>(pick(20)) - 10))); break;
          case 1:
            item.effects.push_back(
                progress(std::to_string(pick(12)) + " x" + std::to_string(pick(9)), std::string(16, static_cast<char>('p' + pick(4)))));
            break;
          case 2:
            item.effects.push_back({Effect::Op::kSet, Effect::On::kInstances, "", std::to_string(pick(3)), std::to_string(pick(99)), 0ms});
            break;
          default: item.effects.push_back(increment("poison")); break;  // holds a text
        }
      }
      if (chance(20)) item.death = Death{static_cast<DeadClass>(pick(6)), "error " + std::to_string(pick(9)), pick(9), 1, 2, owner_, {}};
      if (item.death && chance(50)) item.death->actions = {"a", "b"};
    }
    bool right = true;
    ack_.start(random_fence(right));
    for (const Item& item : items) ack_.add(item.id, item.seen, item.effects, item.death ? &*item.death : nullptr);
    for (unsigned times = 1 + pick(2); times > 0; --times) {  // twice: as after a lost reply
      std::string expected = right ? "" : "fenced";
      for (const Item& item : items) {
        if (right) expected += expect(item);
      }
      ASSERT_EQ(send(ack_), expected);
    }
  }

  char expect(const Item& item) {
    const auto found = entries_.find(item.id);
    if (found == entries_.end()) return 'g';
    for (const Effect& effect : item.effects) {
      if (effect.field == "poison") return 'r';
    }
    for (const Effect& effect : item.effects) {
      if (effect.on == Effect::On::kCounts) counts_[effect.field] += std::stoll(effect.value);
      if (effect.on == Effect::On::kInstances) instances_[effect.field] = effect.value;
      if (effect.on == Effect::On::kMessage) {
        std::string& value = messages_[effect.part];
        if (value.empty() || std::stoi(effect.value) > std::stoi(value)) value = effect.value;
      }
    }
    if (item.seen) {
      Mark& mark = marks_[std::string(1, static_cast<char>(item.seen->identity[0]))];
      if (mark.digests.empty()) mark.first_id = item.seen->id;
      mark.received_ms = std::max(mark.received_ms, item.seen->received_ms);
      std::erase(mark.digests, item.seen->digest);
      mark.digests.push_back(item.seen->digest);
      if (mark.digests.size() > Mark::kDigestsMax) mark.digests.erase(mark.digests.begin());
    }
    if (item.death) letters_.push_back({found->second, item.id, *item.death});
    attempts_there_.erase(item.id);
    entries_.erase(found);
    return 'w';
  }

  void write_attempts() {
    bool right = true;
    attempts_.start(random_fence(right));
    std::string expected = right ? "" : "fenced";
    for (unsigned i = 1 + pick(4); i > 0; --i) {
      const StreamId id = some_id();
      const bool forget = chance(20);
      const Attempts attempts{pick(9), pick(3), Trouble::kFailed, pick(1000), 0, 0, {{"x", {increment("n0")}}}};
      if (forget) {
        attempts_.forget(id);
      } else {
        attempts_.write(id, attempts);
      }
      if (!right) continue;
      expected += entries_.contains(id) ? 'w' : 'g';
      if (!entries_.contains(id)) continue;
      if (forget) {
        attempts_there_.erase(id);
      } else {
        attempts_there_[id] = attempts;
      }
    }
    ASSERT_EQ(send(attempts_), expected);
  }

  void redrive_some() {
    const redis::Reply listed = server_.call({"XRANGE", keys_.dlq(kPartition), "-", "+"});
    ASSERT_EQ(listed.view().size(), letters_.size());
    std::vector<StreamId> chosen;
    std::vector<Letter> moved, kept;
    for (std::size_t i = 0; i < letters_.size(); ++i) {
      if (chance(40) && chosen.size() < kRedriveMax) {
        chosen.push_back(StreamId::parse(listed.view()[i][0].text()).value());
        moved.push_back(letters_[i]);
      } else {
        kept.push_back(letters_[i]);
      }
    }
    if (chosen.empty()) return;
    redis::Command command;
    redrive(command, scripts_, keys_, kPartition, chosen);
    const auto answer = decode_redriven(server_.call(command.argv()).view());
    ASSERT_TRUE(answer.has_value());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const StreamId id = answer->at(i).value();
      Letter& letter = moved[i];
      letter.entry.source = Source::kRedrive;
      entries_[id] = letter.entry;
      ids_.push_back(id);
      Attempts attempts;
      for (const std::string& name : letter.death.actions) attempts.finished.push_back({name, {}});
      if (!attempts.finished.empty()) attempts_there_[id] = attempts;
    }
    letters_ = kept;
    const auto again = decode_redriven(server_.call(command.argv()).view());
    for (const auto& id : again.value()) ASSERT_FALSE(id);
  }

  void compare() {
    const redis::Reply stream = server_.call({"XRANGE", keys_.stream(kPartition), "-", "+"});
    ASSERT_EQ(stream.view().size(), entries_.size());
    std::size_t at = 0;
    for (const auto& [id, entry] : entries_) {
      ASSERT_EQ(stream.view()[at][0].text(), id.text());
      ASSERT_EQ(decode(stream.view()[at++][1]), entry);
    }
    ASSERT_EQ(server_.call({"HLEN", keys_.att(kPartition)}).view().integer(), static_cast<std::int64_t>(attempts_there_.size()));
    for (const auto& [id, attempts] : attempts_there_) ASSERT_EQ(Attempts::parse(attempts_of(id)), attempts);
    for (const auto& [identity, mark] : marks_) {
      ASSERT_EQ(Mark::parse(server_.text({"GET", mark_key(identity[0])})), mark);
      const auto lives = server_.call({"PTTL", mark_key(identity[0])}).view().integer();
      ASSERT_TRUE(lives > 0 && lives <= 90'000'000) << lives;
    }
    for (const auto& [field, number] : counts_) ASSERT_EQ(count(field), std::to_string(number));
    for (const auto& [field, value] : instances_) ASSERT_EQ(server_.text({"HGET", keys_.inst(kPartition), field}), value);
    for (const auto& [part, value] : messages_) ASSERT_EQ(server_.text({"HGET", keys_.of(kPartition, "msg:" + part), "status"}), value);
    const redis::Reply dead = server_.call({"XRANGE", keys_.dlq(kPartition), "-", "+"});
    ASSERT_EQ(dead.view().size(), letters_.size());
    for (std::size_t i = 0; i < letters_.size(); ++i) {
      const auto letter = decode_dead_letter(dead.view()[i][1]);
      ASSERT_TRUE(letter.has_value()) << letter.error();
      ASSERT_EQ(letter->original, letters_[i].original);
      ASSERT_EQ(letter->death, letters_[i].death);
      ASSERT_EQ(letter->entry, letters_[i].entry);
    }
  }

  std::mt19937_64 random_;
  const std::vector<std::string> uuids_{"018bcfe5-687b-7000-8000-000000000001", "018bcfe5-687b-7000-8000-000000000002",
                                        "ffffffff-ffff-7fff-bfff-ffffffffffff"};
  std::vector<StreamId> ids_;
  std::map<StreamId, Entry> entries_;
  std::map<StreamId, Attempts> attempts_there_;
  std::map<std::string, Mark> marks_;
  std::map<std::string, std::int64_t> counts_;
  std::map<std::string, std::string> instances_, messages_;
  std::vector<Letter> letters_;
};

TEST_F(Reference, EveryAnswerAndKeyAgreesOverRandomCallsAndKills) {
  const char* chosen = std::getenv("HOOKFLEET_SEED");
  const auto first = chosen == nullptr ? std::random_device{}() : static_cast<unsigned>(std::stoul(chosen));
  for (unsigned seed = first; seed < first + 5; ++seed) {
    SCOPED_TRACE("HOOKFLEET_SEED=" + std::to_string(seed));
    random_.seed(seed);
    server_.call({"FLUSHALL"});
    ids_.clear(), entries_.clear(), attempts_there_.clear(), marks_.clear(), counts_.clear(), instances_.clear(), messages_.clear(),
        letters_.clear();
    server_.call({"HSET", keys_.cnt(kPartition), "poison", "text"});
    take("w0", "1");
    for (int i = 0; i < 200; ++i) {
      step();
      if (HasFatalFailure()) return;
    }
    compare();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace hookfleet::stream
