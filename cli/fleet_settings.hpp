#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "common/config/programs.hpp"
#include "common/config/settings.hpp"
#include "ingress/config.hpp"
#include "worker/config.hpp"

namespace hookfleet::cli {

/// The settings of all programs of the fleet, which share one file.
class FleetSettings {
 public:
  FleetSettings();
  FleetSettings(const FleetSettings&) = delete;
  FleetSettings& operator=(const FleetSettings&) = delete;

  /// What any program finds wrong; what several find stands once. Called once.
  std::vector<config::Problem> load(const std::string& file, const std::map<std::string, std::string>& environment);

  /// What load() found, or the defaults where it found problems.
  const ingress::Config& ingress() const { return ingress_; }
  const worker::Config& worker() const { return worker_; }

  /// For what is said about all of them. Valid as long as this.
  std::vector<config::Program> programs() const;

 private:
  ingress::Config ingress_;
  worker::Config worker_;
  config::Settings ingress_settings_;
  config::Settings worker_settings_;
};

/// A worker lives whose heartbeat is younger: worker.member_ttl of the settings, or its default where they have problems.
std::chrono::milliseconds member_ttl(const std::string& file, const std::map<std::string, std::string>& environment);

}  // namespace hookfleet::cli
