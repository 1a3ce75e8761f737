#pragma once

#include <string>
#include <string_view>

namespace hookfleet::schema {

/// One thing that is wrong with a notification. Printable ASCII, whatever came.
struct Problem {
  std::string pointer;   ///< JSON pointer (RFC 6901) of the value, or of where it is missing; "/" for the whole. At most kPointerMax bytes
  std::string expected;  ///< "string", "integer or null", "one of \"a\", \"b\""
  std::string found;     ///< "nothing", or the type of what is there; never the value, but of enum and const the start of a text

  static constexpr std::size_t kPointerMax = 256;

  /// "/messageData/textMessageData: expected object, found nothing"
  std::string text() const;
  bool operator==(const Problem&) const = default;
};

/// ASCII without control characters: others as \xNN. Cut behind `max` bytes with "...".
std::string printable(std::string_view text, std::size_t max);

}  // namespace hookfleet::schema
