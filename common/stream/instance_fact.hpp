#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hookfleet::stream {

/// What hf:{t}:inst tells of an instance: field `<idInstance> <what>`, value `<event time> <text>`. `what` is "state", "status", "device"
/// or "quota" (worker/handlers write them), or a handler's of a user. Borrows from what was read.
struct InstanceFact {
  std::uint64_t id_instance = 0;
  std::string_view what;
  std::int64_t time = 0;  ///< Unix seconds
  std::string_view text;
};

/// Nothing for a field or value of another form.
std::optional<InstanceFact> read_instance_fact(std::string_view field, std::string_view value);

}  // namespace hookfleet::stream
