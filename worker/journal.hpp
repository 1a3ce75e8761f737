#pragma once

#include <cstddef>

#include "common/base/clock.hpp"
#include "common/log/logger.hpp"
#include "common/log/sampler.hpp"
#include "worker/core.hpp"
#include "worker/dispatch/handler_pool.hpp"
#include "worker/drift/sightings.hpp"
#include "worker/metrics.hpp"

namespace hookfleet::worker {

/// Tells what becomes of notifications, in logs and metrics. What records show of a notification is what log.payload says at that moment.
/// Errors come in floods (a sender's bug makes each notification a dead letter): of those alike the first few of a window are written, of
/// the rest `log.suppressed` tells the number; metrics count each.
/// Threads: one.
class Journal {
 public:
  /// The references outlive the journal. `identical_max`: log.identical_max.
  Journal(const log::Logger& log, std::size_t identical_max, const Metrics& metrics, const base::Clock& clock);

  /// One record an attempt: `notification`, or `notification.invalid` (ERROR) for what is no notification, or breaks its schema, and
  /// becomes a dead letter. What breaks its schema and is handled all the same has both, the latter once.
  void attempt(const dispatch::Record& record);
  /// `notification.unknown` (WARN): something that isn't described anywhere came for the first time in the fleet.
  void unknown(const drift::Claim& claim);
  /// `notification.refused` (ERROR): an acknowledgement that Redis refused.
  void refused(unsigned partition, const dispatch::Desk::Refusal& refusal);
  /// `handler.overdue` (WARN).
  void overdue(const dispatch::HandlerPool::Overdue& overdue);
  /// Tells of records that were not written. To be called about once a second.
  void tick();

 private:
  void count(const dispatch::Record& record);

  const log::Logger& log_;
  const Metrics& metrics_;
  const base::Clock& clock_;
  log::Sampler sampler_;
};

}  // namespace hookfleet::worker
