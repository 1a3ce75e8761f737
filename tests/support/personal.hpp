#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hookfleet::support {

/// The phone numbers, names, texts, places, links and pictures in a sample's body, once each: of a chat id its digits, of everything else
/// the value as it stands in a log (unescaped, numbers as written by JSON). Decided by key, whatever the programs think of that key; throws
/// for a key that nobody has decided about, so that a new sample can't slip through.
std::vector<std::string> personal_values(std::string_view body);

/// Those of `values` that `text` contains. Left out is what can't be looked for: values below 4 bytes ("1", "Red") and those that are names
/// of keys. Found are numbers that no digit stands beside,
/// and whole words.
std::vector<std::string> told(std::string_view text, const std::vector<std::string>& values);

}  // namespace hookfleet::support
