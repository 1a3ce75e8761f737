// Stands in for read(2) in a test program: 8-byte reads (event counters) of a chosen process phase come 300 µs late, which widens the gap
// in which Pistache's queue loses a wake-up. In a file of its own: <unistd.h> may define read() inline.
#include <sys/syscall.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <ctime>

extern "C" long syscall(long number, ...);

std::atomic<bool> slow_event_reads{false};

extern "C" ssize_t read(int fd, void* buffer, std::size_t size) {
  if (size == 8 && slow_event_reads.load(std::memory_order_relaxed)) {
    const timespec pause{.tv_sec = 0, .tv_nsec = 300'000};
    ::nanosleep(&pause, nullptr);
  }
  return static_cast<ssize_t>(::syscall(SYS_read, fd, buffer, size));
}
