#include "worker/routes/table.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace hookfleet::routes {
namespace {

using notification::Notification;
using notification::TypeWebhook;

bool contains(const std::vector<std::string>& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

std::string kind_of(const ActionOptions& action) {
  if (action.log) return "log";
  if (action.stream) return "stream:" + action.stream->key;
  if (action.forward) return "forward:" + forward::display_name(*action.forward);
  return "handler:" + action.handler;
}

std::vector<NamedAction> named(const std::vector<ActionOptions>& actions) {
  std::vector<NamedAction> result;
  for (const ActionOptions& action : actions) {
    if (action.ignore) continue;
    const std::string base = kind_of(action);
    std::string name = base;
    const auto taken = [&] { return std::any_of(result.begin(), result.end(), [&](const auto& other) { return other.name == name; }); };
    for (unsigned n = 2; taken(); ++n) name = base + '#' + std::to_string(n);
    result.push_back({std::move(name), action});
  }
  return result;
}

/// Where `shipped` stands: one route a handler.
std::vector<Route> shipped(std::span<const std::string> handlers) {
  std::vector<Route> routes;
  for (const std::string& handler : shipped_handlers()) {
    if (std::find(handlers.begin(), handlers.end(), handler) == handlers.end()) continue;
    Route& route = routes.emplace_back();
    route.name = "shipped:" + handler;
    for (std::size_t type = 0; type < notification::kTypeWebhookCount; ++type) {
      const auto which = static_cast<TypeWebhook>(type);
      if (shipped_handler(which) == handler) route.criteria.type_webhook.emplace_back(notification::to_text(which));
    }
    ActionOptions action;
    action.handler = handler;
    route.actions = named({action});
  }
  return routes;
}

}  // namespace

std::string_view shipped_handler(TypeWebhook type) {
  switch (type) {
    case TypeWebhook::kIncomingMessageReceived:
    case TypeWebhook::kOutgoingMessageReceived:
    case TypeWebhook::kOutgoingAPIMessageReceived: return "message";
    case TypeWebhook::kOutgoingMessageStatus: return "message_status";
    case TypeWebhook::kStateInstanceChanged:
    case TypeWebhook::kStatusInstanceChanged: return "instance_state";
    case TypeWebhook::kDeviceInfo:
    case TypeWebhook::kIncomingBlock: return "device";
    case TypeWebhook::kIncomingCall:
    case TypeWebhook::kOutgoingCall: return "call";
    case TypeWebhook::kQuotaExceeded: return "quota";
  }
  return {};
}

std::vector<std::string> shipped_handlers() {
  std::vector<std::string> names;
  for (std::size_t type = 0; type < notification::kTypeWebhookCount; ++type) {
    const std::string_view name = shipped_handler(static_cast<TypeWebhook>(type));
    if (!contains(names, name)) names.emplace_back(name);
  }
  return names;
}

Table::Table(const Options& options, std::span<const std::string> handlers) {
  for (std::size_t i = 0; i < options.routes.size(); ++i) {
    const RouteOptions& route = options.routes[i];
    if (route.shipped) {
      for (Route& one : shipped(handlers)) routes_.push_back(std::move(one));
    } else {
      routes_.push_back({"routes[" + std::to_string(i) + ']', route.match, named(route.actions)});
    }
  }
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Criteria& criteria = routes_[i].criteria;
    Predicate& predicate = predicates_.emplace_back();
    for (const std::string& text : criteria.id_instance) {
      std::from_chars(text.data(), text.data() + text.size(), predicate.instances.emplace_back());
    }
    const auto kinds = notification::chat_kind_names();
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      if (contains(criteria.chat, kinds[kind])) predicate.chats |= 1U << kind;
    }
    bool of_unknown = criteria.type_webhook.empty();
    for (std::size_t type = 0; type < by_type_.size(); ++type) {
      if (criteria.type_webhook.empty() || contains(criteria.type_webhook, notification::type_webhook_names()[type]))
        by_type_[type].push_back(i);
    }
    for (const std::string& name : criteria.type_webhook) of_unknown = of_unknown || !notification::find_type_webhook(name);
    if (of_unknown) of_unknown_.push_back(i);
  }
}

std::optional<std::size_t> Table::find(const Notification& notification) const {
  for (const std::size_t route : notification.type ? by_type_[static_cast<std::size_t>(*notification.type)] : of_unknown_) {
    if (fits(route, notification)) return route;
  }
  return std::nullopt;
}

bool Table::fits(std::size_t route, const Notification& notification) const {
  const Criteria& criteria = routes_[route].criteria;
  const Predicate& predicate = predicates_[route];
  const auto fits_instance = [&] {
    return std::find(predicate.instances.begin(), predicate.instances.end(), notification.id_instance) != predicate.instances.end();
  };
  const auto fits_chat = [&] {
    return notification.chat_kind && (predicate.chats >> static_cast<unsigned>(*notification.chat_kind) & 1U) != 0;
  };
  return (notification.type || criteria.type_webhook.empty() || contains(criteria.type_webhook, notification.type_webhook)) &&
         (criteria.type_message.empty() || contains(criteria.type_message, notification.type_message)) &&
         (predicate.instances.empty() || fits_instance()) && (predicate.chats == 0 || fits_chat()) &&
         (criteria.status.empty() || contains(criteria.status, notification.status));
}

std::optional<Table::Mismatch> Table::mismatch(std::size_t route, const Notification& notification) const {
  const Criteria& criteria = routes_[route].criteria;
  const struct {
    std::string_view name;
    const std::vector<std::string>& wanted;
    std::string found;
  } looks[] = {
      {"typeWebhook", criteria.type_webhook, notification.type_webhook},
      {"typeMessage", criteria.type_message, notification.type_message},
      {"idInstance", criteria.id_instance, notification.id_instance == 0 ? std::string() : std::to_string(notification.id_instance)},
      {"chat", criteria.chat, notification.chat_kind ? std::string(notification::to_text(*notification.chat_kind)) : std::string()},
      {"status", criteria.status, notification.status},
  };
  for (const auto& look : looks) {
    if (!look.wanted.empty() && !contains(look.wanted, look.found)) return Mismatch{look.name, look.found, look.wanted};
  }
  return std::nullopt;
}

}  // namespace hookfleet::routes
