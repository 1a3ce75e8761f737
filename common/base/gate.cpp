#include "common/base/gate.hpp"

#include <utility>

namespace hookfleet::base {

Gate::Pass& Gate::Pass::operator=(Pass&& other) noexcept {
  if (this != &other) {
    leave();
    gate_ = std::exchange(other.gate_, nullptr);
  }
  return *this;
}

void Gate::Pass::leave() noexcept {
  if (gate_ == nullptr) return;
  Gate& gate = *std::exchange(gate_, nullptr);
  const MutexLock lock(gate.mutex_);
  // Notified under the lock: the waiter may destroy the gate as soon as it sees it empty.
  if (--gate.inside_ == 0) gate.emptied_.notify_all();
}

std::optional<Gate::Pass> Gate::enter() {
  const MutexLock lock(mutex_);
  if (closed_) return std::nullopt;
  ++inside_;
  return Pass(this);
}

void Gate::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
}

bool Gate::closed() const {
  const MutexLock lock(mutex_);
  return closed_;
}

std::size_t Gate::inside() const {
  const MutexLock lock(mutex_);
  return inside_;
}

bool Gate::wait_empty(std::chrono::steady_clock::duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const MutexLock lock(mutex_);
  while (inside_ > 0) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) return false;
    emptied_.wait_for(mutex_, left);
  }
  return true;
}

}  // namespace hookfleet::base
