#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "common/base/mutex.hpp"

namespace Pistache::Tcp {
class Transport;
}

namespace hookfleet::http {

/// Works around Pistache 0.0.5's lost wake-up: its cross-thread queue may drain the event counter of a push that it hasn't taken, and the
/// answer then waits until something else is pushed (1 of 216,000 in a burst test). So when answers were handed over and none followed for
/// 5 ms, a write that the library ignores (to no socket) is pushed through the same queue; a few times, since a kick may be lost likewise.
/// Threads: after_send() any, through() the event thread; its own ("kick") sleeps while nothing is sent.
class Kick {
 public:
  Kick();
  ~Kick() { stop(); }
  Kick(const Kick&) = delete;
  Kick& operator=(const Kick&) = delete;

  /// The transport that answers go through: there is one event thread, hence one.
  void through(Pistache::Tcp::Transport* transport) noexcept { transport_.store(transport, std::memory_order_release); }
  void after_send() noexcept HOOKFLEET_EXCLUDES(mutex_);
  /// Before the transport goes. May be called twice.
  void stop() HOOKFLEET_EXCLUDES(mutex_);

 private:
  void run() HOOKFLEET_EXCLUDES(mutex_);
  void push() noexcept;

  std::atomic<Pistache::Tcp::Transport*> transport_{nullptr};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<bool> asleep_{false};
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace hookfleet::http
