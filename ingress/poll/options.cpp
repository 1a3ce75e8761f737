#include "ingress/poll/options.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "common/base/listing.hpp"
#include "common/greenapi/account.hpp"
#include "common/greenapi/request.hpp"
#include "common/lease/settings.hpp"

namespace hookfleet::poll {
namespace {

using namespace std::chrono_literals;

void declare_instance(config::Settings& item, Instance& instance) {
  constexpr std::uint64_t kIdMax = INT64_MAX;
  item.count("id", instance.id, {1, kIdMax}, "idInstance");
  item.required("id");
  item.text("api_url", instance.api_url, "apiUrl as the console shows it; without one it is told from the id", greenapi::check_api_url);
  item.secret("token", instance.token, "apiTokenInstance", greenapi::check_api_token);
  item.duration("receive_timeout", instance.receive_timeout, {greenapi::kReceiveTimeoutMin, greenapi::kReceiveTimeoutMax},
                "How long the service holds a request that finds nothing, in whole seconds");
  item.flag("receive", instance.receive, "Fetch its notifications; false: it is only watched, for instances that push");
  watch::declare(item, instance.watched);
}

}  // namespace

greenapi::Account account_of(const Instance& instance) {
  return {.id_instance = instance.id,
          .api_url = instance.api_url.empty() ? greenapi::default_api_url(instance.id) : instance.api_url,
          .token = instance.token.reveal()};
}

std::optional<watch::Instance> watched(const Instance& instance) {
  if (!instance.watched.watch) return std::nullopt;
  return watch::instance_of(account_of(instance), instance.watched, instance.receive);
}

std::string names_of(const std::vector<std::uint64_t>& ids) {
  constexpr std::size_t kNamedMax = 20;
  std::vector<std::string> names;
  names.reserve(ids.size());
  for (const std::uint64_t id : ids) names.push_back(std::to_string(id));
  return base::listed(names, kNamedMax);
}

Changes compare(const std::vector<Instance>& before, const std::vector<Instance>& now) {
  std::map<std::uint64_t, std::pair<const Instance*, const Instance*>> both;
  for (const Instance& instance : before) both[instance.id].first = &instance;
  for (const Instance& instance : now) both[instance.id].second = &instance;
  std::vector<std::uint64_t> added, gone, changed;
  for (const auto& [id, versions] : both) {
    const auto& [old, fresh] = versions;
    if (old == nullptr) {
      added.push_back(id);
    } else if (fresh == nullptr) {
      gone.push_back(id);
    } else if (!(*old == *fresh)) {
      changed.push_back(id);
    }
  }
  return {.added = names_of(added), .gone = names_of(gone), .changed = names_of(changed)};
}

void declare(config::Settings& settings, Options& options) {
  settings.list("poller.instances", options.instances, declare_instance,
                "Instances whose notifications are fetched by HTTP API, which needs an empty webhookUrl, and those that are watched");
  settings.duration("poller.retry_first", options.pauses.retry_first, {10ms, 60s},
                    "Pause after a failed request, doubled with each further one");
  settings.duration("poller.retry_max", options.pauses.retry_max, {100ms, 1h},
                    "Longest such pause; also that of an instance that is starting, or whose webhookUrl is set");
  settings.duration("poller.refused_pause", options.pauses.refused, {100ms, 24h},
                    "Pause of an instance that only a person can help: token refused, quota used up. New settings end it");
  settings.bytes("poller.in_hand_bytes_max", options.in_hand_bytes_max, {8UL << 20, 64UL << 30},
                 "Bytes of notifications that one poller may hold while it reads and stores them; further ones wait at the service");
  watch::declare(settings, options.watch);
  lease::declare(settings, "poller",
                 {.member = "a poller",
                  .held = "instance",
                  .begins = "asks for notifications",
                  .drain = "How long notifications in hand may take to be stored and deleted on SIGTERM; below the grace period"},
                 options.timers);
  settings.rule(
      [&options]() -> std::optional<std::string> {
        std::set<std::uint64_t> ids;
        for (const Instance& instance : options.instances) {
          const std::string id = std::to_string(instance.id);
          if (!ids.insert(instance.id).second) return "poller.instances names " + id + " twice: one poller asks for an instance";
          if (instance.token.empty()) return "poller.instances: " + id + " has no token: give it token or token_file";
          if (!instance.receive && !instance.watched.watch) {
            return "poller.instances: " + id + " is neither fetched for (receive) nor watched (watch): say one of them, or leave it out";
          }
          if (instance.receive && !instance.watched.webhook_url.empty()) {
            return "poller.instances: " + id + " has a webhook_url, but with one it can't be fetched for: receive must be false";
          }
          if (instance.receive_timeout % 1s != 0ms) return "poller.instances: receive_timeout of " + id + " is not in whole seconds";
        }
        return std::nullopt;
      },
      {"poller.instances"});
  settings.rule(
      [&options]() -> std::optional<std::string> {
        if (options.pauses.retry_first <= options.pauses.retry_max) return std::nullopt;
        return "poller.retry_first must not be above poller.retry_max";
      },
      {"poller.retry_first", "poller.retry_max"});
  settings.reloads({"poller.instances"});
}

}  // namespace hookfleet::poll
