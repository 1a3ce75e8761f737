#pragma once

#include <string>

#include "common/base/clock.hpp"
#include "common/log/logger.hpp"
#include "worker/core.hpp"
#include "worker/drift/sightings.hpp"
#include "worker/metrics.hpp"

namespace hookfleet::worker {

/// Tells what becomes of notifications, in logs and metrics.
/// Threads: one.
class Journal {
 public:
  /// The references outlive the journal.
  Journal(const log::Logger& log, log::Payload payload, const Metrics& metrics, const base::Clock& clock);

  /// One `"event":"notification"` an attempt; with the first of them `notification.invalid` (ERROR) for what is no notification, or breaks
  /// its schema.
  void attempt(const dispatch::Record& record);
  /// `notification.unknown` (WARN): something that isn't described anywhere came for the first time in the fleet.
  void unknown(const drift::Claim& claim);
  /// `notification.refused` (ERROR): an acknowledgement that Redis refused.
  void refused(unsigned partition, const dispatch::Desk::Refusal& refusal);
  /// `handler.overdue` (WARN).
  void overdue(const dispatch::HandlerPool::Overdue& overdue);

 private:
  const log::Logger& log_;
  const log::Payload payload_;
  const Metrics& metrics_;
  const base::Clock& clock_;
};

}  // namespace hookfleet::worker
