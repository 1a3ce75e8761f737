#include "ingress/append/inbox.hpp"

#include <utility>

namespace hookfleet::append {

Inbox::Inbox(std::size_t entries_max, std::size_t bytes_max, base::Wakeup& wakeup)
    : entries_max_(entries_max), bytes_max_(bytes_max), wakeup_(wakeup) {}

std::optional<Overload> Inbox::put(Pending& pending) {
  bool wake = false;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return Overload::kStopping;
    if (memory_closed_) return Overload::kMemory;
    if (held_.entries >= entries_max_) return Overload::kQueue;
    if (held_.bytes + pending.bytes > bytes_max_ && held_.entries > 0) return Overload::kBytes;
    ++held_.entries;
    held_.bytes += pending.bytes;
    waiting_.push_back(std::move(pending));
    wake = waiting_.size() == wake_at_;
  }
  if (wake) wakeup_.signal();
  return std::nullopt;
}

void Inbox::close() {
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
  }
  wakeup_.signal();
}

Inbox::Taken Inbox::take(Fifo<Pending>& queue, Load answered) {
  base::MutexLock lock(mutex_);
  held_.entries -= answered.entries;
  held_.bytes -= answered.bytes;
  const std::size_t taken = waiting_.size();
  queue.append(waiting_);
  return {taken, held_, closed_};
}

bool Inbox::arm(std::size_t entries) {
  base::MutexLock lock(mutex_);
  wake_at_ = entries;
  return entries == 0 || waiting_.size() < entries;
}

void Inbox::set_memory_closed(bool closed) {
  base::MutexLock lock(mutex_);
  memory_closed_ = closed;
}

}  // namespace hookfleet::append
