#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// clang checks these annotations (preset `clang`); gcc ignores them.
#if defined(__clang__)
#define HOOKFLEET_ANNOTATION(x) __attribute__((x))
#else
#define HOOKFLEET_ANNOTATION(x)
#endif
#define HOOKFLEET_GUARDED_BY(x) HOOKFLEET_ANNOTATION(guarded_by(x))
#define HOOKFLEET_REQUIRES(...) HOOKFLEET_ANNOTATION(requires_capability(__VA_ARGS__))
#define HOOKFLEET_EXCLUDES(...) HOOKFLEET_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace hookfleet::base {

/// std::mutex that clang's thread-safety analysis knows.
class HOOKFLEET_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() HOOKFLEET_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() HOOKFLEET_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class HOOKFLEET_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) HOOKFLEET_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() HOOKFLEET_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Condition variable for Mutex. Wait in an explicit loop: `while (!ready_) changed_.wait(mutex_);`
class CondVar {
 public:
  void wait(Mutex& mutex) HOOKFLEET_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  /// False when `timeout` passed first. Steady clock.
  bool wait_for(Mutex& mutex, std::chrono::steady_clock::duration timeout) HOOKFLEET_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool signalled = condition_.wait_until(lock, std::chrono::steady_clock::now() + timeout) == std::cv_status::no_timeout;
    lock.release();
    return signalled;
  }
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace hookfleet::base
