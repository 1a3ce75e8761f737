#include "worker/handlers/handler.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace hookfleet::handlers {

void Handlers::add(std::string name, std::unique_ptr<Handler> handler) {
  HOOKFLEET_CHECK(handlers_.emplace(std::move(name), std::move(handler)).second);
}

Handler* Handlers::find(std::string_view name) const {
  const auto found = handlers_.find(name);
  return found == handlers_.end() ? nullptr : found->second.get();
}

std::int64_t event_time(const Notification& notification) {
  return std::clamp<std::int64_t>(notification.timestamp.value_or(0), 0, 999'999'999'999'999);
}

stream::Effect count(const Notification& notification) {
  return {.op = stream::Effect::Op::kIncrement,
          .on = stream::Effect::On::kCounts,
          .part = {},
          .field = notification.type_webhook,
          .value = "1",
          .expiry = {}};
}

}  // namespace hookfleet::handlers
