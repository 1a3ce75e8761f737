#include "ingress/http/kick.hpp"

#include <pistache/stream.h>
#include <pistache/transport.h>

#include "common/base/thread.hpp"

namespace hookfleet::http {
namespace {
constexpr std::chrono::milliseconds kDelay{5};
}

Kick::Kick() {
  thread_ = base::start_thread("kick", [this] { run(); });
}

void Kick::after_send() noexcept {
  if (sent_.exchange(true, std::memory_order_acq_rel)) return;  // a kick is due already
  const base::MutexLock lock(mutex_);
  changed_.notify_one();
}

void Kick::stop() {
  {
    const base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Kick::run() {
  const base::MutexLock lock(mutex_);
  while (!stopping_) {
    if (!sent_.load(std::memory_order_acquire)) {
      changed_.wait(mutex_);
      continue;
    }
    // What is handed over while we sleep is covered by this kick; what comes behind the exchange asks for the next.
    changed_.wait_for(mutex_, kDelay);
    sent_.exchange(false, std::memory_order_acq_rel);
    if (auto* const transport = transport_.load(std::memory_order_acquire); transport != nullptr && !stopping_) {
      transport->asyncWrite(-1, Pistache::RawBuffer("x", 1));
    }
  }
}

}  // namespace hookfleet::http
