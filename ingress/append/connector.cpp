#include "ingress/append/connector.hpp"

#include <utility>

#include "common/base/thread.hpp"

namespace hookfleet::append {

Connector::Connector(redis::Endpoint endpoint, redis::Timeouts timeouts, base::Wakeup& done)
    : endpoint_(std::move(endpoint)), timeouts_(timeouts), done_(done), thread_(base::start_thread("append-connect", [this] { run(); })) {}

Connector::~Connector() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_all();
}

void Connector::start() {
  {
    base::MutexLock lock(mutex_);
    wanted_ = true;
  }
  asked_.notify_all();
}

std::optional<Connector::Result> Connector::take() {
  base::MutexLock lock(mutex_);
  return std::exchange(result_, std::nullopt);
}

void Connector::run() {
  for (;;) {
    {
      base::MutexLock lock(mutex_);
      while (!wanted_ && !stopping_) asked_.wait(mutex_);
      if (stopping_) return;
      wanted_ = false;
    }
    auto result = redis::Connection::open(endpoint_, timeouts_);
    {
      base::MutexLock lock(mutex_);
      result_ = std::move(result);
    }
    done_.signal();
  }
}

}  // namespace hookfleet::append
