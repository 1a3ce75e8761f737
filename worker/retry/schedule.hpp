#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/base/clock.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/dead_letter.hpp"

/// When an entry that isn't done is tried again, and when no more. Pure.
namespace hookfleet::retry {

struct Options {
  unsigned attempts = 8;                             ///< that may fail
  std::chrono::milliseconds first{1000};             ///< first pause; each is twice the one before
  std::chrono::milliseconds max{300'000};            ///< longest pause
  std::chrono::milliseconds give_up{86'400'000};     ///< age at which a target's being away ends it…
  std::chrono::milliseconds blocked{3'600'000};      ///< …if its lane was blocked for so long
  unsigned crashes = 3;                              ///< begun so often without a return, it is dead
  unsigned hold_after = 3;                           ///< more dead letters of class crash of one type…
  std::chrono::milliseconds hold_window{3'600'000};  ///< …within so long, and the type waits for an operator
};

/// Goes on after the pause, or is dead.
struct Decision {
  std::chrono::milliseconds pause{};
  std::optional<stream::DeadClass> dead;
};

/// An attempt failed; it has been counted in `attempts`. `attempts_max`: Options::attempts, or 1 for the entries behind a dead letter of
/// class failed until one of the lane succeeds. `random`: 0 … 1, spreads the pause by ± 20 %.
Decision after_failure(const Options& options, const stream::Attempts& attempts, unsigned attempts_max, double random);

/// The target was away, which costs no attempt; attempts.blocked_since_ms says since when. `born_ms`: when the entry was received, or
/// redriven. `at_least`: the target asks for so long a pause; the longest one bounds it.
Decision after_unavailable(const Options& options, const stream::Attempts& attempts, std::int64_t born_ms, std::int64_t now_ms,
                           std::chrono::milliseconds at_least, double random);

/// What is left of a pause that another owner decided: never more than the longest one, whatever the wall clocks say.
std::chrono::milliseconds remaining(const Options& options, const stream::Attempts& attempts, std::int64_t now_ms);

}  // namespace hookfleet::retry
