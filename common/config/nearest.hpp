#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hookfleet::config {

/// Insertions, deletions, changes and swaps of neighbours that make `a` of `b`. Texts are compared up to their first 100 bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known name that was probably meant: nearest as a whole, or in its last part (after the last dot). Empty when none is known.
std::string nearest(std::string_view name, std::span<const std::string> known);

}  // namespace hookfleet::config
