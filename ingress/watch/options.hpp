#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/config/settings.hpp"
#include "common/greenapi/account.hpp"
#include "common/greenapi/wanted.hpp"

/// Asks GREEN-API about instances, gently, and tells the operator what isn't as it should be.
namespace hookfleet::watch {

/// What an item of poller.instances says about watching.
struct Expected {
  bool watch = false;
  std::string webhook_url;                                                ///< what webhookUrl has to be; empty: see instance_of()
  std::vector<config::Secret> webhook_tokens;                             ///< any of them is right; none: not looked at
  std::vector<std::string> switches = greenapi::notification_switches();  ///< have to be on, where the instance has them
  bool operator==(const Expected&) const = default;
};
/// watch, webhook_url, webhook_tokens, switches: within an item of poller.instances.
void declare(config::Settings& item, Expected& expected);

/// An instance that is watched.
struct Instance {
  greenapi::Account account;
  greenapi::Wanted wanted;
  bool fetched = false;  ///< somebody fetches its notifications, and tells when the service refuses that
  bool operator==(const Instance&) const = default;
};
/// `fetched`: webhookUrl has to be empty unless `expected` names one. Otherwise it isn't looked at unless it names one.
Instance instance_of(greenapi::Account account, const Expected& expected, bool fetched);

struct Options {
  std::chrono::milliseconds count_every{30'000};      ///< getWebhooksCount: the service counts every 10 s
  std::chrono::milliseconds state_every{60'000};      ///< getStateInstance
  std::chrono::milliseconds settings_every{300'000};  ///< getSettings: once a second at most
  std::uint64_t queue_alert = 1000;                   ///< so many that wait and don't get fewer are told
};
/// poller.watch.*
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::watch
