#pragma once

#include <string>
#include <string_view>

namespace hookfleet::base {

/// The letters A-Z as small ones, whatever the locale; all other bytes as they are (those of UTF-8, too).
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

}  // namespace hookfleet::base
