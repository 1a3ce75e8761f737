#include "tests/bench/load.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "cli/simulate/posts.hpp"
#include "tests/support/sender.hpp"

namespace hookfleet::bench {
namespace {

using simulate::Posts;
using Clock = Posts::Clock;

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double LoadResult::percentile(double share) const {
  if (latency_ms.empty()) return std::nan("");
  return latency_ms[std::min(latency_ms.size() - 1, static_cast<std::size_t>(share * static_cast<double>(latency_ms.size())))];
}

LoadResult run(const Load& load, const std::function<void()>& at_start, const std::function<void()>& at_end) {
  const auto to = simulate::Target::find("http://127.0.0.1:" + std::to_string(load.port) + "/webhook");
  Posts posts({.to = *to, .headers = "Authorization: Bearer " + load.token + "\r\n", .connections = load.connections});
  const bool paced = load.per_second > 0;
  const auto apart = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(paced ? 1 / load.per_second : 0));
  auto due = Clock::now();                              // the next request by the clock
  std::vector<Clock::duration> late(load.connections);  // when each request left, after it should have left
  std::vector<std::uint64_t> sequence(load.connections);
  std::vector<unsigned> free(load.connections);
  std::iota(free.begin(), free.end(), 0U);
  const auto send_next = [&](unsigned number, Clock::duration behind) {
    late[number] = behind;
    posts.post(number, support::Sender::body(1'101'000'001 + number, std::to_string(79'000'000'000ULL + number) + "@c.us",
                                             "B" + std::to_string(number) + "S" + std::to_string(sequence[number]++), load.body_bytes));
  };
  LoadResult result;
  const auto begin = Clock::now() + load.warm_up;
  const auto end = begin + load.duration;
  bool counting = false;
  const auto answered = [&](const Posts::Answer& answer) {
    free.push_back(answer.connection);
    if (answer.status != 200) {
      ++result.refused;
    } else if (counting) {
      ++result.answered;
      result.latency_ms.push_back(std::chrono::duration<double, std::milli>(answer.waited + late[answer.connection]).count());
    }
  };
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    if (!counting && now >= begin) {
      counting = true;
      at_start();
    }
    while (!free.empty() && (!paced || due <= now)) {
      const unsigned number = free.back();
      free.pop_back();
      send_next(number, paced ? now - due : Clock::duration::zero());
      due += apart;
    }
    posts.wait(std::min<Clock::duration>(paced && !free.empty() ? due - now : std::chrono::milliseconds(10), end - now), answered);
  }
  at_end();
  result.seconds = std::chrono::duration<double>(load.duration).count();
  std::sort(result.latency_ms.begin(), result.latency_ms.end());
  return result;
}

double cpu_us(pid_t pid) {
  double total_ns = 0;
  std::error_code ignored;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ignored)) {
    std::ifstream file(task.path() / "schedstat");
    double on_cpu_ns = 0;
    if (file >> on_cpu_ns) total_ns += on_cpu_ns;
  }
  return total_ns / 1000;
}

double cpu_us_with_children(pid_t pid) {
  double total = cpu_us(pid);
  std::ifstream children("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; children >> child;) total += cpu_us(child);
  return total;
}

}  // namespace hookfleet::bench
