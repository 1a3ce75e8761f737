#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

/// Reading the text that INFO answers. Pure; what it says is input, and what can't be read is absent.
namespace hookfleet::redis {

/// Calls `field` with name and value of each line `name:value`; headings and empty lines are skipped.
void for_each_info(std::string_view info, const std::function<void(std::string_view name, std::string_view value)>& field);

/// A whole number of 64 bits.
std::optional<std::uint64_t> info_number(std::string_view value);
/// `1` or `0`.
std::optional<bool> info_flag(std::string_view value);
/// One of the parts of a value such as `calls=3,usec=49`; nothing when it isn't there.
std::optional<std::string_view> info_part(std::string_view value, std::string_view name);

}  // namespace hookfleet::redis
