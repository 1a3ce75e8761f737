#include "keywords.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

using hookfleet::handlers::Handled;
using hookfleet::handlers::Notification;
using hookfleet::stream::Effect;

namespace {

// A closed set: the hash must not grow with what people write.
constexpr std::array<std::string_view, 3> kKeywords{"price", "order", "stop"};

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

Handled Keywords::handle(const Notification& notification, const std::stop_token& cancel) {
  Handled handled = shipped_.handle(notification, cancel);
  if (notification.type != hookfleet::notification::TypeWebhook::kIncomingMessageReceived) return handled;

  const auto body = notification.json();
  const auto* found = hookfleet::handlers::find_at(body, {"messageData", "textMessageData", "textMessage"});
  if (found == nullptr || !found->is_string()) return handled;  // another typeMessage
  const std::string text = lower_case(found->get<std::string>());
  for (const std::string_view keyword : kKeywords) {
    if (text.find(keyword) == std::string::npos) continue;
    // An effect runs exactly once, together with the acknowledgement, however often this handler is called.
    handled.effects.push_back({.op = Effect::Op::kIncrement,
                               .on = Effect::On::kCounts,
                               .part = {},
                               .field = "keyword " + std::string(keyword),
                               .value = "1",
                               .expiry = {}});
  }
  return handled;
}
