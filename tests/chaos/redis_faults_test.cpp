// What becomes of the workers when Redis loses or breaks what they keep there: it is made anew, or they say so; none of it makes a busy
// loop, the other partitions flow, and all goes on when it is mended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <ostream>

#include "tests/chaos/rig.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::chaos {
namespace {

using namespace std::chrono_literals;
using support::kSoon;
using support::wait_until;

constexpr char kLost[] = R"(hookfleet_worker_leases_lost_total{reason="fenced"})";

/// All partitions have an owner in Redis, whatever a worker believes.
bool owned_in_redis(Rig& rig) {
  for (unsigned p = 0; p < rig.keys().partitions(); ++p) {
    if (rig.redis().text({"HGET", rig.keys().ctl(p), "owner"}).empty()) return false;
  }
  return true;
}

void expect_no_busy_loop(Rig& rig) {
  const Rig::Effort effort = rig.effort(0, 2s);
  std::printf("meanwhile: %.1f %% of a core, %.1f lines a second\n", 100 * effort.cpu_share, effort.lines_per_second);
  EXPECT_LT(effort.cpu_share, 0.3);
  EXPECT_LT(effort.lines_per_second, 20);
}

TEST(RedisFaults, AfterFlushallEverythingIsMadeAnewAndSaid) {
  Rig rig;
  rig.add_others(300, 40);
  ASSERT_TRUE(rig.drained());
  rig.redis().call({"FLUSHALL"});
  ASSERT_TRUE(wait_until(60s, [&] { return owned_in_redis(rig); }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return rig.redis().call({"EXISTS", rig.keys().meta()}).view().integer() == 1; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return rig.redis().call({"ZCARD", rig.keys().members()}).view().integer() == 1; }));
  EXPECT_GT(rig.metric(0, kLost), 0);
  EXPECT_GT(rig.log_lines(0, R"("event":"system.partition_lost")"), 0U);
  EXPECT_TRUE(rig.fleet().worker_ready(0));
  expect_no_busy_loop(rig);
  rig.add_others(300, 40);
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 300U) << "since the flush";
  EXPECT_THAT(rig.journal().out_of_order(), testing::IsEmpty());
}

TEST(RedisFaults, AScriptFlushUnderLoadIsNotNoticedByNotifications) {
  Rig rig;
  for (int round = 0; round < 10; ++round) {
    rig.add_others(100, 20);
    rig.redis().call({"SCRIPT", "FLUSH"});
  }
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), rig.others());
  EXPECT_EQ(rig.journal().handled_again(), 0U);
  EXPECT_THAT(rig.journal().out_of_order(), testing::IsEmpty());
  EXPECT_EQ(rig.metric(0, kLost), 0);
}

TEST(RedisFaults, DeletedControlHashesUnderLoadAreMadeAnewAndNothingIsCountedTwice) {
  Rig rig({.work = 2ms});
  for (int round = 0; round < 3; ++round) {
    rig.add_others(200, 20);
    for (unsigned p = 0; p < rig.keys().partitions(); ++p) rig.redis().call({"DEL", rig.keys().ctl(p)});
    ASSERT_TRUE(wait_until(60s, [&] { return owned_in_redis(rig); }));
  }
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), rig.others());
  EXPECT_THAT(rig.journal().out_of_order(), testing::IsEmpty());
  EXPECT_GT(rig.metric(0, kLost), 0);
  EXPECT_EQ(rig.fleet().dead_letters(), 0U);
}

/// A key of another type than it should have.
struct WrongType {
  const char* label;
  std::string (*key)(const Rig& rig);
  std::vector<std::string> (*make)(const std::string& key);
  const char* text;        ///< of a message in the broken partition
  const char* log;         ///< what the log says of it
  bool done_all_the_same;  ///< the message is handled while the key is broken
};

void PrintTo(const WrongType& row, std::ostream* out) { *out << row.label; }

