#pragma once

#include <chrono>
#include <thread>

namespace hookfleet::support {

/// What is bound to come has come by then, also on a machine many times busier than it should be: only a hang takes longer.
inline constexpr std::chrono::seconds kSoon{60};

/// Asks `condition` every few ms until it holds (true) or `deadline` has passed (false; it is asked once more then).
template <class Condition>
[[nodiscard]] bool wait_until(std::chrono::milliseconds deadline, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    const bool late = std::chrono::steady_clock::now() >= end;
    if (condition()) return true;
    if (late) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace hookfleet::support
