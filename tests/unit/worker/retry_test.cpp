#include "worker/retry/schedule.hpp"

#include <gtest/gtest.h>

namespace hookfleet::retry {
namespace {

using namespace std::chrono_literals;
using stream::Attempts;
using stream::DeadClass;

TEST(Schedule, PausesDoubleUpToTheLongest) {
  const Options options;
  const std::chrono::milliseconds expected[] = {1s, 2s, 4s, 8s, 16s, 32s, 64s};
  for (unsigned failed = 1; failed <= 7; ++failed) {
    const auto decision = after_failure(options, {.failed = failed}, options.attempts, 0.5);
    EXPECT_EQ(decision.dead, std::nullopt) << failed;
    EXPECT_EQ(decision.pause, expected[failed - 1]) << failed;
  }
  EXPECT_EQ(after_failure(options, {.failed = 40}, 1000, 0.5).pause, 5min);
}

TEST(Schedule, SpreadsPausesByAFifth) {
  EXPECT_EQ(after_failure({}, {.failed = 1}, 8, 0).pause, 800ms);
  EXPECT_EQ(after_failure({}, {.failed = 1}, 8, 1).pause, 1200ms);
}

TEST(Schedule, TheEighthFailureIsTheLast) {
  EXPECT_EQ(after_failure({}, {.failed = 8}, 8, 0.5).dead, DeadClass::kFailed);
  EXPECT_EQ(after_failure({}, {.failed = 1}, 1, 0.5).dead, DeadClass::kFailed);
}

struct AwayRow {
  const char* label;
  std::chrono::milliseconds age, blocked;
  bool dead;
};

class AwayTest : public testing::TestWithParam<AwayRow> {};

TEST_P(AwayTest, EndsOnlyWhatIsOldAndWasBlocked) {
  const std::int64_t now_ms = 1'750'000'000'000;
  const Attempts attempts{.blocked_since_ms = now_ms - GetParam().blocked.count()};
  const auto decision = after_unavailable({}, attempts, now_ms - GetParam().age.count(), now_ms, {}, 0.5);
  EXPECT_EQ(decision.dead.has_value(), GetParam().dead) << GetParam().label;
  if (GetParam().dead) {
    EXPECT_EQ(decision.dead, DeadClass::kExpired);
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, AwayTest,
                         testing::Values(AwayRow{"an hour's outage", 1h, 1h, false},
                                         AwayRow{"old, but its turn came just now", 30h, 10min, false},
                                         AwayRow{"blocked for long, but young", 23h, 23h, false}, AwayRow{"both", 24h, 1h, true}));

TEST(Schedule, BeingAwayPausesAsLongAsItHasLasted) {
  const std::int64_t now_ms = 1'750'000'000'000;
  const auto pause = [&](std::chrono::milliseconds blocked) {
    return after_unavailable({}, {.blocked_since_ms = now_ms - blocked.count()}, now_ms, now_ms, {}, 0.5).pause;
  };
  EXPECT_EQ(pause(0s), 1s);
  EXPECT_EQ(pause(4s), 4s);
  EXPECT_EQ(pause(2h), 5min);
}

TEST(Schedule, WhatIsLeftOfAnotherOwnersPauseIsBounded) {
  EXPECT_EQ(remaining({}, {.due_ms = 5000}, 2000), 3s);
  EXPECT_EQ(remaining({}, {.due_ms = 5000}, 6000), 0s);
  EXPECT_EQ(remaining({}, {.due_ms = 1'000'000'000}, 0), 6min) << "wall clocks differ";
}

}  // namespace
}  // namespace hookfleet::retry
