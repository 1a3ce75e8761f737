#pragma once

#include <string>

#include "common/base/clock.hpp"
#include "common/log/logger.hpp"
#include "worker/core.hpp"
#include "worker/metrics.hpp"

namespace hookfleet::worker {

/// Tells what becomes of notifications, in logs and metrics.
/// Threads: one.
class Journal {
 public:
  /// The references outlive the journal.
  Journal(const log::Logger& log, log::Payload payload, const Metrics& metrics, const base::Clock& clock);

  /// One `"event":"notification"` an attempt; with it `notification.invalid` (ERROR) for what is no notification, and
  /// `notification.unknown` (WARN) for a type that isn't documented.
  void attempt(const dispatch::Record& record);
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

/// "2025-06-15T12:34:56.123Z"
std::string rfc3339(base::WallTime time);

}  // namespace hookfleet::worker
