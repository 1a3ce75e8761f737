#include "common/lease/settings.hpp"

#include <optional>

namespace hookfleet::lease {

using namespace std::chrono_literals;

void declare(config::Settings& settings, const std::string& section, const Wording& wording, Timers& timers) {
  const auto key = [&](const char* name) { return section + '.' + name; };
  const auto& [member, held, begins, drain] = wording;
  const std::string all = member.substr(member.find(' ') + 1) + 's';
  settings.duration(key("heartbeat"), timers.heartbeat, {100ms, 60s}, "How often " + member + " says that it lives");
  settings.duration(key("member_ttl"), timers.member_ttl, {300ms, 300s},
                    "After so long without a heartbeat " + member + " counts as gone; the same in all " + all);
  settings.duration(
      key("lease_ttl"), timers.lease_ttl, {300ms, 300s},
      "How long " + std::string(held.find_first_of("aeiou") == 0 ? "an " : "a ") + held + " stays with " + member + " that doesn't renew");
  settings.duration(key("lease_renew"), timers.renew, {50ms, 60s}, "How often " + member + " renews its " + held + 's');
  settings.duration(key("lease_validity"), timers.validity, {200ms, 300s},
                    "So long after a renewal was sent " + member + ' ' + begins + "; shorter than " + key("lease_ttl"));
  settings.duration(key("drain"), timers.drain, {0s, 600s}, drain);
  settings.rule(
      [&timers, section]() -> std::optional<std::string> {
        if (timers.renew * 2 <= timers.validity && timers.validity < timers.lease_ttl) return std::nullopt;
        return section + ".lease_renew must be at most half of " + section + ".lease_validity, and that below " + section + ".lease_ttl";
      },
      {key("lease_validity"), key("lease_renew"), key("lease_ttl")});
  settings.rule(
      [&timers, section]() -> std::optional<std::string> {
        if (timers.heartbeat * 2 <= timers.member_ttl) return std::nullopt;
        return section + ".heartbeat must be at most half of " + section + ".member_ttl";
      },
      {key("heartbeat"), key("member_ttl")});
}

}  // namespace hookfleet::lease
