#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/base/clock.hpp"
#include "common/lifecycle/health.hpp"
#include "common/lifecycle/process.hpp"
#include "common/metrics/listener.hpp"
#include "common/metrics/registry.hpp"

namespace hookfleet::lifecycle {

/// What a program of the fleet shows of itself: its metrics, those of lifecycle among them, and whether it lives and is ready.
/// Threads: those of its members.
class Surface {
 public:
  /// `table`: all rows of the program. `process` and `clock` outlive the object.
  Surface(std::span<const metrics::Spec> table, const std::string& program, const Process& process, const base::Clock& clock);

  metrics::Registry& registry() { return registry_; }
  Health& health() { return health_; }

  /// Serves /metrics, /livez and /readyz on `address` from now on: what has to be ready should be named (Health::require) before. False,
  /// and an ERROR record, when it can't be.
  [[nodiscard]] bool serve(const std::string& address);

 private:
  const log::Logger& log_;
  metrics::Registry registry_;
  Health health_;
  // Last on purpose: it must stop before anything above is destroyed.
  std::unique_ptr<metrics::Listener> listener_;
};

}  // namespace hookfleet::lifecycle
