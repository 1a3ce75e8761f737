#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/config/settings.hpp"
#include "common/lease/ownership.hpp"
#include "ingress/watch/options.hpp"

namespace hookfleet::poll {

/// An instance whose notifications are fetched, or that is watched, or both.
struct Instance {
  std::uint64_t id = 0;
  std::string api_url;  ///< empty: greenapi::default_api_url(id)
  config::Secret token;
  std::chrono::milliseconds receive_timeout{20'000};  ///< how long the service holds a request that finds nothing; whole seconds
  bool receive = true;                                ///< false: it is only watched; the service pushes, or somebody else fetches
  watch::Expected watched;
  bool operator==(const Instance&) const = default;
};
/// How the service is called for it.
greenapi::Account account_of(const Instance& instance);
/// What is to be watched of it; nothing: it isn't.
std::optional<watch::Instance> watched(const Instance& instance);

/// How long an instance rests after what went wrong.
struct Pauses {
  std::chrono::milliseconds retry_first{1'000};  ///< doubled with each failure in a row …
  std::chrono::milliseconds retry_max{60'000};   ///< … up to this; also for what only waiting cures
  std::chrono::milliseconds refused{300'000};    ///< for what only a person can cure
};

struct Options {
  std::vector<Instance> instances;
  watch::Options watch;
  Pauses pauses;
  std::size_t in_hand_bytes_max = 128UL << 20;  ///< of notifications that are read or fetched and not stored yet; further ones wait unread
  lease::Timers timers{.lease_ttl = std::chrono::milliseconds(15'000),
                       .renew = std::chrono::milliseconds(4'000),
                       .validity = std::chrono::milliseconds(12'000)};
};

/// For people: at most 20 ids, then how many more.
std::string names_of(const std::vector<std::uint64_t>& ids);

/// What new settings change, for people: "gone" names the instances that are neither fetched for nor watched any more.
struct Changes {
  std::string added, gone, changed;  ///< names_of()
};
Changes compare(const std::vector<Instance>& before, const std::vector<Instance>& now);

/// poller.*; poller.instances may change while a program runs.
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::poll