constexpr char kChat[] = "bad@c.us";
constexpr char kId[] = "bad-0";
std::vector<std::string> string_at(const std::string& key) { return {"SET", key, "somebody else's"}; }
std::vector<std::string> list_at(const std::string& key) { return {"RPUSH", key, "somebody else's"}; }
std::vector<std::string> hash_at(const std::string& key) { return {"HSET", key, "somebody", "else's"}; }
const stream::Keys& keys(const Rig& rig) { return rig.keys(); }
unsigned partition() { return Rig::partition_of(kChat); }

class WrongTypeTest : public testing::TestWithParam<WrongType> {};

TEST_P(WrongTypeTest, IsSaidWhileOthersFlowAndIsOverWhenItIsMended) {
  const WrongType& row = GetParam();
  Rig rig;
  ASSERT_TRUE(rig.all_owned());
  const std::string key = row.key(rig);
  rig.redis().call({"DEL", key});
  const auto command = row.make(key);
  const std::vector<std::string_view> argv(command.begin(), command.end());
  ASSERT_FALSE(rig.redis().call(redis::Argv(argv)).view().is_error());

  const bool stream_itself = key == keys(rig).stream(partition());
  if (!stream_itself) rig.add(kChat, kId, row.text);
  // Others are those of other partitions.
  std::size_t others = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    const std::string chat = "o" + std::to_string(i) + "@c.us";
    if (Rig::partition_of(chat) == partition()) continue;
    rig.add(chat, "o" + std::to_string(i));
    ++others;
  }
  const std::size_t more = row.done_all_the_same ? 1 : 0;
  EXPECT_TRUE(wait_until(60s, [&] { return rig.counted() >= others + more; })) << rig.counted() << " of " << others;
  EXPECT_TRUE(wait_until(60s, [&] { return rig.log_lines(0, row.log) > 0; })) << row.log;
  expect_no_busy_loop(rig);
  EXPECT_TRUE(rig.fleet().worker(0).running());

  rig.redis().call({"DEL", key});
  if (stream_itself) rig.add(kChat, kId, row.text);
  rig.add(kChat, "bad-1");
  ASSERT_TRUE(rig.drained(kSoon)) << rig.fleet().backlog();
  EXPECT_TRUE(rig.all_owned());
  EXPECT_EQ(rig.journal().times("bad-1"), 1U);
  EXPECT_EQ(rig.counted() + rig.dead_letters().size(), others + 2) << "each is done or dead";
  EXPECT_TRUE(rig.fleet().worker_ready(0));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, WrongTypeTest,
    testing::Values(WrongType{"Stream", [](const Rig& rig) { return keys(rig).stream(partition()); }, string_at, "ok",
                              "system.stream_unreadable", false},
                    WrongType{"Control", [](const Rig& rig) { return keys(rig).ctl(partition()); }, string_at, "ok", "WRONGTYPE", false},
                    WrongType{"Attempts", [](const Rig& rig) { return keys(rig).att(partition()); }, list_at, "fail", "WRONGTYPE", false},
                    WrongType{"Mark", [](const Rig& rig) { return rig.mark(kChat, kId); }, hash_at, "ok", "notification.refused", false},
                    WrongType{"DeadLetters", [](const Rig& rig) { return keys(rig).dlq(partition()); }, string_at, "reject",
                              "notification.refused", false},
                    WrongType{"Members", [](const Rig& rig) { return keys(rig).members(); }, string_at, "ok", "WRONGTYPE", true},
                    WrongType{"Layout", [](const Rig& rig) { return keys(rig).meta(); }, string_at, "ok", "WRONGTYPE", true}),
    [](const auto& row) { return std::string(row.param.label); });

