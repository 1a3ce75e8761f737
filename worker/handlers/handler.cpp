#include "worker/handlers/handler.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/digest/digest.hpp"

namespace hookfleet::handlers {

void Handlers::add(std::string name, std::unique_ptr<Handler> handler) {
  HOOKFLEET_CHECK(handlers_.emplace(std::move(name), std::move(handler)).second);
}

Handler* Handlers::find(std::string_view name) const {
  const auto found = handlers_.find(name);
  return found == handlers_.end() ? nullptr : found->second.get();
}

std::vector<std::string> Handlers::names() const {
  std::vector<std::string> names;
  for (const auto& [name, handler] : handlers_) names.push_back(name);
  return names;
}

alert::Alert about(alert::Kind kind, const Notification& notification, std::string text) {
  return {.kind = kind,
          .type_webhook = notification.type_webhook,
          .id_instance = notification.id_instance,
          .text = std::move(text),
          .id = notification.id,
          .chat = notification.chat,
          .id_message = notification.id_message,
          .body = notification.body};
}

std::int64_t event_time(const Notification& notification) {
  return std::clamp<std::int64_t>(notification.timestamp.value_or(0), 0, 999'999'999'999'999);
}

stream::Effect count(const Notification& notification, std::string_view detail) {
  std::string field = notification.type_webhook;
  if (!detail.empty()) field.append(" ").append(detail);
  return {.op = stream::Effect::Op::kIncrement,
          .on = stream::Effect::On::kCounts,
          .part = {},
          .field = std::move(field),
          .value = "1",
          .expiry = {}};
}

stream::Effect latest_of_instance(const Notification& notification, std::string_view what, std::string_view text) {
  constexpr std::size_t kTextMax = 256;
  const std::int64_t time = notification.timestamp ? event_time(notification) : base::unix_ms(notification.received) / 1000;
  return {.op = stream::Effect::Op::kAdvance,
          .on = stream::Effect::On::kInstances,
          .part = {},
          .field = std::to_string(notification.id_instance).append(" ").append(what),
          .value = std::to_string(time).append(" ").append(text.substr(0, kTextMax)),
          .expiry = {}};
}

std::optional<stream::Effect> latest_of_chat(const Notification& notification, std::string_view what, std::string_view text) {
  if (notification.chat.empty()) return std::nullopt;
  constexpr std::chrono::hours kKept{30 * 24};
  const auto key = notification::chat_key(notification.id_instance, notification.chat);
  return stream::Effect{.op = stream::Effect::Op::kAdvance,
                        .on = stream::Effect::On::kChat,
                        .part = std::string(digest::as_bytes(key)),
                        .field = std::string(what),
                        .value = std::to_string(event_time(notification)).append(" ").append(notification.chat).append(" ").append(text),
                        .expiry = kKept};
}

const nlohmann::json* find_at(const nlohmann::json& body, std::initializer_list<const char*> path) {
  const nlohmann::json* at = &body;
  for (const char* key : path) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(key);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::string text_at(const nlohmann::json& body, std::initializer_list<const char*> path, std::size_t bytes_max) {
  const nlohmann::json* found = find_at(body, path);
  return found != nullptr && found->is_string() ? found->get_ref<const std::string&>().substr(0, bytes_max) : std::string();
}

}  // namespace hookfleet::handlers
