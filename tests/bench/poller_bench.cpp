// hookfleet-poller against a fake of GREEN-API's HTTP side and a redis-server of its own.
//   bench_poller [seconds]
// busy: 200 instances with full queues, each answer takes 20 ms. The bound is what instances can do that wait for each step in turn:
//       receive and delete of 20 ms each, and the append as long as Redis takes for one (the mean round trip of this run, fsync included).
// idle: 2,000 instances that wait for something, receive_timeout 20 s: the poller's share of a core.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/load.hpp"
#include "tests/support/pollers.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using simulate::FakeApi;
using support::Pollers;
using support::wait_until;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kFirst = 1'101'000'001;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

bool owns(const Pollers& pollers, double instances) {
  return wait_until(60s, [&] { return pollers.metric("hookfleet_poller_instances_owned") == instances; });
}

int busy(std::chrono::seconds lasts) {
  constexpr std::uint64_t kInstances = 200;
  FakeApi::Options options;
  options.latency = 20ms;
  options.record_max = 0;
  Pollers pollers(options, "");
  pollers.add(kFirst, kInstances);
  pollers.write_settings();
  const double answers = 2 * std::chrono::duration<double>(options.latency).count();
  const auto each = static_cast<std::uint64_t>(static_cast<double>(lasts.count() + 10) / answers);
  for (std::uint64_t id = kFirst; id < kFirst + kInstances; ++id) {
    for (std::uint64_t number = 0; number < each; ++number)
      pollers.api().enqueue(id, support::text_message(id, "79001234567@c.us", number));
  }
  pollers.start();
  if (!owns(pollers, kInstances)) return 1;
  const std::uint64_t before = pollers.api().deleted();
  const double cpu = bench::cpu_us(pollers.poller().pid());
  const Clock::time_point begun = Clock::now();
  std::this_thread::sleep_for(lasts);
  const double seconds = seconds_since(begun);
  const double rate = static_cast<double>(pollers.api().deleted() - before) / seconds;
  const std::string append = "hookfleet_append_redis_latency_seconds";
  const double append_seconds = pollers.metric(append + "_sum") / pollers.metric(append + "_count");
  const double bound = kInstances / (answers + append_seconds);
  const double spent = bench::cpu_us(pollers.poller().pid()) - cpu;
  const std::string cycle = "hookfleet_poller_cycle_seconds";
  std::printf("busy: %.0f notifications/s = %.2f of the bound of %.0f (append %.1f ms, from arrival to deletion %.1f ms); ", rate,
              rate / bound, bound, append_seconds * 1000, pollers.metric(cycle + "_sum") / pollers.metric(cycle + "_count") * 1000);
  std::printf("%.0f us of CPU each, %.0f %% of a core\n", spent / (rate * seconds), spent / 10'000 / seconds);
  return 0;
}

int idle(std::chrono::seconds lasts) {
  constexpr std::uint64_t kInstances = 2000;
  FakeApi::Options options;
  Pollers pollers(options, "");
  pollers.add(kFirst, kInstances);
  pollers.write_settings({}, 0, {}, "20s");
  pollers.start();
  if (!owns(pollers, kInstances) || !wait_until(60s, [&] { return pollers.api().receives_now() == kInstances; })) return 1;
  const double cpu = bench::cpu_us(pollers.poller().pid());
  const double redis = bench::cpu_us(pollers.redis().pid());
  const Clock::time_point begun = Clock::now();
  std::this_thread::sleep_for(lasts);
  const double seconds = seconds_since(begun);
  std::printf("idle: %lu instances wait: %.1f %% of a core; their leases are %.1f %% of Redis' core\n",
              static_cast<unsigned long>(kInstances), (bench::cpu_us(pollers.poller().pid()) - cpu) / 10'000 / seconds,
              (bench::cpu_us(pollers.redis().pid()) - redis) / 10'000 / seconds);
  return 0;
}

}  // namespace
}  // namespace hookfleet

int main(int argc, char** argv) {
  const std::chrono::seconds lasts(argc > 1 ? std::atol(argv[1]) : 20);
  if (lasts.count() < 1) {
    std::fputs("usage: bench_poller [seconds]\n", stderr);
    return 2;
  }
  return hookfleet::busy(lasts) + hookfleet::idle(std::max(lasts, std::chrono::seconds(20)));
}
