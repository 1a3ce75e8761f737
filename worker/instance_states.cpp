#include "worker/instance_states.hpp"

#include <algorithm>
#include <limits>

#include "common/base/number.hpp"
#include "common/stream/instance_fact.hpp"

namespace hookfleet::worker {

InstanceGauges::InstanceGauges(metrics::Registry& registry, std::span<const std::string> named) {
  const auto states = notification::instance_states();
  for (std::size_t i = 0; i < kStates; ++i) {
    const std::string_view label = i < states.size() ? states[i] : notification::instance_state_label({});
    by_state[i] = registry.gauge("hookfleet_instances", {{"state", label}});
  }
  for (const std::string& id : named.first(std::min(named.size(), kNamedMax))) {
    const auto number = base::to_number<std::uint64_t>(id);
    if (!number) continue;
    const metrics::Gauge gauge = registry.gauge("hookfleet_instance_authorized", {{"idInstance", std::to_string(*number)}});
    gauge.set(std::numeric_limits<double>::quiet_NaN());
    authorized.emplace(*number, gauge);
  }
}

void InstanceStates::observe(unsigned partition, redis::ReplyView instances) {
  if (!instances.is_array()) return;
  const auto states = notification::instance_states();
  Counts counts{};
  for (std::size_t i = 0; i + 1 < instances.size(); i += 2) {
    const auto fact = stream::read_instance_fact(instances[i].text(), instances[i + 1].text());
    if (!fact || fact->what != "state") continue;
    ++counts[static_cast<std::size_t>(std::ranges::find(states, fact->text) - states.begin())];
    const auto named = gauges_.authorized.find(fact->id_instance);
    if (named != gauges_.authorized.end()) named->second.set(fact->text == "authorized" ? 1 : 0);
  }
  by_partition_[partition] = counts;
  for (std::size_t state = 0; state < InstanceGauges::kStates; ++state) {
    std::uint64_t sum = 0;
    for (const Counts& one : by_partition_) sum += one[state];
    gauges_.by_state[state].set(static_cast<double>(sum));
  }
}

std::optional<std::string> not_an_instance(std::string_view id) {
  if (base::to_number<std::uint64_t>(id).value_or(0) > 0) return std::nullopt;
  return "expected the number of an instance";
}

}  // namespace hookfleet::worker
