#include "cli/simulate/push.hpp"

#include <gtest/gtest.h>

#include <set>

namespace hookfleet::simulate {
namespace {

using namespace std::chrono_literals;

class PushTest : public testing::Test {
 protected:
  void start(const Push::Options& options, unsigned instances = 1) {
    generator.emplace(*Generator::make({.instances = instances, .types = {{"textMessage", 1}}}));
    ledger.emplace(generator->run());
    push.emplace(options, *generator, *ledger, now);
  }
  std::optional<Push::Send> next() { return push->next(now, 1'750'000'000); }
  void answer(unsigned instance, int status) { push->answered(instance, status, status == 0 ? "cut off" : "", 5ms, now); }

  Push::Clock::time_point now{std::chrono::hours(1)};
  std::optional<Generator> generator;
  std::optional<Ledger> ledger;
  std::optional<Push> push;
};

TEST_F(PushTest, SendsTheNextOfAnInstanceWhenTheOneBeforeHasIts200) {
  start({});
  const std::string first(next()->body);
  EXPECT_FALSE(next());
  EXPECT_EQ(push->wake_at(), Push::Clock::time_point::max()) << "only an answer helps";
  answer(0, 200);
  EXPECT_NE(next()->body, first);
  EXPECT_EQ(push->tally().acknowledged, 1U);
}

TEST_F(PushTest, SendsOfAllInstancesSideBySide) {
  start({}, 3);
  std::set<unsigned> instances;
  while (const auto send = next()) instances.insert(send->instance);
  EXPECT_EQ(instances, (std::set<unsigned>{0, 1, 2}));
}

TEST_F(PushTest, WhatIsOnlyQueuedIsAcknowledgedByNobodyYet) {
  start({});
  ASSERT_TRUE(next());
  push->queued(0);
  EXPECT_TRUE(next()) << "the next one may come";
  EXPECT_EQ(push->tally().acknowledged, 0U);
  EXPECT_EQ(ledger->missing(), 0U);
}

TEST_F(PushTest, PausesAfterAnythingElseAndSendsTheSame) {
  for (const int status : {0, 201, 401, 503, 504}) {
    start({.pause = 60s}, 2);
    const std::string first(next()->body);
    answer(0, status);
    ASSERT_EQ(next()->instance, 1U) << "others go on";
    answer(1, 200);
    ASSERT_EQ(next()->instance, 1U);
    EXPECT_EQ(push->wake_at(), now + 60s);
    now += 60s - 1ns;
    EXPECT_FALSE(next()) << status;
    now += 1ns;
    const auto again = next();
    ASSERT_TRUE(again) << status;
    EXPECT_EQ(again->instance, 0U);
    EXPECT_EQ(again->body, first);
    EXPECT_EQ(push->tally().pauses, 1U);
    EXPECT_EQ(push->tally().by_answer.count(status == 0 ? "cut off" : std::to_string(status)), 1U);
  }
}

TEST_F(PushTest, GivesUpWhatTheServiceKeepsNoLonger) {
  start({.pause = 60s, .keep = 24h});
  const std::string first(next()->body);
  for (int minutes = 0; minutes < 24 * 60; ++minutes) {
    answer(0, 503);
    ASSERT_FALSE(next()) << minutes;
    now += 60s;
    ASSERT_EQ(next()->body, first) << minutes;
  }
  answer(0, 503);
  EXPECT_EQ(push->tally().given_up, 1U);
  EXPECT_NE(next()->body, first);
  EXPECT_EQ(ledger->verdict().acknowledged, 0U);
}

TEST_F(PushTest, KeepsToTheRateAndCatchesUpAfterAStall) {
  start({.per_second = 100}, 50);
  unsigned sent = 0;
  const auto turn = [&] {
    while (const auto send = next()) {
      ++sent;
      answer(send->instance, 200);
    }
  };
  for (int ms = 0; ms < 1000; ++ms) {
    turn();
    now += 1ms;
  }
  EXPECT_NEAR(sent, 100, 1);
  now += 1s;
  turn();
  EXPECT_NEAR(sent, 200, 1);
}

TEST_F(PushTest, EndsAfterItsCountWhenAllIsAcknowledged) {
  start({.count = 2, .pause = 1s}, 5);
  ASSERT_TRUE(next());
  ASSERT_TRUE(next());
  EXPECT_FALSE(next());
  EXPECT_TRUE(push->finishing());
  answer(0, 200);
  answer(1, 500);
  EXPECT_FALSE(push->idle()) << "one pauses";
  EXPECT_EQ(push->pausing(), 1U);
  now += 1s;
  ASSERT_EQ(next()->instance, 1U);
  answer(1, 200);
  EXPECT_TRUE(push->idle());
  EXPECT_EQ(push->unacknowledged(), 0U);
}

TEST_F(PushTest, TellsTheLedgerWhatWasSentAndWhatIsAcknowledged) {
  start({}, 2);
  next();
  next();
  answer(1, 200);
  const auto verdict = ledger->verdict();
  EXPECT_EQ(verdict.sent, 2U);
  EXPECT_EQ(verdict.acknowledged, 1U);
  EXPECT_EQ(verdict.lost, 1U);
}

}  // namespace
}  // namespace hookfleet::simulate
