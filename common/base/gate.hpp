#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "common/base/mutex.hpp"

namespace hookfleet::base {

/// Lets work in until it is closed, and tells when all that came in has left: "refuse new, wait for the rest".
/// All members may be called from any thread. The gate outlives its passes.
class Gate {
 public:
  /// Held while a piece of work is inside; leaves when destroyed. Movable.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_(other.gate_) { other.gate_ = nullptr; }
    Pass& operator=(Pass&& other) noexcept;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { leave(); }

   private:
    friend class Gate;
    explicit Pass(Gate* gate) : gate_(gate) {}
    void leave() noexcept;
    Gate* gate_;
  };

  /// Nothing once close() was called.
  [[nodiscard]] std::optional<Pass> enter() HOOKFLEET_EXCLUDES(mutex_);
  void close() HOOKFLEET_EXCLUDES(mutex_);
  bool closed() const HOOKFLEET_EXCLUDES(mutex_);
  std::size_t inside() const HOOKFLEET_EXCLUDES(mutex_);
  /// True when nothing is inside; false when `timeout` passed first. Call after close().
  bool wait_empty(std::chrono::steady_clock::duration timeout) HOOKFLEET_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  CondVar emptied_;
  bool closed_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  std::size_t inside_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
};

}  // namespace hookfleet::base
