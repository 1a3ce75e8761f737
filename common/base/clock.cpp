#include "common/base/clock.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace hookfleet::base {
BootClock::time_point BootClock::now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

std::string rfc3339(WallTime time) {
  const std::int64_t ms = unix_ms(time);
  const std::time_t second = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  ::gmtime_r(&second, &utc);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s.%03dZ", date.data(), static_cast<int>(ms % 1000));
  return text.data();
}

}  // namespace hookfleet::base
