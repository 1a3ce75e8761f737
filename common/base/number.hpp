#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace hookfleet::base {

/// The number that all of `text` is, in decimal; nothing for anything else (blanks, a plus, too large).
template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace hookfleet::base
