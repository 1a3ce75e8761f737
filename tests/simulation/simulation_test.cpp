// What main.cpp searches for long, briefly and with the same seeds each time: a failure here is one there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/simulation/fleet.hpp"

namespace hookfleet::simulation {
namespace {

std::string replay(const Schedule& schedule) {
  return "bin/simulation --mode " + std::to_string(static_cast<unsigned>(schedule.mode)) + " --seeds " + std::to_string(schedule.seed) +
         " --trace";
}

/// Empty when nothing broke.
std::string broken(const Schedule& schedule, const Result& result) {
  std::string text;
  for (const Violation& violation : result.violations) {
    text += std::string(to_text(violation.broken)) + ": " + violation.detail + "\n";
  }
  if (text.empty()) return {};
  return text + "replay: " + replay(schedule) +
         (schedule.crash_at_step > 0 ? ", with crash_at_step " + std::to_string(schedule.crash_at_step) : "") + "\n";
}

class Modes : public testing::TestWithParam<unsigned> {};

TEST_P(Modes, NothingBreaks) {
  name_schedule_on_abort();
  std::uint64_t handled = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const Schedule schedule = draw(seed, static_cast<Mode>(GetParam()));
    const Result result = run(schedule);
    EXPECT_EQ(broken(schedule, result), "");
    handled += result.handled;
  }
  EXPECT_GT(handled, 5000U) << "schedules in which nothing happens prove nothing";
}

INSTANTIATE_TEST_SUITE_P(All, Modes, testing::Range(0U, kModes));

TEST(Simulation, SameSeedSameRun) {
  const Schedule schedule = draw(7, Mode::kUnknownCrashes);
  std::vector<std::string> first, second;
  run(schedule, {}, &first);
  run(schedule, {}, &second);
  EXPECT_GT(first.size(), 100U);
  EXPECT_EQ(first, second);
}

// The worker that takes a step crashes after it, for every step there is.
TEST(Simulation, ACrashAtAnyStepBreaksNothing) {
  name_schedule_on_abort();
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    Schedule schedule = draw(seed, Mode::kUnknown);
    const std::uint64_t steps = std::min<std::uint64_t>(run(schedule).steps, 600);
    for (schedule.crash_at_step = 1; schedule.crash_at_step <= steps; ++schedule.crash_at_step) {
      EXPECT_EQ(broken(schedule, run(schedule)), "");
    }
  }
}

// --- What each rule is for: with it nothing breaks, without it the named thing does.

struct Row {
  const char* name;
  Rule without;
  Mode mode;
  Broken broken;
  std::uint64_t seeds;
  std::uint64_t least;  ///< of the seeds, in how many it breaks
};

class Rows : public testing::TestWithParam<Row> {};

TEST_P(Rows, IsNecessary) {
  name_schedule_on_abort();
  const Row& row = GetParam();
  std::uint64_t breaks = 0;
  for (std::uint64_t seed = 1; seed <= row.seeds; ++seed) {
    const Schedule schedule = draw(seed, row.mode);
    EXPECT_EQ(broken(schedule, run(schedule)), "");
    breaks += run(schedule, {row.without}).has(row.broken) ? 1U : 0U;
  }
  std::printf("without it: %s in %llu of %llu schedules\n", std::string(to_text(row.broken)).c_str(),
              static_cast<unsigned long long>(breaks), static_cast<unsigned long long>(row.seeds));
  EXPECT_GE(breaks, row.least);
}

constexpr Row kRows[] = {
    {"IdentitiesInMemory_Repeats", Rule::kIdentitiesInMemory, Mode::kConnections, Broken::kHandledTwice, 100, 30},
    {"IdentitiesInMemory_Effects", Rule::kIdentitiesInMemory, Mode::kConnections, Broken::kEffectTwice, 100, 30},
    {"Marks", Rule::kMarks, Mode::kConnections, Broken::kEffectTwice, 100, 30},
    {"MarksOfDead", Rule::kMarksOfDead, Mode::kCrashes, Broken::kDoubleDead, 200, 8},
    {"Fence", Rule::kFence, Mode::kTakeovers, Broken::kZombie, 100, 30},
    {"FenceOfEpochs", Rule::kFenceEpoch, Mode::kTakeovers, Broken::kZombie, 800, 3},
    {"FenceOfOwners", Rule::kFenceOwner, Mode::kTakeovers, Broken::kZombie, 100, 30},
    {"UnconfirmedKept", Rule::kUnconfirmedKept, Mode::kLongOutages, Broken::kHandledTwice, 100, 30},
    {"Resumed", Rule::kResumed, Mode::kLongOutages, Broken::kHandledTwice, 400, 8},
    {"OnlyPresentAcked", Rule::kOnlyPresentAcked, Mode::kUnknownCrashes, Broken::kEffectTwice, 100, 12},
    {"Begin", Rule::kBegin, Mode::kCrashes, Broken::kNotDrained, 60, 10},
    {"BeginTakenBack", Rule::kBeginTakenBack, Mode::kHandOvers, Broken::kInnocentDead, 400, 6},
    {"AloneInProcess", Rule::kAloneInProcess, Mode::kPoison, Broken::kInnocentDead, 200, 12},
    {"UniqueNames", Rule::kUniqueNames, Mode::kCrashes, Broken::kNotDrained, 60, 8},
    {"StaleByReceipt", Rule::kStaleByReceipt, Mode::kClocks, Broken::kStaleEffect, 800, 3},
};

INSTANTIATE_TEST_SUITE_P(Each, Rows, testing::ValuesIn(kRows), [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace hookfleet::simulation
