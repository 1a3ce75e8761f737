// Workers that come and go under load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <set>

#include "tests/chaos/rig.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::chaos {
namespace {

using namespace std::chrono_literals;
using support::kSoon;
using support::Sender;
using support::wait_until;

constexpr auto kPromised = 12s;
constexpr auto kBusyMachine = 6s;  // on top: other tests run beside this one

/// All partitions are held, by these workers, each having what it should.
bool shared_by(const Rig& rig, const std::set<std::size_t>& workers) {
  double sum = 0;
  for (const std::size_t i : workers) {
    const double owned = rig.metric(i, "hookfleet_worker_partitions_owned");
    const double members = rig.metric(i, "hookfleet_worker_members");
    if (members != static_cast<double>(workers.size()) || owned != rig.metric(i, "hookfleet_worker_partitions_wanted")) return false;
    if (owned < 32 / static_cast<double>(workers.size()) - 1 || owned > 32 / static_cast<double>(workers.size()) + 1) return false;
    sum += owned;
  }
  return sum == 32;
}

TEST(Scaling, OneToSixToTwoWorkersUnderLoadOwnAllPartitionsWithinTwelveSecondsAndLoseNothing) {
  // The timers that are shipped: they are what the promise is about.
  Rig rig({.ingresses = 1, .workers = 1, .worker_flags = {"--worker.concurrency", "4"}, .work = 1ms});
  ASSERT_TRUE(wait_until(60s, [&] { return shared_by(rig, {0}); }));
  Sender sender({.port = rig.fleet().port(), .token = rig.fleet().token(), .instances = 6, .chats = 8, .pause = 2ms});
  sender.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > 300; }));
  const auto owned_again = [&](const char* change, const std::set<std::size_t>& workers) {
    const auto begin = std::chrono::steady_clock::now();
    const bool owned = wait_until(kPromised + kBusyMachine, [&] { return shared_by(rig, workers); });
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    std::printf("%s: owned again after %lld ms\n", change, static_cast<long long>(took.count()));
    return owned;
  };

  for (int i = 0; i < 5; ++i) rig.fleet().add_worker();
  ASSERT_TRUE(owned_again("1 -> 6", {0, 1, 2, 3, 4, 5}));
  const auto target = sender.acknowledged_count() + 500;
  ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > target; }));

  for (const std::size_t leaving : {0U, 1U, 2U, 3U}) rig.fleet().worker(leaving).signal(SIGTERM);
  ASSERT_TRUE(owned_again("6 -> 2", {4, 5}));
  for (const std::size_t leaving : {0U, 1U, 2U, 3U}) EXPECT_EQ(rig.fleet().worker(leaving).wait(kSoon), 0) << leaving;

  sender.stop();
  ASSERT_TRUE(rig.drained(60s));
  EXPECT_EQ(sender.tally().by_status.size(), 1U) << "nothing but 200";
  EXPECT_EQ(rig.counted(), sender.acknowledged_count()) << "effects exactly once";
  EXPECT_EQ(rig.fleet().dead_letters(), 0U);
  const Journal journal = rig.journal();
  std::set<std::string> handled;
  for (const Handling& one : journal.handlings) handled.insert(one.id);
  for (const auto& [chat, ids] : sender.acknowledged()) EXPECT_THAT(handled, testing::IsSupersetOf(ids));
  EXPECT_EQ(journal.handled_again(), 0U) << "clean hand-overs repeat nothing";
  EXPECT_THAT(journal.out_of_order(), testing::IsEmpty());
  for (std::size_t i = 0; i < rig.fleet().workers(); ++i) {
    EXPECT_EQ(rig.log_lines(i, R"("level":"ERROR")"), 0U) << "worker " << i;
    EXPECT_EQ(rig.log_lines(i, R"("event":"system.partition_lost")"), 0U) << "worker " << i;
  }
}

}  // namespace
}  // namespace hookfleet::chaos
