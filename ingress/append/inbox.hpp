#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"
#include "common/stream/entry.hpp"
#include "ingress/append/fifo.hpp"
#include "ingress/append/metrics.hpp"
#include "ingress/append/outcome.hpp"

namespace hookfleet::append {

/// An entry on its way to its outcome.
struct Pending {
  stream::Entry entry;
  base::BootTime deadline;
  std::function<void(Outcome)> done;  ///< empty once it has been called
  unsigned partition = 0;
  unsigned appends = 0;  ///< that may have stored it: those without an answer, and the one in flight
  std::size_t bytes = 0;
  std::uint64_t sent_end = 0;   ///< where its last append ends in what was written to the connection
  base::BootTime not_before{};  ///< when it may be appended again
};

/// Where entries wait for the writer, and the bound on all that are unanswered. put() from any thread, the rest by the writer or close().
class Inbox {
 public:
  Inbox(std::size_t entries_max, std::size_t bytes_max, base::Wakeup& wakeup);

  /// Moves `pending` in, or says why not and leaves it as it is.
  std::optional<Overload> put(Pending& pending) HOOKFLEET_EXCLUDES(mutex_);
  /// Nothing is taken any more; wakes the writer.
  void close() HOOKFLEET_EXCLUDES(mutex_);

  struct Load {
    std::size_t entries = 0;
    std::size_t bytes = 0;
  };
  struct Taken {
    std::size_t entries;  ///< new ones, at the back of the queue
    Load held;            ///< unanswered
    bool closed;
  };
  /// Moves what waits to the back of `queue` and lets go of what has been answered since.
  Taken take(Fifo<Pending>& queue, Load answered) HOOKFLEET_EXCLUDES(mutex_);
  /// Before the writer sleeps: the put() with which `entries` wait signals the wakeup; 0: none does, so that put() costs no system call
  /// while nothing could be sent. False: that many wait already.
  bool arm(std::size_t entries) HOOKFLEET_EXCLUDES(mutex_);
  /// While closed by memory, put() refuses.
  void set_memory_closed(bool closed) HOOKFLEET_EXCLUDES(mutex_);

 private:
  const std::size_t entries_max_, bytes_max_;
  base::Wakeup& wakeup_;
  base::Mutex mutex_;
  std::vector<Pending> waiting_ HOOKFLEET_GUARDED_BY(mutex_);
  Load held_ HOOKFLEET_GUARDED_BY(mutex_);
  std::size_t wake_at_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  bool memory_closed_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  bool closed_ HOOKFLEET_GUARDED_BY(mutex_) = false;
};

}  // namespace hookfleet::append
