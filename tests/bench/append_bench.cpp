// The appender alone against a redis-server of its own: entries per second, CPU an entry, latency.
//   bench_append [seconds per row]
// A closed loop of C senders: each submits its next 1 kB entry when the last has its outcome. The senders live on one thread, as
// Pistache's event thread does; `writer` is the appender's thread alone, answers handed over included.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/base/uuid.hpp"
#include "common/base/wakeup.hpp"
#include "common/log/logger.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/append/appender.hpp"
#include "tests/bench/load.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;

const base::SystemClock kClock;

/// CPU of this process' thread of that name, in µs.
double thread_cpu_us(const std::string& name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (support::read_file(task.path() / "comm") != name + "\n") continue;
    return std::strtod(support::read_file(task.path() / "schedstat").c_str(), nullptr) / 1000;
  }
  return 0;
}

/// Slots whose entry has its outcome, handed from the writer to the senders' thread.
class Answered {
 public:
  void put(std::size_t slot, append::Outcome outcome) {
    bool wake = false;
    {
      base::MutexLock lock(mutex_);
      slots_.push_back(slot);
      stored_ += outcome == append::Outcome::kStored;
      wake = std::exchange(asleep_, false);
    }
    if (wake) wakeup_.signal();
  }
  /// Waits until there is at least one.
  void take(std::vector<std::size_t>& slots) {
    slots.clear();
    for (;;) {
      {
        base::MutexLock lock(mutex_);
        slots.swap(slots_);
        if (!slots.empty()) return;
        asleep_ = true;
      }
      pollfd readable{wakeup_.fd(), POLLIN, 0};
      ::poll(&readable, 1, 1000);
      wakeup_.clear();
    }
  }
  std::uint64_t stored() {
    base::MutexLock lock(mutex_);
    return stored_;
  }

 private:
  base::Mutex mutex_;
  base::Wakeup wakeup_;
  std::vector<std::size_t> slots_ HOOKFLEET_GUARDED_BY(mutex_);
  std::uint64_t stored_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  bool asleep_ HOOKFLEET_GUARDED_BY(mutex_) = false;
};

struct Row {
  double entries_per_second, batch, writer_us, process_us, redis_us, p50_ms, p99_ms;
  bool complete;
};

Row measure(const std::string& appendfsync, std::size_t senders, std::chrono::milliseconds duration) {
  support::RedisServer::Options server_options;
  server_options.arguments = {"--appendfsync", appendfsync, "--maxmemory", "2gb"};
  support::RedisServer server(server_options);
  metrics::Registry registry(append::kTable, "bench");
  const append::Metrics metrics(registry, 32);
  const log::Logger log(log::Options{}, "bench", [](std::string_view) {});
  append::Options options;
  options.required = appendfsync == "always" ? durability::Required::kAlways : durability::Required::kEverysec;
  Answered answered;
  append::Appender appender(server.endpoint(), {}, options, metrics, log, kClock);

  const std::string body(1000, 'x');
  std::vector<base::BootTime> started(senders);
  const auto submit = [&](std::size_t slot) {
    const base::WallTime wall = kClock.wall();
    started[slot] = kClock.now();
    stream::Entry entry{.id = base::make_uuid_v7(wall),
                        .id_instance = 1101000000 + slot % 8,
                        .chat = std::to_string(79000000000 + slot) + "@c.us",
                        .type_webhook = "incomingMessageReceived",
                        .received_ms = base::unix_ms(wall),
                        .trace = {},
                        .body = body};
    appender.submit(std::move(entry), started[slot] + 20s, [&answered, slot](append::Outcome outcome) { answered.put(slot, outcome); });
  };
  for (std::size_t slot = 0; slot < senders; ++slot) submit(slot);

  std::vector<std::size_t> slots;
  std::vector<double> latency_ms;
  latency_ms.reserve(1'000'000);
  double writer = 0, process = 0, redis = 0;
  std::uint64_t counted = 0;
  const base::BootTime begin = kClock.now() + 500ms;
  const base::BootTime end = begin + duration;
  base::BootTime counting{};
  base::BootTime now = kClock.now();
  while (now < end) {
    answered.take(slots);
    now = kClock.now();
    if (counting == base::BootTime{} && now >= begin) {
      counting = now;
      writer = thread_cpu_us("append-writer");
      process = bench::cpu_us(::getpid());
      redis = bench::cpu_us(server.pid());
    }
    for (const std::size_t slot : slots) {
      if (counting != base::BootTime{}) {
        ++counted;
        latency_ms.push_back(std::chrono::duration<double, std::milli>(now - started[slot]).count());
      }
      submit(slot);
    }
  }
  const double entries = static_cast<double>(counted);
  Row row{};
  row.writer_us = (thread_cpu_us("append-writer") - writer) / entries;
  row.process_us = (bench::cpu_us(::getpid()) - process) / entries;
  row.redis_us = (bench::cpu_us(server.pid()) - redis) / entries;
  row.entries_per_second = entries / std::chrono::duration<double>(now - counting).count();
  appender.stop();
  std::ranges::sort(latency_ms);
  row.p50_ms = latency_ms[latency_ms.size() / 2];
  row.p99_ms = latency_ms[latency_ms.size() * 99 / 100];
  std::uint64_t in_redis = 0;
  const stream::Keys keys{stream::Layout{}};
  for (unsigned partition = 0; partition < 32; ++partition) in_redis += std::stoull(server.text({"XLEN", keys.stream(partition)}));
  row.complete = in_redis == answered.stored();
  const std::string text = registry.text();
  const auto value = [&text](const std::string& name) {
    return std::strtod(text.c_str() + text.find("\n" + name + " ") + name.size() + 2, nullptr);
  };
  row.batch = value("hookfleet_append_batch_entries_sum") / value("hookfleet_append_batch_entries_count");
  return row;
}

}  // namespace
}  // namespace hookfleet

int main(int argc, char** argv) {
  const std::chrono::milliseconds duration(argc > 1 ? std::atoi(argv[1]) * 1000 : 3000);
  std::printf(
      "| appendfsync | senders | entries/s | entries/batch | writer µs | process µs | redis µs | p50 ms | p99 ms | all in Redis |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|---|\n");
  for (const char* appendfsync : {"always", "everysec"}) {
    for (const std::size_t senders : {1U, 16U, 64U, 256U}) {
      const hookfleet::Row row = hookfleet::measure(appendfsync, senders, duration);
      std::printf("| %s | %zu | %.0f | %.1f | %.1f | %.1f | %.1f | %.2f | %.2f | %s |\n", appendfsync, senders, row.entries_per_second,
                  row.batch, row.writer_us, row.process_us, row.redis_us, row.p50_ms, row.p99_ms, row.complete ? "yes" : "NO");
      std::fflush(stdout);
    }
  }
}
