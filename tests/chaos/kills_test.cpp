// Workers that are killed, and frozen past their lease, at random and under load.
// HOOKFLEET_CHAOS_SECONDS: how long (20; 60 for the promise of the README); HOOKFLEET_CHAOS_SEED: which faults (printed).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <utility>

#include "common/base/clock.hpp"
#include "tests/chaos/rig.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::chaos {
namespace {

using namespace std::chrono_literals;
using support::Sender;
using support::wait_until;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kWorkers = 3;
constexpr std::size_t kConcurrency = 4;
constexpr auto kFrozen = 15s;       // the shipped lease is 10 s
constexpr auto kAcknowledged = 2s;  // an acknowledgement takes milliseconds; a disk that is busy with other tests takes longer

long from_environment(const char* name, long otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::atol(value) : otherwise;
}

std::int64_t boot_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(base::BootClock::now().time_since_epoch()).count(); }

struct Disruption {
  pid_t worker;
  std::int64_t at_ms;
};

/// Runs of a message after the first that no disruption explains: one is lawful only when the run before was in flight, or returned and
/// not acknowledged, when its worker was killed or frozen.
std::vector<std::string> unexplained(const Journal& journal, const std::vector<Disruption>& disruptions) {
  std::map<std::string, std::vector<const Handling*>> runs;
  for (const Handling& one : journal.handlings) runs[one.id].push_back(&one);
  std::vector<std::string> found;
  for (const auto& [id, of_id] : runs) {
    for (std::size_t i = 0; i + 1 < of_id.size(); ++i) {
      const Handling& before = *of_id[i];
      const bool explained = std::any_of(disruptions.begin(), disruptions.end(), [&](const Disruption& one) {
        const bool in_flight = before.end_ms == 0 || before.end_ms + std::chrono::milliseconds(kAcknowledged).count() >= one.at_ms;
        return one.worker == before.worker && before.begin_ms <= one.at_ms + 5 && in_flight;
      });
      if (!explained) found.push_back(id);
    }
  }
  return found;
}

TEST(Kills, KilledAndFrozenWorkersLoseNothingReorderNothingAndRepeatOnlyWhatWasInFlight) {
  const auto duration = std::chrono::seconds(from_environment("HOOKFLEET_CHAOS_SECONDS", 20));
  const auto seed = static_cast<std::uint64_t>(from_environment("HOOKFLEET_CHAOS_SEED", static_cast<long>(std::random_device{}())));
  std::printf("HOOKFLEET_CHAOS_SEED=%llu HOOKFLEET_CHAOS_SECONDS=%lld\n", static_cast<unsigned long long>(seed),
              static_cast<long long>(duration.count()));
  std::mt19937_64 random(seed);
  const auto pick = [&](std::uint64_t from, std::uint64_t to) { return std::uniform_int_distribution<std::uint64_t>(from, to)(random); };

  Rig rig({.ingresses = 1, .workers = kWorkers, .worker_flags = {"--worker.concurrency", std::to_string(kConcurrency)}, .work = 5ms});
  Sender sender({.port = rig.fleet().port(),
                 .token = rig.fleet().token(),
                 .instances = 8,
                 .chats = 4,
                 .pause = 10ms,
                 .repeat_percent = 5,
                 .text = [](std::uint64_t sequence) { return sequence % 50 == 49 ? "reject " : ""; }});
  sender.start();

  std::vector<Disruption> disruptions;
  std::size_t frozen = kWorkers;  // which; kWorkers: none
  Clock::time_point thaw_at;
  unsigned kills = 0, freezes = 0;
  const auto disrupt = [&](std::size_t index) { disruptions.push_back({rig.fleet().worker_pid(index), boot_ms()}); };
  const auto end = Clock::now() + duration;
  auto next = Clock::now() + 1s;
  while (Clock::now() < end || frozen < kWorkers) {
    if (frozen < kWorkers && Clock::now() >= thaw_at) {
      rig.fleet().worker(std::exchange(frozen, kWorkers)).signal(SIGCONT);
    }
    if (Clock::now() >= next && Clock::now() < end) {
      next = Clock::now() + std::chrono::milliseconds(pick(1500, 4000));
      const std::size_t index = pick(0, kWorkers - 1);
      if (frozen == index) continue;
      disrupt(index);
      // The first is frozen, so that a short run has one, too.
      if (frozen == kWorkers && (freezes == 0 || pick(0, 3) == 0)) {
        rig.fleet().worker(index).signal(SIGSTOP);
        frozen = index;
        thaw_at = Clock::now() + kFrozen;
        ++freezes;
      } else {
        rig.fleet().worker(index).kill();
        rig.fleet().restart_worker(index);
        ++kills;
      }
    }
    auto until = next;
    if (frozen < kWorkers) until = std::min(until, thaw_at);
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    static_cast<void>(wait_until(std::clamp<std::chrono::milliseconds>(pause, 1ms, 500ms), [&] { return Clock::now() >= until; }));
  }
  sender.stop();
  ASSERT_TRUE(rig.drained(60s)) << rig.fleet().backlog() << " entries left";

  // Acknowledged = handled + dead-lettered.
  std::set<std::string> acknowledged, to_reject;
  for (const auto& [chat, ids] : sender.acknowledged()) {
    for (const std::string& id : ids) {
      acknowledged.insert(id);
      if (std::stoull(id.substr(id.find('S') + 1)) % 50 == 49) to_reject.insert(id);
    }
  }
  ASSERT_EQ(acknowledged.size(), sender.acknowledged_count());
  EXPECT_FALSE(to_reject.empty());
  std::multiset<std::string> dead;
  for (const auto& letter : rig.dead_letters()) {
    EXPECT_EQ(letter.death.dead_class, stream::DeadClass::kRejected) << letter.death.error;
    ASSERT_TRUE(letter.entry.has_value());
    dead.insert(nlohmann::json::parse(letter.entry->body).at("idMessage").get<std::string>());
  }
  EXPECT_EQ(dead, std::multiset<std::string>(to_reject.begin(), to_reject.end())) << "each once";
  const Journal journal = rig.journal();
  std::set<std::string> handled;
  for (const Handling& one : journal.handlings) handled.insert(one.id);
  EXPECT_EQ(handled, acknowledged);
  EXPECT_EQ(rig.counted(), acknowledged.size() - dead.size()) << "effects exactly once";
  EXPECT_THAT(journal.out_of_order(), testing::IsEmpty());

  EXPECT_THAT(unexplained(journal, disruptions), testing::IsEmpty());
  // What a worker has in flight: handlers that run, and as many that returned while their acknowledgements were on their way.
  const std::size_t bound = 2 * kConcurrency * disruptions.size();
  EXPECT_LE(journal.handled_again(), bound);
  std::printf("%zu acknowledged, %zu dead, %u kills, %u freezes, %llu handled again (bound %zu), 0 lost\n", acknowledged.size(),
              dead.size(), kills, freezes, static_cast<unsigned long long>(journal.handled_again()), bound);
}

}  // namespace
}  // namespace hookfleet::chaos
