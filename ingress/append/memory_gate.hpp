#pragma once

#include <cstdint>

namespace hookfleet::append {

/// Back-pressure by Redis' memory, with hysteresis: closes above `percent` of maxmemory, opens again kResume points below. Pure.
class MemoryGate {
 public:
  static constexpr unsigned kResume = 5;

  explicit MemoryGate(unsigned percent) : percent_(percent) {}

  /// Takes in a sample; a `maxmemory` of 0 bounds nothing. Returns closed().
  bool update(std::uint64_t used, std::uint64_t maxmemory) {
    const double limit = static_cast<double>(maxmemory) / 100;
    const auto bytes = static_cast<double>(used);
    closed_ = maxmemory > 0 && (closed_ ? bytes >= limit * (percent_ - kResume) : bytes > limit * percent_);
    return closed_;
  }
  bool closed() const { return closed_; }

 private:
  const unsigned percent_;
  bool closed_ = false;
};

}  // namespace hookfleet::append
