#include "ingress/poll/feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include "common/metrics/registry.hpp"
#include "ingress/poll/table.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::poll {
namespace {

using namespace std::chrono_literals;
using append::Outcome;
using greenapi::Failure;
using greenapi::FailureKind;
using greenapi::Received;
using greenapi::Removed;
using Wish = Feed::Wish;

constexpr Pauses kPauses{.retry_first = 1s, .retry_max = 60s, .refused = 300s};
constexpr double kLongest = 1;  // of the dice: the whole pause

Failure failure(FailureKind kind, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  return {.kind = kind, .status = 0, .message = "as a test wants it", .retry_after = retry_after};
}

class FeedTest : public testing::Test {
 protected:
  // Brings the feed to where it holds a notification that is being appended.
  void receive(std::int64_t receipt = 7) {
    ASSERT_EQ(feed_.wish(now_), Wish::kReceive);
    feed_.receive_sent(now_);
    ASSERT_TRUE(feed_.received(Received{receipt, "{}"}, now_, kLongest));
  }
  // And where it is stored.
  void store(std::int64_t receipt = 7) {
    receive(receipt);
    feed_.appended(Outcome::kStored, now_, kLongest);
    ASSERT_EQ(feed_.wish(now_), Wish::kRemove);
  }
  void fail_receive(Failure why, double dice = kLongest) {
    feed_.receive_sent(now_);
    EXPECT_FALSE(feed_.received(tl::unexpected(std::move(why)), now_, dice));
  }
  void fail_remove(FailureKind kind) {
    feed_.remove_sent();
    feed_.removed(tl::unexpected(failure(kind)), now_, kLongest);
  }
  std::chrono::nanoseconds rests() const { return feed_.due() - now_; }
  // Advances to when the feed wants something.
  Wish next() {
    now_ = std::max(now_, feed_.due());
    return feed_.wish(now_);
  }

