#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/greenapi/answer.hpp"

namespace hookfleet::greenapi {

/// The settings that switch notifications on ("yes", "no"), but for the deprecated deviceWebhook and incomingBlockWebhook.
const std::vector<std::string>& notification_switches();
/// True for one of them and for the deprecated ones.
bool is_notification_switch(std::string_view name);

/// How a fleet needs the settings of an instance.
struct Wanted {
  std::optional<std::string> webhook_url;   ///< empty: none, the fleet polls. Nothing: not looked at
  std::vector<std::string> webhook_tokens;  ///< any of them is right, the first is what is to be set. None: not looked at
  std::vector<std::string> switches = notification_switches();  ///< have to be "yes"
  bool operator==(const Wanted&) const = default;
};

/// A setting that is otherwise than wanted.
struct Difference {
  std::string name;
  std::string is, want;  ///< of a secret: the secret itself
  bool secret = false;
  bool operator==(const Difference&) const = default;

  std::string is_shown() const;    ///< without a secret; input
  std::string want_shown() const;  ///< without a secret
  bool is_switch() const;          ///< of notifications
};

/// In the order webhookUrl, webhookUrlToken, switches. A token is compared as it is sent (token_of). A switch that these settings don't
/// have isn't missed: each messenger has its own; but for those that every instance has (messages, statuses, state).
std::vector<Difference> differences(const Settings& settings, const Wanted& wanted);

/// What setSettings is to be told so that none of these is left: a JSON object.
std::string to_set(const std::vector<Difference>& differences);

}  // namespace hookfleet::greenapi
