#include "common/lifecycle/settings.hpp"

#include "common/metrics/address.hpp"

namespace hookfleet::lifecycle {

void declare_metrics_listen(config::Settings& settings, std::string& address) {
  settings.text("server.metrics_listen", address, "Address and port of /metrics, /livez and /readyz; keep it off the public network",
                metrics::check_address);
}

}  // namespace hookfleet::lifecycle
