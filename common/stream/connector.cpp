#include "common/stream/connector.hpp"

#include <random>
#include <utility>

#include "common/base/thread.hpp"
#include "common/stream/layout.hpp"

namespace hookfleet::stream {

using std::chrono::milliseconds;

Connector::Connector(redis::Endpoint endpoint, redis::Timeouts timeouts, stream::Layout layout, std::vector<const redis::Script*> scripts,
                     Callbacks callbacks)
    : endpoint_(std::move(endpoint)),
      timeouts_(timeouts),
      layout_(std::move(layout)),
      scripts_(std::move(scripts)),
      callbacks_(std::move(callbacks)),
      thread_(base::start_thread("redis-connect", [this] { run(); })) {}

Connector::~Connector() {
  base::MutexLock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void Connector::start() {
  base::MutexLock lock(mutex_);
  wanted_ = true;
  changed_.notify_all();
}

bool Connector::attempt() {
  auto connection = redis::Connection::open(endpoint_, timeouts_);
  if (!connection) {
    callbacks_.failed(connection.error().message);
    return false;
  }
  const auto check = stream::check_layout(*connection, layout_);
  if (check.verdict == stream::LayoutCheck::Verdict::kDifferent) {
    callbacks_.other_fleet(check.text);
    return true;
  }
  if (check.verdict == stream::LayoutCheck::Verdict::kUnknown) {
    callbacks_.failed(check.text);
    return false;
  }
  if (const auto loaded = redis::load(*connection, scripts_); !loaded) {
    callbacks_.failed(loaded.error());
    return false;
  }
  callbacks_.connected(*std::move(connection));
  return true;
}

void Connector::run() {
  std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<int> pause(100, 250);  // so that a fleet doesn't come back in step
  for (;;) {
    {
      base::MutexLock lock(mutex_);
      while (!wanted_ && !stopping_) changed_.wait(mutex_);
      if (stopping_) return;
    }
    const bool settled = attempt();
    base::MutexLock lock(mutex_);
    if (settled) {
      wanted_ = false;
    } else if (!stopping_) {
      changed_.wait_for(mutex_, milliseconds(pause(random)));
    }
  }
}

}  // namespace hookfleet::stream
