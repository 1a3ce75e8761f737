#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "common/config/arguments.hpp"
#include "common/config/programs.hpp"
#include "common/config/settings.hpp"
#include "ingress/config.hpp"
#include "ingress/poll/config.hpp"
#include "worker/config.hpp"

namespace hookfleet::cli {

/// --handlers NAMES: of a worker program of the user's, by comma, beside the shipped ones.
void declare_handlers(config::Arguments& arguments, std::string& handlers);
/// The shipped ones and those.
std::vector<std::string> known_handlers(const std::string& handlers = {});

/// The settings of all programs of the fleet, which share one file.
class FleetSettings {
 public:
  /// `handlers`: the names that routes may give.
  explicit FleetSettings(std::vector<std::string> handlers = known_handlers());
  FleetSettings(const FleetSettings&) = delete;
  FleetSettings& operator=(const FleetSettings&) = delete;

  /// What any program finds wrong; what several find stands once. Called once.
  std::vector<config::Problem> load(const std::string& file, const std::map<std::string, std::string>& environment);

  /// What load() found, or the defaults where it found problems.
  const ingress::Config& ingress() const { return ingress_; }
  const poll::Config& poller() const { return poller_; }
  const worker::Config& worker() const { return worker_; }

  /// What may be a mistake in the settings that load() found.
  const std::vector<config::Problem>& warnings() const { return worker_settings_.warnings(); }

  /// For what is said about all of them. Valid as long as this.
  std::vector<config::Program> programs() const;

 private:
  ingress::Config ingress_;
  poll::Config poller_;
  worker::Config worker_;
  config::Settings ingress_settings_;
  config::Settings poller_settings_;
  config::Settings worker_settings_;
};

/// A worker lives whose heartbeat is younger: worker.member_ttl of the settings, or its default where they have problems.
std::chrono::milliseconds member_ttl(const std::string& file, const std::map<std::string, std::string>& environment);

}  // namespace hookfleet::cli
