#pragma once

#include <array>
#include <string_view>

#include "common/metrics/registry.hpp"
#include "common/notification/types.hpp"

namespace hookfleet::append {

/// A counter for each documented typeWebhook and one for all others: notifications that a door has had stored.
class StoredByType {
 public:
  /// `name`: a row of the registry's table with the label typeWebhook. Every series exists from the start.
  StoredByType(metrics::Registry& registry, std::string_view name) {
    const auto names = notification::type_webhook_names();
    for (std::size_t i = 0; i < counters_.size(); ++i) {
      counters_[i] = registry.counter(name, {{"typeWebhook", i < names.size() ? names[i] : notification::type_label("")}});
    }
  }
  const metrics::Counter& of(std::string_view type_webhook) const {
    const auto type = notification::find_type_webhook(type_webhook);
    return type ? counters_[static_cast<std::size_t>(*type)] : counters_.back();
  }

 private:
  std::array<metrics::Counter, notification::kTypeWebhookCount + 1> counters_;  // by TypeWebhook, then "other"
};

}  // namespace hookfleet::append
