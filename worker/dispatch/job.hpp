#pragma once

#include <chrono>
#include <memory>

#include "common/base/clock.hpp"
#include "common/stream/entry.hpp"
#include "worker/dispatch/arrival.hpp"
#include "worker/handlers/handler.hpp"
#include "worker/routes/routes.hpp"

namespace hookfleet::dispatch {

/// An action to be run on a notification.
struct Job {
  unsigned partition = 0;
  unsigned long tenure = 0;  ///< serial number
  stream::StreamId stream_id{};
  std::shared_ptr<const Content> content;
  std::shared_ptr<const routes::Routes> routes;  ///< keeps `action`
  const routes::Action* action = nullptr;
  base::BootTime valid_until{};  ///< it does not start later: the lease may be another's by then
};

/// What became of a job.
struct Completion {
  Job job;
  bool started = false;
  handlers::Handled handled;  ///< when started
  std::chrono::nanoseconds duration{};
};

}  // namespace hookfleet::dispatch
