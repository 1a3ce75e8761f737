#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet_settings.hpp"
#include "cli/verb.hpp"
#include "common/greenapi/account.hpp"
#include "common/greenapi/answer.hpp"
#include "common/web/client.hpp"

namespace hookfleet::cli {

/// How a verb is told the instance it speaks to GREEN-API for.
struct AccountOptions {
  std::string id, api_url, token_file;

  /// `id_option`: "--id"
  void declare(config::Arguments& arguments, const std::string& id_option, const std::string& id_help);
  /// What isn't given is that of poller.instances, where the instance is one of them. Throws Failed with kUsage for what is missing or
  /// wrong; never shows the token. `id_option` as declared.
  greenapi::Account account(const std::string& id_option, const FleetSettings& settings) const;
};

/// The item of poller.instances, or null.
const poll::Instance* poller_instance(const FleetSettings& settings, std::uint64_t id_instance);

/// The tokens that the fleet takes from this instance, most current first: its own, else those that hold for all.
std::vector<std::string> webhook_tokens_of(const FleetSettings& settings, std::uint64_t id_instance);

/// GREEN-API's calls for one instance, one after another. What may pass by itself (5xx, 429, no answer) is tried `tries_max` times, with
/// pauses that keep getSettings and setSettings below once a second. Ctrl-C (Console::catch_interrupts) ends a call with Failed.
/// Threads: one.
class Api {
 public:
  Api(Console& console, greenapi::Account account) : console_(console), account_(std::move(account)) {}

  const greenapi::Account& account() const { return account_; }
  /// "instance 1101000001 at https://1101.api.green-api.com:443"
  std::string name() const;
  greenapi::Decoded<greenapi::Settings> settings(unsigned tries_max = 3);
  greenapi::Decoded<void> set_settings(const std::string& json);
  greenapi::Decoded<std::string> state(unsigned tries_max = 3);
  greenapi::Decoded<std::uint64_t> count(unsigned tries_max = 3);

 private:
  template <class T>
  greenapi::Decoded<T> call(const web::Request& request, unsigned tries_max, greenapi::Decoded<T> (*decode)(const web::Result&));
  web::Result exchange(const web::Request& request);

  Console& console_;
  const greenapi::Account account_;
  web::Client client_;
};

/// What a failure comes to, with what to do, escaped: "getSettings: HTTP 403: …; compare …"
std::string failure_text(std::string_view call, const greenapi::Failure& failure);

}  // namespace hookfleet::cli
