#pragma once

#include <atomic>
#include <thread>

#include "common/base/mutex.hpp"

namespace Pistache::Tcp {
class Transport;
}

namespace hookfleet::http {

/// Works around Pistache 0.0.5's lost wake-up: its cross-thread queue may drain the event counter of a push that it hasn't taken, and an
/// answer then waits until something else is pushed (1 of 216,000 in a burst test). So a few ms after answers were handed over, a write
/// that the library ignores (to no socket) is pushed through the same queue.
/// Threads: after_send() any, through() the event thread; its own ("kick") sleeps while nothing is sent.
class Kick {
 public:
  Kick();
  ~Kick() { stop(); }
  Kick(const Kick&) = delete;
  Kick& operator=(const Kick&) = delete;

  /// The transport that answers go through: there is one event thread, hence one.
  void through(Pistache::Tcp::Transport* transport) noexcept { transport_.store(transport, std::memory_order_release); }
  void after_send() noexcept;
  /// Before the transport goes.
  void stop();

 private:
  void run();

  std::atomic<Pistache::Tcp::Transport*> transport_{nullptr};
  std::atomic<bool> sent_{false};
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace hookfleet::http
