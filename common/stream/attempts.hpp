#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/stream/effect.hpp"

namespace hookfleet::stream {

/// Why an entry at the head of its lane isn't done yet.
enum class Trouble : std::uint8_t {
  kNone,
  kUnavailable,  ///< the target is away: costs no attempt
  kFailed,       ///< an attempt failed
};
std::string_view to_text(Trouble trouble);

/// An action of a fan-out that ended; a retry runs the rest only.
struct FinishedAction {
  std::string name;
  std::vector<Effect> effects;  ///< run with the `ack` of the entry
  bool operator==(const FinishedAction&) const = default;
};

/// What a partition's `att` hash remembers of one entry: survives a takeover. Absolute values, so that writing twice does no harm.
struct Attempts {
  unsigned failed = 0;  ///< attempts that failed
  unsigned begun = 0;   ///< begins after a crash takeover that did not return
  Trouble trouble = Trouble::kNone;
  std::int64_t due_ms = 0;            ///< next try, Unix ms; 0: at once
  std::int64_t first_ms = 0;          ///< first attempt, Unix ms; 0: none ended yet
  std::int64_t blocked_since_ms = 0;  ///< since when its lane waits, Unix ms; 0: it doesn't
  std::vector<FinishedAction> finished{};

  /// Format digit 1, then netstrings.
  std::string text() const;
  /// Nothing for what is not of a format we know.
  static std::optional<Attempts> parse(std::string_view text);
  bool operator==(const Attempts&) const = default;
};

}  // namespace hookfleet::stream
