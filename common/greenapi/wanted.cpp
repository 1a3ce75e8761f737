#include "common/greenapi/wanted.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/greenapi/authorization.hpp"

namespace hookfleet::greenapi {
namespace {

constexpr std::array<std::string_view, 5> kOfEveryInstance{"incomingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook",
                                                           "outgoingWebhook", "stateWebhook"};
constexpr std::array<std::string_view, 2> kDeprecated{"deviceWebhook", "incomingBlockWebhook"};
constexpr std::string_view kYes = "yes";

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string value_of(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string() : found->second;
}

}  // namespace

const std::vector<std::string>& notification_switches() {
  static const std::vector<std::string> kSwitches{
      "incomingWebhook",    "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "outgoingWebhook",     "stateWebhook",
      "pollMessageWebhook", "editedMessageWebhook",   "deletedMessageWebhook",     "incomingCallWebhook", "outgoingCallWebhook"};
  return kSwitches;
}

bool is_notification_switch(std::string_view name) { return contains(notification_switches(), name) || contains(kDeprecated, name); }

std::string Difference::is_shown() const {
  if (is.empty()) return "(none)";
  return secret ? "another one" : is;
}

std::string Difference::want_shown() const {
  if (want.empty()) return "(none)";
  return secret ? "the fleet's" : want;
}

bool Difference::is_switch() const { return is_notification_switch(name); }

std::vector<Difference> differences(const Settings& settings, const Wanted& wanted) {
  std::vector<Difference> differences;
  if (wanted.webhook_url) {
    if (std::string is = value_of(settings, "webhookUrl"); is != *wanted.webhook_url) {
      differences.push_back({.name = "webhookUrl", .is = std::move(is), .want = *wanted.webhook_url});
    }
  }
  if (!wanted.webhook_tokens.empty()) {
    std::string is = value_of(settings, "webhookUrlToken");
    const auto same = [&](const std::string& token) { return token_of(token) == token_of(is); };
    if (token_of(is).empty() || std::none_of(wanted.webhook_tokens.begin(), wanted.webhook_tokens.end(), same)) {
      differences.push_back(
          {.name = "webhookUrlToken", .is = std::move(is), .want = std::string(token_of(wanted.webhook_tokens.front())), .secret = true});
    }
  }
  for (const std::string& name : wanted.switches) {
    if (!settings.contains(name) && !contains(kOfEveryInstance, name)) continue;
    if (std::string is = value_of(settings, name); is != kYes) {
      differences.push_back({.name = name, .is = std::move(is), .want = std::string(kYes)});
    }
  }
  return differences;
}

std::string to_set(const std::vector<Difference>& differences) {
  nlohmann::json object = nlohmann::json::object();
  for (const Difference& one : differences) object[one.name] = one.want;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hookfleet::greenapi