TEST(RedisFaults, AtMaxmemoryLeasesGoOnAndTheBacklogDrains) {
  Rig rig({.worker_flags = quick_and({"--retry.first", "3s", "--retry.max", "3s"}), .redis_flags = {"--maxmemory", "24mb"}});
  ASSERT_TRUE(rig.all_owned());
  const std::string text = "unavailable " + rig.file("fix") + " " + std::string(2'000, 'x');
  std::size_t stored = 0;
  while (rig.redis().call({"XADD", "fill", "*", "x", std::string(8'000, 'x')}).view().is_text() && stored < 5000) {
    if (stored++ % 100 == 0) rig.add("c" + std::to_string(stored) + "@c.us", "c" + std::to_string(stored), text);
  }
  const std::uint64_t backlog = rig.fleet().backlog();
  ASSERT_GT(backlog, 5U);
  const auto score = [&] {
    const auto reply = rig.redis().call({"ZRANGE", rig.keys().members(), "0", "0", "WITHSCORES"});
    return reply.view()[1].integer();
  };
  const auto from = score();
  // Twice the lease's time passes by Redis' own clock.
  ASSERT_TRUE(wait_until(60s, [&] { return score() > from + 4000; }));
  EXPECT_EQ(rig.owned(), 32);
  EXPECT_EQ(rig.metric(0, kLost), 0);
  EXPECT_TRUE(rig.fleet().worker_ready(0));
  expect_no_busy_loop(rig);
  rig.mend("fix");
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), backlog);
  EXPECT_EQ(rig.fleet().dead_letters(), 0U);
}

TEST(RedisFaults, ARedisThatIsAwayForLongerThanTheLeaseTurnsReadinessAndCostsNothing) {
  // The shipped timers: a lease of 10 s, readiness after 30 s.
  Rig rig({.worker_flags = {"--worker.concurrency", "4"}, .work = 5ms});
  rig.add_others(1000, 40);
  ASSERT_TRUE(wait_until(kSoon, [&] { return rig.counted() > 100; }));
  rig.redis().kill();
  const auto away = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until(kSoon, [&] { return rig.metric(0, "hookfleet_worker_redis_up") == 0; }));
  EXPECT_TRUE(rig.fleet().worker_ready(0)) << "a short restart takes nobody out of the fleet";
  expect_no_busy_loop(rig);
  ASSERT_TRUE(wait_until(kSoon, [&] { return !rig.fleet().worker_ready(0); }));
  EXPECT_GE(std::chrono::steady_clock::now() - away, 25s);
  rig.redis().start();
  ASSERT_TRUE(wait_until(60s, [&] { return rig.fleet().worker_ready(0); }));
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 1000U);
  EXPECT_THAT(rig.journal().out_of_order(), testing::IsEmpty());
  EXPECT_EQ(rig.journal().handled_again(), 0U) << "results are kept over the outage and acknowledged after it";
}

TEST(RedisFaults, ValuesOfAnUnknownFormatAreTolerated) {
  Rig rig;
  ASSERT_TRUE(rig.all_owned());
  rig.fleet().worker(0).signal(SIGTERM);
  ASSERT_EQ(rig.fleet().worker(0).wait(kSoon), 0);
  const unsigned p = rig.add(kChat, kId);
  rig.add(kChat, "bad-1");
  const auto entries = rig.redis().call({"XRANGE", rig.keys().stream(p), "-", "+"});
  const std::string first(entries.view()[0][0].text());
  rig.redis().call({"HSET", rig.keys().ctl(p), "v", "9", "later", "release"});
  rig.redis().call({"HSET", rig.keys().att(p), first, "9:a later release's"});
  rig.redis().call({"SET", rig.mark(kChat, kId), "9 a later release's"});
  rig.redis().call({"XADD", rig.keys().dlq(p), "*", "v", "9", "id", "x", "dead", "9", "class", "novel"});
  rig.add_others(100, 20);
  rig.fleet().restart_worker(0);
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 102U);
  EXPECT_EQ(rig.journal().times(kId), 1U);
  EXPECT_EQ(rig.journal().handled_again(), 0U);
  EXPECT_EQ(rig.redis().call({"XLEN", rig.keys().dlq(p)}).view().integer(), 1) << "left as it is";
  EXPECT_EQ(rig.redis().text({"HGET", rig.keys().ctl(p), "later"}), "release") << "fields of others are left alone";
  EXPECT_EQ(rig.log_lines(0, R"("level":"ERROR")"), 0U);
  // The mark is ours now: a repeat is known.
  rig.add(kChat, kId);
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.counted(), 102U);
}

}  // namespace
}  // namespace hookfleet::chaos
