#include "common/lifecycle/healthcheck.hpp"

#include <cstdio>

#include "common/metrics/address.hpp"
#include "common/metrics/listener.hpp"

namespace hookfleet::lifecycle {

void declare_metrics_listen(config::Settings& settings, std::string& address) {
  settings.text("server.metrics_listen", address, "Address and port of /metrics, /livez and /readyz; keep it off the public network",
                metrics::check_address);
}

int healthcheck(const std::string& metrics_listen) {
  std::string detail;
  const bool ready = metrics::healthcheck(metrics_listen, "/readyz", detail);
  if (detail.empty() || detail.back() != '\n') detail += '\n';
  std::fputs(detail.c_str(), ready ? stdout : stderr);
  return ready ? 0 : 1;
}

}  // namespace hookfleet::lifecycle
