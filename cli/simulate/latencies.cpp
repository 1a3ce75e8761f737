#include "cli/simulate/latencies.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hookfleet::simulate {

unsigned Latencies::class_of(std::uint64_t us) {
  if (us < kSteps) return static_cast<unsigned>(us);
  const unsigned power = static_cast<unsigned>(std::bit_width(us)) - 7;  // 0 for 64 … 127
  return (power + 1) * kSteps + static_cast<unsigned>(us >> power) - kSteps;
}

std::uint64_t Latencies::upper_bound_us(unsigned number) {
  if (number < kSteps) return number;
  const unsigned power = number / kSteps - 1;
  return ((std::uint64_t{number % kSteps} + kSteps + 1) << power) - 1;
}

void Latencies::add(Duration duration) {
  const auto us =
      static_cast<std::uint64_t>(std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count(), 0));
  ++counts_[std::min<std::size_t>(class_of(us), counts_.size() - 1)];
  ++count_;
  longest_ = std::max(longest_, duration);
}

Latencies::Duration Latencies::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (unsigned i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) return std::min<Duration>(std::chrono::microseconds(upper_bound_us(i)), longest_);
  }
  return {};
}

}  // namespace hookfleet::simulate
