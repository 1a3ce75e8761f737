#include "common/lifecycle/surface.hpp"

#include <utility>

#include "common/lifecycle/metrics.hpp"

namespace hookfleet::lifecycle {

Surface::Surface(std::span<const metrics::Spec> table, const std::string& program, const Process& process, const base::Clock& clock)
    : log_(process.log()), registry_(table, program), health_(clock) {
  export_log(registry_, log_);
  export_reloads(registry_, process);
}

bool Surface::serve(const std::string& address) {
  auto listener = metrics::Listener::start(address, registry_, {[this] { return health_.livez(); }, [this] { return health_.readyz(); }});
  if (!listener) {
    log_.error("system.failed", "cannot serve metrics", {{"error", listener.error()}});
    return false;
  }
  listener_ = *std::move(listener);
  return true;
}

}  // namespace hookfleet::lifecycle
