#pragma once

#include <utility>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/base/mutex.hpp"

namespace hookfleet::support {

/// An operator that remembers what it was told. Any thread.
class Told final : public alert::Operator {
 public:
  void tell(alert::Alert alert) noexcept override {
    const base::MutexLock lock(mutex_);
    alerts_.push_back(std::move(alert));
  }
  std::vector<alert::Alert> alerts() const {
    const base::MutexLock lock(mutex_);
    return alerts_;
  }
  std::vector<alert::Alert> of(alert::Kind kind) const {
    std::vector<alert::Alert> some = alerts();
    std::erase_if(some, [kind](const alert::Alert& alert) { return alert.kind != kind; });
    return some;
  }

 private:
  mutable base::Mutex mutex_;
  std::vector<alert::Alert> alerts_ HOOKFLEET_GUARDED_BY(mutex_);
};

}  // namespace hookfleet::support
