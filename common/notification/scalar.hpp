#pragma once

#include <string>
#include <string_view>

/// The small pieces of JSON's grammar (RFC 8259). Pure; of this folder only.
namespace hookfleet::notification {

/// The whole of `text` is a JSON number that a double can hold (an integer of any length may lose digits, 1e999 is none).
bool is_number(std::string_view text);

/// Every escape in `text`, a string's inside, is one of JSON's and no surrogate stands alone.
bool has_good_escapes(std::string_view text);

/// The string that `text` stands for. Its escapes are good.
std::string unescape(std::string_view text);

}  // namespace hookfleet::notification
