#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"
#include "common/stream/keys.hpp"
#include "common/stream/scripts.hpp"

namespace hookfleet::stream {

/// What a partition's ctl remembers of notifications of one typeWebhook whose handling ended the process, as field `hold:<typeWebhook>`:
/// the latest such dead letters and, once there were too many, since when the type waits. Gone when an operator resumes the type.
struct TypeHold {
  struct Crash {
    StreamId entry;  ///< its id in the partition's stream: counted once, however often it is written
    std::int64_t at_ms = 0;
    bool operator==(const Crash&) const = default;
  };
  static constexpr std::size_t kCrashesMax = 16;  ///< the latest that are kept

  std::int64_t since_ms = 0;     ///< held since, Unix ms; 0: only counted
  std::vector<Crash> crashes{};  ///< oldest first

  bool held() const { return since_ms > 0; }
  /// Format digit 1, then netstrings: since_ms, then stream id and time of each crash.
  std::string text() const;
  /// Nothing for what is not of a format we know.
  static std::optional<TypeHold> parse(std::string_view text);
  bool operator==(const TypeHold&) const = default;
};

/// The name of the field: `hold:<typeWebhook>`.
std::string hold_field(std::string_view type_webhook);
/// The typeWebhook that a field of ctl holds back or counts; nothing for another field. Borrowed from `ctl_field`.
std::optional<std::string_view> held_type(std::string_view ctl_field);

/// Writes one, fenced like the scripts of common/stream/scripts.hpp.
void write_hold(redis::Command& command, const Scripts& scripts, const Keys& keys, const Fence& fence, std::string_view type_webhook,
                const TypeHold& hold);

/// The fields of a whole ctl (a reply to HGETALL) that are holds: typeWebhook and what is held. Unreadable ones are left out.
std::vector<std::pair<std::string, TypeHold>> decode_holds(redis::ReplyView ctl);

}  // namespace hookfleet::stream
