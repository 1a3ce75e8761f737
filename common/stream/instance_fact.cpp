#include "common/stream/instance_fact.hpp"

#include "common/base/number.hpp"

namespace hookfleet::stream {

std::optional<InstanceFact> read_instance_fact(std::string_view field, std::string_view value) {
  const std::size_t field_blank = field.find(' ');
  const std::size_t value_blank = value.find(' ');
  if (field_blank == std::string_view::npos || value_blank == std::string_view::npos) return std::nullopt;
  const auto id = base::to_number<std::uint64_t>(field.substr(0, field_blank));
  const auto time = base::to_number<std::int64_t>(value.substr(0, value_blank));
  if (!id || !time) return std::nullopt;
  return InstanceFact{*id, field.substr(field_blank + 1), *time, value.substr(value_blank + 1)};
}

}  // namespace hookfleet::stream
