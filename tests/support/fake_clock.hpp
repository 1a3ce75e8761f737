#pragma once

#include <chrono>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"

namespace hookfleet::support {

/// A clock that stands until the test moves it. Any thread.
class FakeClock final : public base::Clock {
 public:
  explicit FakeClock(base::WallTime wall = base::from_unix_ms(1'750'000'000'000),
                     base::BootTime now = base::BootTime(std::chrono::hours(1)))
      : now_(now), wall_(wall) {}

  base::BootTime now() const override {
    base::MutexLock lock(mutex_);
    return now_;
  }
  base::WallTime wall() const override {
    base::MutexLock lock(mutex_);
    return wall_;
  }
  /// Both times go on.
  void advance(std::chrono::nanoseconds by) {
    base::MutexLock lock(mutex_);
    now_ += by;
    wall_ += std::chrono::duration_cast<base::WallTime::duration>(by);
  }
  /// Only the wall clock jumps.
  void set_wall(base::WallTime wall) {
    base::MutexLock lock(mutex_);
    wall_ = wall;
  }

 private:
  mutable base::Mutex mutex_;
  base::BootTime now_ HOOKFLEET_GUARDED_BY(mutex_);
  base::WallTime wall_ HOOKFLEET_GUARDED_BY(mutex_);
};

}  // namespace hookfleet::support
