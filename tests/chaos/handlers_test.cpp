// Handlers that misbehave: the others flow, the notification ends in the dead letters with its class, and a redrive after the fix handles
// it once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <ostream>

#include "tests/chaos/rig.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::chaos {
namespace {

using namespace std::chrono_literals;
using support::wait_until;

/// After the fix: what was dead is handled once more, and nothing else is.
void expect_redriven_once(Rig& rig, const std::string& id, std::uint64_t counted_before) {
  const std::size_t runs = rig.journal().times(id);
  rig.mend("fix");
  ASSERT_EQ(rig.redrive(), 1U);
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.journal().times(id), runs + 1) << "handled once";
  EXPECT_EQ(rig.counted(), counted_before + 1);
  EXPECT_TRUE(rig.dead_letters().empty());
}

struct Misbehaviour {
  const char* verb;
  stream::DeadClass dead_class;
  unsigned attempts;
};
void PrintTo(const Misbehaviour& row, std::ostream* out) { *out << row.verb; }

class MisbehaviourTest : public testing::TestWithParam<Misbehaviour> {};

TEST_P(MisbehaviourTest, EndsInTheDeadLettersWhileOthersFlowAndIsHandledOnceAfterTheFix) {
  Rig rig;
  rig.add("bad@c.us", "bad-0", std::string(GetParam().verb) + " " + rig.file("fix"));
  rig.add_others(200, 20);
  rig.add("bad@c.us", "bad-1");
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 201U) << "the others, and the one behind it";
  const auto letters = rig.dead_letters();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].death.dead_class, GetParam().dead_class);
  EXPECT_EQ(letters[0].death.attempts, GetParam().attempts);
  EXPECT_THAT(letters[0].death.error, testing::HasSubstr("as it was told"));
  const Journal journal = rig.journal();
  EXPECT_EQ(journal.times("bad-0"), GetParam().attempts);
  EXPECT_EQ(journal.handled_again(), GetParam().attempts - 1);
  EXPECT_THAT(journal.out_of_order(), testing::IsEmpty());
  expect_redriven_once(rig, "bad-0", 201);
}

INSTANTIATE_TEST_SUITE_P(Rows, MisbehaviourTest,
                         testing::Values(Misbehaviour{"throw", stream::DeadClass::kFailed, 3},
                                         Misbehaviour{"fail", stream::DeadClass::kFailed, 3},
                                         Misbehaviour{"reject", stream::DeadClass::kRejected, 1}),
                         [](const auto& row) { return std::string(row.param.verb); });

TEST(Outage, ATargetThatIsAwayDeadLettersNothingKeepsOrderAndCostsNoAttempt) {
  Rig rig({.worker_flags = quick_and({"--retry.attempts", "1"})});
  constexpr std::size_t kChats = 6, kEach = 5;
  for (std::size_t i = 0; i < kEach; ++i) {
    for (std::size_t chat = 0; chat < kChats; ++chat) {
      const std::string name = "t" + std::to_string(chat);
      rig.add(name + "@c.us", name + "-" + std::to_string(i), "unavailable " + rig.file("fix"));
    }
  }
  rig.add_others(100, 10);
  ASSERT_TRUE(wait_until(20s, [&] { return rig.journal().times("t0-0") >= 4 && rig.counted() == 100; })) << "others flow";
  // The owner is killed: its successor goes on waiting, and counts nothing either.
  rig.fleet().worker(0).kill();
  rig.fleet().restart_worker(0);
  const std::size_t before = rig.journal().times("t0-0");
  ASSERT_TRUE(wait_until(20s, [&] { return rig.journal().times("t0-0") >= before + 4; }));
  for (std::size_t chat = 0; chat < kChats; ++chat) EXPECT_EQ(rig.journal().times("t" + std::to_string(chat) + "-1"), 0U);
  EXPECT_EQ(rig.fleet().backlog(), kChats * kEach);
  EXPECT_EQ(rig.fleet().dead_letters(), 0U);
  rig.mend("fix");
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 100 + kChats * kEach);
  EXPECT_EQ(rig.fleet().dead_letters(), 0U) << "with a single attempt allowed, a counted one would have ended it";
  EXPECT_THAT(rig.journal().out_of_order(), testing::IsEmpty());
}

TEST(Outage, TheTimeOfTheNextTrySurvivesATakeover) {
  Rig rig({.worker_flags = quick_and({"--retry.first", "4s", "--retry.max", "4s"})});
  rig.add("t@c.us", "t-0", "unavailable " + rig.file("fix"));
  const unsigned partition = Rig::partition_of("t@c.us");
  ASSERT_TRUE(wait_until(10s, [&] { return rig.redis().call({"HLEN", rig.keys().att(partition)}).view().integer() == 1; }));
  rig.fleet().worker(0).signal(SIGTERM);
  ASSERT_EQ(rig.fleet().worker(0).wait(10s), 0);
  rig.fleet().restart_worker(0);
  ASSERT_TRUE(rig.all_owned());
  ASSERT_TRUE(wait_until(15s, [&] { return rig.journal().times("t-0") == 2; }));
  const auto tries = rig.journal().of("t-0");
  EXPECT_NE(tries[0].worker, tries[1].worker);
  EXPECT_GE(tries[1].begin_ms - tries[0].begin_ms, 3000) << "4 s less 20 %, and a wall clock's grain";
  rig.mend("fix");
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace hookfleet::chaos
