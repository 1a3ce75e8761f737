#pragma once

namespace hookfleet::base {

/// A file descriptor that another thread can make readable: wakes a thread that waits in poll(2). eventfd underneath.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Makes fd() readable. Any thread; async-signal-safe.
  void signal() noexcept;
  /// Makes fd() unreadable again. The waiting thread only, before it looks at what it was woken for.
  void clear() noexcept;
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace hookfleet::base