  base::BootTime now_{1000s};
  Feed feed_{kPauses};
};

TEST_F(FeedTest, ReceivesAppendsRemovesAndReceivesTheNext) {
  receive();
  EXPECT_EQ(feed_.wish(now_), Wish::kNothing);
  feed_.appended(Outcome::kStored, now_, kLongest);
  EXPECT_EQ(feed_.wish(now_), Wish::kRemove);
  EXPECT_EQ(feed_.receipt(), 7);
  feed_.remove_sent();
  EXPECT_EQ(feed_.wish(now_), Wish::kNothing);
  feed_.removed(Removed{true, ""}, now_, kLongest);
  EXPECT_TRUE(feed_.idle());
  EXPECT_EQ(next(), Wish::kReceive);
}

TEST_F(FeedTest, ANewTenureKnowsOfNoFailureInAnEarlierOne) {
  for (int i = 0; i < 4; ++i) fail_receive(failure(FailureKind::kRetry));
  ASSERT_TRUE(feed_.trouble());
  feed_.forget();
  feed_.begin();
  EXPECT_FALSE(feed_.trouble());
  now_ = feed_.due();
  fail_receive(failure(FailureKind::kRetry));
  EXPECT_EQ(rests(), 1s) << "the first in a row";
}

TEST(Instances, AreComparedForPeople) {
  const auto instance = [](std::uint64_t id, bool receive = true) {
    Instance one;
    one.id = id;
    one.receive = receive;
    return one;
  };
  const Changes changes = compare({instance(1), instance(2), instance(3)}, {instance(3, false), instance(4), instance(1)});
  EXPECT_EQ(changes.added, "4");
  EXPECT_EQ(changes.gone, "2");
  EXPECT_EQ(changes.changed, "3");
  std::vector<Instance> many;
  for (std::uint64_t id = 1; id <= 23; ++id) many.push_back(instance(id));
  EXPECT_THAT(compare(many, {}).gone, testing::EndsWith("19, 20 and 3 more"));
}

TEST_F(FeedTest, RemovesNothingThatWasNotStored) {
  for (const Outcome outcome : {Outcome::kOverloaded, Outcome::kUnavailable, Outcome::kUnknown}) {
    receive();
    feed_.appended(outcome, now_, kLongest);
    EXPECT_TRUE(feed_.idle()) << append::to_text(outcome);
    EXPECT_EQ(feed_.wish(now_), Wish::kNothing) << "it rests first";
    EXPECT_EQ(next(), Wish::kReceive) << "the service gives it again";
  }
}

TEST_F(FeedTest, TakesWhatWasRemovedBeforeAsRemoved) {
  store();
  feed_.remove_sent();
  feed_.removed(Removed{false, "no such receipt"}, now_, kLongest);
  EXPECT_EQ(next(), Wish::kReceive);
}

TEST_F(FeedTest, AsksAgainForARemovalBeforeTheNextReceive) {
  store();
  for (const FailureKind kind : {FailureKind::kRetry, FailureKind::kThrottled, FailureKind::kUnauthorized, FailureKind::kNotReady}) {
    fail_remove(kind);
    EXPECT_EQ(feed_.wish(now_), Wish::kNothing);
    EXPECT_EQ(next(), Wish::kRemove) << greenapi::to_text(kind);
  }
}

TEST_F(FeedTest, ForgetsARemovalThatIsRefusedForGood) {
  for (const FailureKind kind : {FailureKind::kRefused, FailureKind::kWebhookSet}) {
    store();
    fail_remove(kind);
    EXPECT_EQ(next(), Wish::kReceive) << greenapi::to_text(kind);
  }
}

TEST_F(FeedTest, PausesLongerWithEachFailureUpToTheMost) {
  std::vector<std::chrono::nanoseconds> pauses;
  for (int i = 0; i < 9; ++i) {
    fail_receive(failure(FailureKind::kRetry));
    pauses.push_back(rests());
    EXPECT_EQ(next(), Wish::kReceive);
  }
  EXPECT_THAT(pauses, testing::ElementsAre(1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s));
  fail_receive(failure(FailureKind::kRetry), 0);
  EXPECT_EQ(rests(), 30s) << "half of it at least";
}

TEST_F(FeedTest, BeginsAnewWithPausesAfterASuccess) {
  for (int i = 0; i < 5; ++i) {
    fail_receive(failure(FailureKind::kRetry));
    next();
  }
  feed_.receive_sent(now_);
  EXPECT_FALSE(feed_.received(std::nullopt, now_ + 20s, kLongest));
  EXPECT_FALSE(feed_.trouble());
  now_ += 20s;
  fail_receive(failure(FailureKind::kRetry));
  EXPECT_EQ(rests(), 1s);
}

TEST_F(FeedTest, RestsByTheKindOfFailure) {
  const struct {
    FailureKind kind;
    std::chrono::seconds pause;
  } kRows[] = {{FailureKind::kRetry, 1s},       {FailureKind::kThrottled, 1s}, {FailureKind::kWebhookSet, 60s},
               {FailureKind::kUnreadable, 60s}, {FailureKind::kNotReady, 60s}, {FailureKind::kUnauthorized, 300s},
               {FailureKind::kQuota, 300s},     {FailureKind::kRefused, 300s}};
  for (const auto& row : kRows) {
    Feed feed(kPauses);
    feed.receive_sent(now_);
    feed.received(tl::unexpected(failure(row.kind)), now_, kLongest);
    EXPECT_EQ(feed.due() - now_, row.pause) << greenapi::to_text(row.kind);
    ASSERT_TRUE(feed.trouble());
    EXPECT_EQ(feed.trouble()->kind, row.kind);
  }
}

TEST_F(FeedTest, WaitsAsLongAsTheServiceSays) {
  fail_receive(failure(FailureKind::kThrottled, 17s));
  EXPECT_EQ(rests(), 17s);
}

TEST_F(FeedTest, TriesAtOnceWhenItsSettingsChange) {
  fail_receive(failure(FailureKind::kUnauthorized));
  feed_.hurry(now_);
  EXPECT_EQ(feed_.wish(now_), Wish::kReceive);
}

TEST_F(FeedTest, AsksAtOnceAfterAnEmptyAnswerUnlessItCameAtOnce) {
  feed_.receive_sent(now_);
  feed_.received(std::nullopt, now_ + 20s, kLongest);
  EXPECT_EQ(feed_.wish(now_ + 20s), Wish::kReceive);
  feed_.receive_sent(now_);
  feed_.received(std::nullopt, now_ + 1ms, kLongest);
  EXPECT_EQ(rests(), Feed::kEmptySpacing);
}

TEST_F(FeedTest, KeepsBelowTheServicesRate) {
  store();
  feed_.remove_sent();
  feed_.removed(Removed{true, ""}, now_ + 1ms, kLongest);
  EXPECT_EQ(rests(), Feed::kSpacing);
}

TEST_F(FeedTest, FinishesWhatIsInHandWhenItDrains) {
  receive();
  feed_.drain(now_);
  feed_.appended(Outcome::kStored, now_, kLongest);
  EXPECT_EQ(feed_.wish(now_), Wish::kRemove);
  feed_.remove_sent();
  feed_.removed(Removed{true, ""}, now_, kLongest);
  EXPECT_TRUE(feed_.idle());
  EXPECT_EQ(feed_.due(), base::BootTime::max());
}

TEST_F(FeedTest, TriesARemovalOnceWhenItDrains) {
  store();
  feed_.drain(now_);
  fail_remove(FailureKind::kRetry);
  EXPECT_TRUE(feed_.idle());
}

TEST_F(FeedTest, WaitsForNoPauseWhenItDrains) {
  store();
  fail_remove(FailureKind::kUnauthorized);
  EXPECT_EQ(rests(), 300s);
  feed_.drain(now_);
  EXPECT_EQ(feed_.wish(now_), Wish::kRemove);
  fail_remove(FailureKind::kUnauthorized);
  feed_.drain(now_);
  EXPECT_TRUE(feed_.idle());
  EXPECT_EQ(feed_.due(), base::BootTime::max());
}

TEST_F(FeedTest, AnInstanceThatRestsGoesOnRestingWhenItDrains) {
  fail_receive(failure(FailureKind::kUnauthorized));
  feed_.drain(now_);
  feed_.begin();
  EXPECT_EQ(rests(), 300s);
}

TEST_F(FeedTest, StoresTheSameNoMoreThanOnceASecondWhenItIsNotTakenAway) {
  for (const bool removed : {true, false}) {
    store(removed ? 7 : 8);
    feed_.remove_sent();
    feed_.removed(Removed{removed, ""}, now_ + 1ms, kLongest);
    EXPECT_EQ(rests(), removed ? Feed::kSpacing : Feed::kEmptySpacing);
    next();
  }
  store(9);
  for (int i = 0; i < 3; ++i) {  // said to be removed, and given again
    feed_.remove_sent();
    feed_.removed(Removed{true, ""}, now_ + 1ms, kLongest);
    EXPECT_EQ(rests(), i == 0 ? Feed::kSpacing : Feed::kEmptySpacing);
    next();
    store(9);
  }
}

TEST_F(FeedTest, ReceivesNothingWhenItDrainsUntilItBeginsAgain) {
  feed_.drain(now_);
  EXPECT_EQ(feed_.wish(now_), Wish::kNothing);
  feed_.begin();
  EXPECT_EQ(feed_.wish(now_), Wish::kReceive);
}

TEST_F(FeedTest, LeavesWhatIsInHandToTheNextOwner) {
  store();
  feed_.forget();
  EXPECT_TRUE(feed_.idle());
  EXPECT_EQ(feed_.wish(now_), Wish::kReceive);
  feed_.receive_sent(now_);
  feed_.abandoned();
  EXPECT_TRUE(feed_.idle());
  EXPECT_EQ(feed_.receipt(), 0);
}

TEST(PollerMetrics, ArePinnedByAGoldenFile) {
  EXPECT_TRUE(support::matches_golden("poller_metrics.txt", metrics::describe(kProgramTable)));
}

TEST(PollerSettings, HoldInstancesApart) {
  const struct {
    const char* label;
    const char* yaml;
    const char* problem;  // part of it; empty: none
  } kRows[] = {
      {"fine", "poller: {instances: [{id: 1, token: a}, {id: 2, token: b, api_url: \"http://127.0.0.1:1\", receive_timeout: 60s}]}", ""},
      {"none", "poller: {instances: []}", ""},
      {"twice", "poller: {instances: [{id: 1, token: a}, {id: 1, token: b}]}", "names 1 twice"},
      {"without token", "poller: {instances: [{id: 1}]}", "1 has no token"},
      {"a token that can't be one", "poller: {instances: [{id: 1, token: \"a/b\"}]}", "token"},
      {"no id", "poller: {instances: [{token: a}]}", "id"},
      {"no URL", "poller: {instances: [{id: 1, token: a, api_url: \"ftp://x\"}]}", "api_url"},
      {"too short", "poller: {instances: [{id: 1, token: a, receive_timeout: 4s}]}", "receive_timeout"},
      {"no whole seconds", "poller: {instances: [{id: 1, token: a, receive_timeout: 5500ms}]}", "whole seconds"},
      {"pauses", "poller: {retry_first: 30s, retry_max: 10s}", "retry_first"},
      {"leases", "poller: {lease_renew: 10s}", "poller.lease_renew must be at most half"},
  };
  for (const auto& row : kRows) {
    const support::TempDir dir;
    std::ofstream(dir / "settings.yaml") << row.yaml;
    Options options;
    config::Settings settings;
    declare(settings, options);
    std::string problems;
    for (const auto& problem : settings.load(dir / "settings.yaml", {}, {})) problems += problem.where + ": " + problem.message + '\n';
    if (*row.problem == '\0') {
      EXPECT_EQ(problems, "") << row.label;
    } else {
      EXPECT_THAT(problems, testing::HasSubstr(row.problem)) << row.label;
    }
  }
}

TEST(PollerSettings, HoldThousandsOfInstances) {
  constexpr std::size_t kInstances = 8'000;
  const support::TempDir dir;
  std::ofstream file(dir / "settings.yaml");
  file << "poller:\n  instances:\n";
  for (std::size_t i = 1; i <= kInstances; ++i) {
    file << "    - {id: " << 1'101'000'000 + i << ", api_url: \"https://1101.api.green-api.com\", token: abc, watch: true}\n";
  }
  file.close();
  Options options;
  config::Settings settings;
  declare(settings, options);
  for (const auto& problem : settings.load(dir / "settings.yaml", {}, {})) ADD_FAILURE() << problem.where << ": " << problem.message;
  EXPECT_EQ(options.instances.size(), kInstances);
}

}  // namespace
}  // namespace hookfleet::poll
