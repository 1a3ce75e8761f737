#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hookfleet::base {

/// Time since boot including suspend (CLOCK_BOOTTIME): what leases, deadlines and timeouts are measured by.
struct BootClock {
  using rep = std::chrono::nanoseconds::rep;
  using period = std::chrono::nanoseconds::period;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};
using BootTime = BootClock::time_point;

/// Wall clock: what a person reads and what `r` and UUIDv7 carry. May jump.
using WallTime = std::chrono::system_clock::time_point;

/// Milliseconds since the Unix epoch.
constexpr std::int64_t unix_ms(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
constexpr WallTime from_unix_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }
/// "2025-06-15T12:34:56.123Z"
std::string rfc3339(WallTime time);

/// Source of both times; const members may be called from several threads. Tests use support::FakeClock.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual BootTime now() const = 0;
  virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  BootTime now() const override { return BootClock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
};

}  // namespace hookfleet::base
