#include "common/lifecycle/healthcheck.hpp"

#include <cstdio>

#include "common/metrics/listener.hpp"

namespace hookfleet::lifecycle {

int healthcheck(const std::string& metrics_listen) {
  std::string detail;
  const bool ready = metrics::healthcheck(metrics_listen, "/readyz", detail);
  if (detail.empty() || detail.back() != '\n') detail += '\n';
  std::fputs(detail.c_str(), ready ? stdout : stderr);
  return ready ? 0 : 1;
}

}  // namespace hookfleet::lifecycle
