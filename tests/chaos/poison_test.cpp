// Handlers that end the process: the notification ends in the dead letters with class crash, and no other one does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

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

TEST(Poison, AHandlerThatAbortsTheProcessEndsInTheDeadLettersAfterThreeBeginsAndOthersFlow) {
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

TEST(Poison, AProcessThatAbortsTakesNoneOfThoseBesideItIntoTheDeadLetters) {
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

TEST(Poison, AHandlerThatHangsCostsTheProcessAndEndsInTheDeadLettersAfterThreeBegins) {
  Rig rig({.worker_flags = quick_and({"--worker.handler_timeout", "200ms", "--worker.drain", "1s"})});
  rig.add("bad@c.us", "bad-0", "hang " + rig.file("fix"));
  rig.add_others(200, 20);
  EXPECT_TRUE(wait_until(20s, [&] { return rig.counted() == 200; })) << "others flow while it hangs";
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
