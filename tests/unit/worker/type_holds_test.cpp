#include "worker/retry/type_holds.hpp"

#include <gtest/gtest.h>

#include <array>

namespace hookfleet::retry {
namespace {

using notification::TypeWebhook;

constexpr auto kCall = TypeWebhook::kIncomingCall;
constexpr std::array<unsigned, 2> kOurs{0, 1};
constexpr std::int64_t kNow = 1'750'000'000'000;

class TypeHoldsTest : public testing::Test {
 protected:
  void crash(unsigned partition, std::uint64_t entry, std::int64_t now_ms = kNow, TypeWebhook type = kCall) {
    holds.crashed(partition, {entry, 0}, type, kOurs, now_ms);
  }
  bool held(TypeWebhook type = kCall) const { return holds.held().test(static_cast<std::size_t>(type)); }

  Options options;
  TypeHolds holds{options};
};

TEST_F(TypeHoldsTest, TheFourthCrashOfATypeInAnHourHoldsIt) {
  for (std::uint64_t entry = 1; entry <= 3; ++entry) crash(0, entry);
  EXPECT_FALSE(held());
  crash(0, 4);
  EXPECT_TRUE(held());
  EXPECT_FALSE(held(TypeWebhook::kQuotaExceeded));
}

TEST_F(TypeHoldsTest, CrashesOfAllOurPartitionsCountTogether) {
  crash(0, 1);
  crash(0, 2);
  crash(1, 1);
  crash(1, 2);
  EXPECT_TRUE(held());
}

TEST_F(TypeHoldsTest, OneEntryCountsOnce) {
  for (int again = 0; again < 5; ++again) crash(0, 1);
  EXPECT_FALSE(held());
}

TEST_F(TypeHoldsTest, OldCrashesDontCount) {
  for (std::uint64_t entry = 1; entry <= 3; ++entry) crash(0, entry);
  crash(0, 4, kNow + options.hold_window.count() + 1);
  EXPECT_FALSE(held());
}

TEST_F(TypeHoldsTest, KeepsABoundedNumberOfCrashes) {
  for (std::uint64_t entry = 1; entry <= 100; ++entry) crash(0, entry);
  EXPECT_EQ(holds.take_due(0).at(0).hold->crashes.size(), stream::TypeHold::kCrashesMax);
}

TEST_F(TypeHoldsTest, WhatIsNotWrittenSurvivesALookAtWhatWasThereBefore) {
  crash(0, 1);
  holds.learn(0, {});
  ASSERT_EQ(holds.take_due(0).size(), 1U);
  holds.learn(0, {});
  EXPECT_TRUE(holds.knows(0));
  holds.written(0, kCall);
  holds.learn(0, {});
  EXPECT_FALSE(holds.knows(0)) << "an operator resumed it";
}

TEST_F(TypeHoldsTest, IsWrittenOnceUnlessTheCallFails) {
  crash(0, 1);
  ASSERT_EQ(holds.take_due(0).size(), 1U);
  EXPECT_FALSE(holds.due(0));
  holds.unwritten(0, kCall);
  ASSERT_EQ(holds.take_due(0).size(), 1U);
  holds.disconnected();
  ASSERT_EQ(holds.take_due(0).size(), 1U);
  holds.written(0, kCall);
  holds.disconnected();
  EXPECT_FALSE(holds.due(0));
}

TEST_F(TypeHoldsTest, AHeldTypeOfOnePartitionWaitsInAllUntilThatOneIsGone) {
  holds.learn(1, std::vector<std::pair<std::string, stream::TypeHold>>{{"incomingCall", {.since_ms = 5, .crashes = {}}}});
  EXPECT_TRUE(held());
  holds.forget(1);
  EXPECT_FALSE(held());
}

TEST_F(TypeHoldsTest, ATypeThatNobodyKnowsIsLeftOut) {
  holds.learn(1, std::vector<std::pair<std::string, stream::TypeHold>>{{"nobody", {.since_ms = 5, .crashes = {}}}});
  EXPECT_FALSE(holds.knows(1));
}

}  // namespace
}  // namespace hookfleet::retry
