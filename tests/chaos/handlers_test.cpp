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
using support::kSoon;
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
  ASSERT_TRUE(wait_until(60s, [&] { return rig.journal().times("t0-0") >= 4 && rig.counted() == 100; })) << "others flow";
  // The owner is killed: its successor goes on waiting, and counts nothing either.
  rig.fleet().worker(0).kill();
  rig.fleet().restart_worker(0);
  const std::size_t before = rig.journal().times("t0-0");
  ASSERT_TRUE(wait_until(60s, [&] { return rig.journal().times("t0-0") >= before + 4; }));
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
  ASSERT_TRUE(wait_until(kSoon, [&] { return rig.redis().call({"HLEN", rig.keys().att(partition)}).view().integer() == 1; }));
  rig.fleet().worker(0).signal(SIGTERM);
  ASSERT_EQ(rig.fleet().worker(0).wait(kSoon), 0);
  rig.fleet().restart_worker(0);
  ASSERT_TRUE(rig.all_owned());
  ASSERT_TRUE(wait_until(kSoon, [&] { return rig.journal().times("t-0") == 2; }));
  const auto tries = rig.journal().of("t-0");
  EXPECT_NE(tries[0].worker, tries[1].worker);
  EXPECT_GE(tries[1].begin_ms - tries[0].begin_ms, 3000) << "4 s less 20 %, and a wall clock's grain";
  rig.mend("fix");
  EXPECT_TRUE(rig.drained());
}

/// Has a worker that ended start again until something is in the dead letters; answers the exit codes.
std::vector<int> restart_until_dead(Rig& rig, std::chrono::milliseconds deadline) {
  std::vector<int> codes;
  const bool dead = wait_until(deadline, [&] {
    if (const auto code = rig.fleet().worker(0).wait(0ms)) {
      codes.push_back(*code);
      rig.fleet().restart_worker(0);
    }
    return rig.fleet().dead_letters() > 0;
  });
  EXPECT_TRUE(dead) << "not dead after " << codes.size() << " ends of the worker";
  return codes;
}

TEST(Handlers, AHandlerThatAbortsTheProcessEndsInTheDeadLettersAfterThreeBeginsAndOthersFlow) {
  Rig rig({.worker_flags = quick_and({"--worker.handler_timeout", "30s"})});
  rig.add("bad@c.us", "bad-0", "abort " + rig.file("fix"));
  rig.add_others(200, 20);
  const std::vector<int> codes = restart_until_dead(rig, 60s);
  EXPECT_THAT(codes, testing::Each(128 + SIGABRT));
  EXPECT_EQ(codes.size(), 4U) << "it was not suspected the first time, and then begun three times";
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 200U) << "effects exactly once, whatever ran when the process ended";
  const auto letters = rig.dead_letters();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].death.dead_class, stream::DeadClass::kCrash);
  EXPECT_THAT(rig.journal().out_of_order(), testing::IsEmpty());
  expect_redriven_once(rig, "bad-0", 200);
}

TEST(Handlers, AProcessThatAbortsTakesNoneOfThoseBesideItIntoTheDeadLetters) {
  // Three at a time run when it ends, each time: they are begun, too, and must not be taken for poison.
  Rig rig({.work = 5ms});
  rig.add_others(300, 12);
  rig.add("bad@c.us", "bad-0", "abort " + rig.file("fix"));
  restart_until_dead(rig, 60s);
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 300U);
  const auto letters = rig.dead_letters();
  ASSERT_EQ(letters.size(), 1U);
  ASSERT_TRUE(letters[0].entry.has_value());
  EXPECT_THAT(letters[0].entry->body, testing::HasSubstr("bad-0"));
}

TEST(Handlers, AHandlerThatHangsCostsTheProcessAndEndsInTheDeadLettersAfterThreeBegins) {
  Rig rig({.worker_flags = quick_and({"--worker.handler_timeout", "200ms", "--worker.drain", "1s"})});
  rig.add("bad@c.us", "bad-0", "hang " + rig.file("fix"));
  rig.add_others(200, 20);
  EXPECT_TRUE(wait_until(60s, [&] { return rig.counted() == 200; })) << "others flow while it hangs";
  const std::vector<int> codes = restart_until_dead(rig, 80s);
  EXPECT_THAT(codes, testing::Each(70));
  EXPECT_EQ(codes.size(), 4U) << "it was not suspected the first time, and then begun three times";
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 200U);
  const auto letters = rig.dead_letters();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].death.dead_class, stream::DeadClass::kCrash);
  EXPECT_GT(rig.log_lines(0, R"("event":"handler.overdue")"), 0U);
  EXPECT_THAT(rig.journal().out_of_order(), testing::IsEmpty());
  expect_redriven_once(rig, "bad-0", 200);
}

}  // namespace
}  // namespace hookfleet::chaos
