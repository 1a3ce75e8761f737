#include "common/redis/info.hpp"

#include <algorithm>

#include "common/base/number.hpp"

namespace hookfleet::redis {

void for_each_info(std::string_view info, const std::function<void(std::string_view name, std::string_view value)>& field) {
  while (!info.empty()) {
    const std::string_view line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(line.size() + 1, info.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    if (value.ends_with('\r')) value.remove_suffix(1);
    field(line.substr(0, colon), value);
  }
}

std::optional<std::uint64_t> info_number(std::string_view value) { return base::to_number<std::uint64_t>(value); }

std::optional<bool> info_flag(std::string_view value) {
  if (value == "1") return true;
  if (value == "0") return false;
  return std::nullopt;
}

std::optional<std::string_view> info_part(std::string_view value, std::string_view name) {
  while (!value.empty()) {
    const std::string_view part = value.substr(0, value.find(','));
    value.remove_prefix(std::min(part.size() + 1, value.size()));
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') return part.substr(name.size() + 1);
  }
  return std::nullopt;
}

}  // namespace hookfleet::redis
