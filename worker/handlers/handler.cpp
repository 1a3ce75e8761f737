#include "worker/handlers/handler.hpp"

#include "common/base/check.hpp"

namespace hookfleet::handlers {

void Handlers::add(std::string name, std::unique_ptr<Handler> handler) {
  HOOKFLEET_CHECK(handlers_.emplace(std::move(name), std::move(handler)).second);
}

Handler* Handlers::find(std::string_view name) const {
  const auto found = handlers_.find(name);
  return found == handlers_.end() ? nullptr : found->second.get();
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
