#pragma once

#include <string>
#include <string_view>

namespace hookfleet::log {

/// Appends `text` as the inside of a JSON string that shows nothing but itself on any screen and stays on one line: `"` and `\`, C0, DEL,
/// C1 (U+009B starts a terminal command like ESC [ does), U+2028/2029 and what is invisible or turns the order of what follows (U+202E and
/// its like, zero-width characters, U+FEFF, tags) become escapes, each byte that is not UTF-8 becomes U+FFFD.
void append_escaped(std::string& out, std::string_view text);

/// Appends a JSON value as it stands, but keeps append_escaped()'s promise: line ends and tabs (in JSON they can only stand between
/// values) become blanks, other such characters (they can only stand inside a string) become their escapes. The value stays the same.
void append_raw_json(std::string& out, std::string_view json);

}  // namespace hookfleet::log
