// Stands in for read(2) in a test program: while slow_event_reads, 8-byte reads (event counters) come 300 µs late, which widens the gap in
// which Pistache's queue loses a wake-up. In a file of its own: <unistd.h> may define read() inline.
#include <dlfcn.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <ctime>

std::atomic<bool> slow_event_reads{false};

extern "C" ssize_t read(int fd, void* buffer, std::size_t size) {
  using Read = ssize_t (*)(int, void*, std::size_t);
  static const Read next = reinterpret_cast<Read>(::dlsym(RTLD_NEXT, "read"));  // a sanitizer's, where there is one
  if (size == 8 && slow_event_reads.load(std::memory_order_relaxed)) {
    const timespec pause{.tv_sec = 0, .tv_nsec = 300'000};
    ::nanosleep(&pause, nullptr);
  }
  return next(fd, buffer, size);
}
