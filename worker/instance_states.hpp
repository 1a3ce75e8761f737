#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/registry.hpp"
#include "common/notification/types.hpp"
#include "common/redis/reply.hpp"

namespace hookfleet::worker {

/// The gauges of instances' states: all instances counted by state, and those that the setting worker.instances names one by one, so that
/// input makes no series. Every worker tells of the whole fleet.
struct InstanceGauges {
  static constexpr std::size_t kStates = notification::kInstanceStateCount + 1;  ///< the last one: others
  static constexpr std::size_t kNamedMax = 1000;

  /// `named`: worker.instances.
  InstanceGauges(metrics::Registry& registry, std::span<const std::string> named);

  std::array<metrics::Gauge, kStates> by_state;
  std::map<std::uint64_t, metrics::Gauge> authorized;  ///< by idInstance
};

/// Fills them from what the handler instance_state keeps in Redis.
/// Threads: one.
class InstanceStates {
 public:
  /// `gauges` outlives the object.
  InstanceStates(const InstanceGauges& gauges, unsigned partitions) : gauges_(gauges), by_partition_(partitions, Counts{}) {}

  /// What HGETALL of a partition's hf:{t}:inst answered; what is no answer changes nothing.
  void observe(unsigned partition, redis::ReplyView instances);

 private:
  using Counts = std::array<std::uint32_t, InstanceGauges::kStates>;

  const InstanceGauges& gauges_;
  std::vector<Counts> by_partition_;
};

/// Why `id` can't be an item of worker.instances; nothing when it can.
std::optional<std::string> not_an_instance(std::string_view id);

}  // namespace hookfleet::worker
