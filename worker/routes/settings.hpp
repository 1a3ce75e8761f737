#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/config/settings.hpp"
#include "worker/forward/options.hpp"

namespace hookfleet::routes {

inline constexpr std::size_t kActionsMax = 32;  ///< of one route

/// What notifications a route takes: those that fit every list. An empty list fits all.
struct Criteria {
  std::vector<std::string> type_webhook{};
  std::vector<std::string> type_message{};
  std::vector<std::string> id_instance{};  ///< decimal
  std::vector<std::string> chat{};         ///< names of notification::ChatKind; a notification without a chat fits none
  std::vector<std::string> status{};
  bool operator==(const Criteria&) const = default;
};

/// Republish on a Redis stream, for consumers in other languages.
struct StreamOptions {
  std::string key;
  std::size_t maxlen = 0;  ///< entries that Redis keeps at least; what is older goes, read or not
};

/// One thing to do, as the settings name it. Exactly one member says what.
struct ActionOptions {
  bool log = false;
  bool ignore = false;
  std::string handler{};
  std::optional<StreamOptions> stream{};
  std::optional<forward::Options> forward{};
};

struct RouteOptions {
  bool shipped = false;  ///< stands for the shipped routes; then the rest means nothing
  Criteria match{};
  std::vector<ActionOptions> actions{};
};

struct Options {
  std::vector<RouteOptions> routes{RouteOptions{.shipped = true}};  ///< the first that takes a notification decides
};

/// The section `routes`. `handlers`: names that `handler` may give. `prefix`: redis.prefix; declare it before, and keep it as long as the
/// settings: streams of ours are no targets.
void declare(config::Settings& settings, Options& options, std::vector<std::string> handlers, const std::string& prefix);

}  // namespace hookfleet::routes
