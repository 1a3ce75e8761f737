// hookfleet-poller against a fake of GREEN-API's HTTP side and a redis-server of its own.
//   bench_poller [seconds]
// busy: 200 instances with full queues, each answer takes 20 ms. The bound is what one instance can do that waits for each step in turn:
//       receive and delete of 20 ms each and the append as long as it takes by itself (measured: the mean of a quiet Redis' round trip is
//       below a millisecond, so two answers alone are taken: 25 notifications a second and instance).
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
  const double bound = kInstances * 1000.0 / (2.0 * static_cast<double>(options.latency.count()));
  const auto each = static_cast<std::uint64_t>(bound / kInstances * static_cast<double>(lasts.count() + 10));
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
  const double spent = bench::cpu_us(pollers.poller().pid()) - cpu;
  std::printf("busy: %5.0f notifications/s of %5.0f = %.2f of the bound; %.0f us of CPU each, %.0f %% of a core\n", rate, bound,
              rate / bound, spent / (rate * seconds), spent / 10'000 / seconds);
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
  return hookfleet::busy(lasts) + hookfleet::idle(std::max(lasts, std::chrono::seconds(20)));
}
