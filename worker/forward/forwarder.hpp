#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/log/logger.hpp"
#include "common/metrics/registry.hpp"
#include "common/web/client.hpp"
#include "worker/forward/options.hpp"
#include "worker/forward/target.hpp"

namespace hookfleet::forward {

/// The targets of a process and the one client that serves them.
/// Threads: one. The references outlive the object; the targets must not be started any more once it is gone.
class Forwarder {
 public:
  /// The registry has forward::kTable.
  Forwarder(metrics::Registry& registry, const log::Logger& log, const base::Clock& clock);

  /// The target of an action. While somebody has one of this name with equal options it is the same one, with its breaker and its places:
  /// so that reading the settings again changes nothing for what has not changed. `name` is the label of its metrics; targets of one name
  /// that differ share its series.
  std::shared_ptr<Target> target(const std::string& name, const Options& options);

 private:
  metrics::Registry& registry_;
  const log::Logger& log_;
  const base::Clock& clock_;
  std::vector<std::weak_ptr<Target>> targets_;  // that there are, and perhaps some that aren't any more
  web::Client client_;                          // last: its callbacks need the above
};

}  // namespace hookfleet::forward
