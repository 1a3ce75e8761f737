#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "common/base/clock.hpp"

/// When something is tried again. Pure.
namespace hookfleet::append {

inline constexpr unsigned kAppendsMax = 3;                     ///< of one delivery that may have stored it
inline constexpr std::chrono::milliseconds kAppendApart{250};  ///< between two of them

/// When an entry whose last append went unanswered may be appended again; nothing: not any more, it stays unknown.
inline std::optional<base::BootTime> next_append(unsigned appends, base::BootTime now, base::BootTime deadline) {
  if (appends >= kAppendsMax || now + kAppendApart >= deadline) return std::nullopt;
  return now + kAppendApart;
}

/// After the n-th refusal, failed connect or failed preflight in a row (n from 1): 50, 100, 200, 250, 250 … ms.
constexpr std::chrono::milliseconds pause_after(unsigned failures) {
  return std::min(std::chrono::milliseconds(50) * (1U << std::clamp(failures, 1U, 4U)) / 2, std::chrono::milliseconds(250));
}

}  // namespace hookfleet::append
