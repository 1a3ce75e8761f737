#include "worker/forward/breaker.hpp"

#include <gtest/gtest.h>

namespace hookfleet::forward {
namespace {

using namespace std::chrono_literals;
using Permit = Breaker::Permit;
using Change = Breaker::Change;
using State = Breaker::State;

class BreakerTest : public testing::Test {
 protected:
  Change fail(bool probe = false) { return breaker.failed(probe, now, 0.5); }
  void open() {
    for (int i = 0; i < 3; ++i) static_cast<void>(fail());
    ASSERT_EQ(breaker.state(), State::kOpen);
  }
  Breaker breaker{{.failures = 3, .pause_max = 8s}};
  base::BootTime now{1h};
};

TEST_F(BreakerTest, OpensAfterSoManyFailuresInARow) {
  EXPECT_EQ(fail(), Change::kNone);
  EXPECT_EQ(fail(), Change::kNone);
  EXPECT_EQ(breaker.succeeded(false), Change::kNone);
  EXPECT_EQ(fail(), Change::kNone);
  EXPECT_EQ(fail(), Change::kNone);
  EXPECT_EQ(breaker.ask(now), Permit::kSend);
  EXPECT_EQ(fail(), Change::kOpened);
  EXPECT_EQ(breaker.ask(now), Permit::kNone);
}

TEST_F(BreakerTest, TellsOnceThatItOpened) {
  open();
  EXPECT_EQ(fail(), Change::kNone) << "of a request that was under way";
}

TEST_F(BreakerTest, AfterThePauseASingleRequestIsTheProbe) {
  open();
  now += 999ms;
  EXPECT_EQ(breaker.ask(now), Permit::kNone);
  now += 1ms;
  EXPECT_EQ(breaker.ask(now), Permit::kProbe);
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_EQ(breaker.ask(now), Permit::kNone);
  now += 1h;
  EXPECT_EQ(breaker.ask(now), Permit::kNone) << "the probe is still under way";
}

TEST_F(BreakerTest, ASuccessfulProbeClosesIt) {
  open();
  now += 1s;
  ASSERT_EQ(breaker.ask(now), Permit::kProbe);
  EXPECT_EQ(breaker.succeeded(true), Change::kClosed);
  EXPECT_EQ(breaker.ask(now), Permit::kSend);
  EXPECT_EQ(fail(), Change::kNone) << "it counts from the start";
}

TEST_F(BreakerTest, PausesDoubleUpToTheLongest) {
  open();
  for (const auto pause : {1s, 2s, 4s, 8s, 8s}) {
    EXPECT_EQ(breaker.ask(now + pause - 1ms), Permit::kNone);
    now += pause;
    ASSERT_EQ(breaker.ask(now), Permit::kProbe);
    EXPECT_EQ(fail(true), Change::kNone);
  }
}

TEST_F(BreakerTest, PausesAreSpreadByAFifth) {
  for (const auto& [random, pause] : {std::pair(0.0, 800ms), std::pair(1.0, 1200ms)}) {
    Breaker one({.failures = 1, .pause_max = 8s});
    one.failed(false, now, random);
    EXPECT_EQ(one.ask(now + pause - 1ms), Permit::kNone);
    EXPECT_EQ(one.ask(now + pause), Permit::kProbe);
  }
}

TEST_F(BreakerTest, WhatBeganBeforeConcludesNothing) {
  open();
  EXPECT_EQ(breaker.succeeded(false), Change::kNone);
  EXPECT_EQ(breaker.state(), State::kOpen);
}

TEST_F(BreakerTest, AnAbandonedProbeMakesWayForAnother) {
  open();
  now += 1s;
  ASSERT_EQ(breaker.ask(now), Permit::kProbe);
  breaker.abandoned(true, now);
  EXPECT_EQ(breaker.ask(now), Permit::kProbe);
  breaker.abandoned(false, now);
  EXPECT_EQ(breaker.ask(now), Permit::kNone);
}

}  // namespace
}  // namespace hookfleet::forward
