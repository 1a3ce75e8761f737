#include "cli/fleet_settings.hpp"

#include <algorithm>
#include <utility>

#include "common/config/value.hpp"
#include "worker/routes/table.hpp"

namespace hookfleet::cli {

void declare_handlers(config::Arguments& arguments, std::string& handlers) {
  arguments.option("--handlers", handlers, "NAMES", "Handlers of your own worker program beside the shipped ones, by comma");
}

std::vector<std::string> known_handlers(const std::string& handlers) {
  std::vector<std::string> names = routes::shipped_handlers();
  for (std::string& name : config::split(handlers, ',')) {
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

FleetSettings::FleetSettings(std::vector<std::string> handlers) {
  ingress::declare(ingress_settings_, ingress_);
  poll::declare(poller_settings_, poller_);
  worker::declare(worker_settings_, worker_, std::move(handlers));
}

std::vector<config::Problem> FleetSettings::load(const std::string& file, const std::map<std::string, std::string>& environment) {
  std::vector<config::Problem> problems = ingress_settings_.load(file, environment, {});
  for (config::Settings* settings : {&poller_settings_, &worker_settings_}) {
    for (config::Problem& problem : settings->load(file, environment, {})) {
      if (std::find(problems.begin(), problems.end(), problem) == problems.end()) problems.push_back(std::move(problem));
    }
  }
  return problems;
}

std::vector<config::Program> FleetSettings::programs() const {
  return {{"ingress", &ingress_settings_}, {"poller", &poller_settings_}, {"worker", &worker_settings_}};
}

std::chrono::milliseconds member_ttl(const std::string& file, const std::map<std::string, std::string>& environment) {
  FleetSettings settings;
  settings.load(file, environment);
  return settings.worker().worker.timers.member_ttl;
}

}  // namespace hookfleet::cli
