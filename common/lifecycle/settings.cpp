#include "common/lifecycle/settings.hpp"

#include <vector>

#include "common/metrics/address.hpp"

namespace hookfleet::lifecycle {

void declare_metrics_listen(config::Settings& settings, std::string& address) {
  settings.text("server.metrics_listen", address, "Address and port of /metrics, /livez and /readyz; keep it off the public network",
                metrics::check_address);
}

void declare_hang_timeout(config::Settings& settings, std::chrono::milliseconds& timeout) {
  using namespace std::chrono_literals;
  settings.duration("server.hang_timeout", timeout, {5s, 1h},
                    "A process whose event loop stands for so long ends itself (exit code 70), to be started again");
}

void log_settings(const log::Logger& log, const config::Settings& settings) {
  const auto effective = settings.effective();
  std::vector<log::Field> fields;
  fields.reserve(effective.size());
  for (const auto& [key, value] : effective) fields.emplace_back(key, value);
  log.write(log::Level::kInfo, "system.settings", "effective settings", fields);
  log_warnings(log, settings);
}

void log_warnings(const log::Logger& log, const config::Settings& settings) {
  for (const config::Problem& doubt : settings.warnings()) {
    log.warn("system.settings_doubtful", "a setting may be a mistake", {{"where", doubt.where}, {"reason", doubt.message}});
  }
}

}  // namespace hookfleet::lifecycle
