#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace hookfleet::simulate {

/// How long things took, in little memory: percentiles to 2 %, the longest exactly.
/// Threads: one.
class Latencies {
 public:
  using Duration = std::chrono::nanoseconds;

  void add(Duration duration);
  std::uint64_t count() const { return count_; }
  Duration longest() const { return longest_; }
  /// What that share of them (0 … 1) did not exceed; 0 when there are none.
  Duration percentile(double share) const;

 private:
  // A power of two (of µs) is 64 classes wide; the first 64 µs are a class each.
  static constexpr unsigned kSteps = 64;
  static unsigned class_of(std::uint64_t us);
  static std::uint64_t upper_bound_us(unsigned number);

  std::array<std::uint64_t, 35UL * kSteps> counts_{};  // up to 2^40 µs
  std::uint64_t count_ = 0;
  Duration longest_{};
};

}  // namespace hookfleet::simulate
