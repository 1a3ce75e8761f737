#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/stream/entry.hpp"

namespace hookfleet::stream {

enum class DeadClass : std::uint8_t {
  kMalformed,  ///< not JSON, or over a limit of the envelope
  kInvalid,    ///< breaks its schema
  kFailed,     ///< all attempts failed
  kRejected,   ///< a handler or target said that it never will
  kCrash,      ///< its handling ended the process, three times
  kExpired,    ///< its target was away for too long
};
inline constexpr std::array kDeadClasses{DeadClass::kMalformed, DeadClass::kInvalid, DeadClass::kFailed,
                                         DeadClass::kRejected,  DeadClass::kCrash,   DeadClass::kExpired};
std::string_view to_text(DeadClass dead_class);
std::optional<DeadClass> find_dead_class(std::string_view text);

/// Why an entry became a dead letter, as `ack` stores it behind the entry's own fields.
struct Death {
  DeadClass dead_class = DeadClass::kFailed;
  std::string error;  ///< text for people; `ack` keeps kErrorMax bytes
  unsigned attempts = 0;
  std::int64_t first_ms = 0;  ///< first attempt, Unix ms
  std::int64_t last_ms = 0;
  std::string worker;
  std::vector<std::string> actions;  ///< that ended before: a redrive runs the rest only

  static constexpr std::size_t kErrorMax = 1024;
  bool operator==(const Death&) const = default;
};

/// One entry of a dead-letter stream.
struct DeadLetter {
  StreamId original;  ///< in the partition's stream
  Death death;
  tl::expected<Entry, std::string> entry;  ///< the error: why it can't be read as an entry (it was foreign)
};

/// Decodes the field list of a dead-letter record (the second element of an XRANGE record). An error names what is missing.
tl::expected<DeadLetter, std::string> decode_dead_letter(redis::ReplyView fields);

}  // namespace hookfleet::stream
