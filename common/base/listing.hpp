#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace hookfleet::base {

/// The first `max` of `items` with `separator` between, and how many were left out: "a, b and 3 more".
inline std::string listed(const std::vector<std::string>& items, std::size_t max = 5, const char* separator = ", ") {
  std::string text;
  for (std::size_t i = 0; i < items.size() && i < max; ++i) {
    if (i > 0) text += separator;
    text += items[i];
  }
  if (items.size() > max) text += " and " + std::to_string(items.size() - max) + " more";
  return text;
}

}  // namespace hookfleet::base
