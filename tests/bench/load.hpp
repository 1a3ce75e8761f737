#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace hookfleet::bench {

/// Keep-alive connections to 127.0.0.1 on one thread. A closed loop: each sends its next request when its answer has come. Or by the clock,
/// `per_second`: a request that finds no connection free waits for one, and its latency counts from when it should have left.
struct Load {
  int port = 0;
  unsigned connections = 64;
  std::chrono::milliseconds duration{5000};
  std::chrono::milliseconds warm_up{500};  ///< answered, not counted
  std::string token;
  std::size_t body_bytes = 1024;
  double per_second = 0;  ///< 0: a closed loop
};

struct LoadResult {
  std::uint64_t answered = 0;  ///< 200s in the counted time
  std::uint64_t refused = 0;   ///< other answers and lost connections
  double seconds = 0;
  std::vector<double> latency_ms;  ///< sorted, counted answers only
  double percentile(double share) const;
};

/// `at_start` runs when warm-up is over, `at_end` when the counted time is: where CPU clocks are read.
LoadResult run(const Load& load, const std::function<void()>& at_start, const std::function<void()>& at_end);

/// The middle one of at least one value; of an even number the upper.
double median(std::vector<double> values);

/// CPU time that all threads of a process have used, in µs, from /proc/<pid>/task/*/schedstat.
double cpu_us(pid_t pid);
/// The pid and its children (nginx: master and workers).
double cpu_us_with_children(pid_t pid);

}  // namespace hookfleet::bench
