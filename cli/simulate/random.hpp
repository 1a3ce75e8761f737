#pragma once

#include <cstdint>

namespace hookfleet::simulate {

/// SplitMix64: the same numbers from the same seed with any standard library, which std's distributions don't promise.
/// Threads: one.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// 0 … `end` - 1; `end` at least 1.
  std::uint64_t below(std::uint64_t end) { return next() % end; }
  /// True in that share of the calls, 0 … 1. A share of 0 draws nothing.
  bool chance(double share) { return share > 0 && static_cast<double>(next() >> 11) * 0x1.0p-53 < share; }

 private:
  std::uint64_t state_;
};

}  // namespace hookfleet::simulate
