// Preloaded into redis-server: a disk that is slow or full for as long as a file says so. HOOKFLEET_FAULTY_DISK=PREFIX; PREFIX.slow_ms
// holds how many ms each fsync takes, PREFIX.full makes writes to files that are appended to fail.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

const char* prefix() {
  static const char* const value = std::getenv("HOOKFLEET_FAULTY_DISK");
  return value != nullptr ? value : "/nonexistent";
}

void delay() {
  static const std::string name = std::string(prefix()) + ".slow_ms";
  std::FILE* file = std::fopen(name.c_str(), "re");
  if (file == nullptr) return;
  long ms = 0;
  if (std::fscanf(file, "%ld", &ms) != 1) ms = 0;
  std::fclose(file);
  const timespec pause{ms / 1000, ms % 1000 * 1'000'000};
  ::nanosleep(&pause, nullptr);
}

bool full(int fd) {
  static const std::string name = std::string(prefix()) + ".full";
  struct stat what {};
  return ::access(name.c_str(), F_OK) == 0 && (::fcntl(fd, F_GETFL) & O_APPEND) != 0 && ::fstat(fd, &what) == 0 && S_ISREG(what.st_mode);
}

}  // namespace

extern "C" {

int fsync(int fd) {
  delay();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int fdatasync(int fd) {
  delay();
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return ::syscall(SYS_write, fd, bytes, size);
}
}
