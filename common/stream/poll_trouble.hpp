#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hookfleet::stream {

/// Why an instance's notifications can't be fetched now: what its poller writes beside its lease, as field `trouble` of
/// hf:poll:<idInstance>, for whoever looks. Empty when all is well. Nothing depends on it, so it isn't fenced: it holds while the lease has
/// its epoch.
struct PollTrouble {
  static constexpr std::string_view kField = "trouble";

  std::string epoch;          ///< of the tenure that says so
  std::int64_t since_ms = 0;  ///< Unix ms
  std::string kind;           ///< greenapi::to_text(FailureKind)
  std::string message;        ///< for people; input

  /// Format digit 1, then netstrings in the order above.
  std::string text() const;
  /// Nothing for what is empty or not of a format we know.
  static std::optional<PollTrouble> parse(std::string_view text);
  bool operator==(const PollTrouble&) const = default;
};

}  // namespace hookfleet::stream
