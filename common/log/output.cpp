#include "common/log/output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace hookfleet::log {
namespace {

/// Writes all of `bytes` unless the file refuses; returns how many arrived, errno tells why not all.
std::size_t write_fully(int fd, std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      break;
    }
  }
  return written;
}

/// Bytes up to the last line end within the first `size` bytes.
std::size_t whole_lines(std::string_view lines, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t end = lines.rfind('\n', size - 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace

Output::Output(std::string file, std::size_t file_bytes_max, std::size_t files_max)
    : file_(std::move(file)), file_bytes_max_(file_bytes_max), files_max_(std::max<std::size_t>(files_max, 1)) {
  if (!file_.empty()) return;
  fd_ = STDOUT_FILENO;
  struct stat status {};
  slow_reader_ = ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode);
}

Output::~Output() { close(); }

std::size_t Output::write(std::string_view lines, const std::function<bool()>& give_up) {
  return file_.empty() ? write_stdout(lines, give_up) : write_file(lines);
}

std::size_t Output::write_stdout(std::string_view lines, const std::function<bool()>& give_up) {
  std::size_t written = 0;
  if (torn_ && !slow_reader_) torn_ = write_fully(fd_, "\n") != 1;
  while (written < lines.size()) {
    std::size_t chunk = lines.size() - written;
    if (slow_reader_) {
      // Writable means that PIPE_BUF bytes go in without blocking (pipe(7)), so that a reader that stands still cannot hold up the exit.
      pollfd writable{fd_, POLLOUT, 0};
      const int ready = ::poll(&writable, 1, 100);
      if (ready <= 0) {
        if ((ready < 0 && errno != EINTR) || give_up()) break;
        continue;
      }
      chunk = std::min<std::size_t>(chunk, PIPE_BUF);
    }
    const ssize_t n = ::write(fd_, lines.data() + written, chunk);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
      complain("stdout", errno);
      break;
    }
  }
  if (written == lines.size()) complained_ = false;
  const std::size_t arrived = whole_lines(lines, written);
  torn_ = torn_ || arrived != written;
  return arrived;
}

std::size_t Output::write_file(std::string_view lines) {
  follow();
  std::size_t written = 0;
  while (written < lines.size()) {
    if (fd_ < 0 && !open()) return written;
    std::string_view fitting = what_fits(lines.substr(written));
    if (fitting.empty()) {
      if (rotate()) continue;
      fitting = lines.substr(written);  // the folder refuses: better a file too long than records lost
    }
    const std::size_t n = write_fully(fd_, fitting);
    const int error = errno;
    size_ += n;
    if (n < fitting.size()) {
      const std::size_t arrived = whole_lines(fitting, n);
      if (arrived != n && ::ftruncate(fd_, static_cast<off_t>(size_ - (n - arrived))) == 0) size_ -= n - arrived;
      complain(file_.c_str(), error);
      return written + arrived;
    }
    complained_ = false;
    written += n;
  }
  return written;
}

/// The lines that fit into the open file; a single line longer than a whole file gets one of its own.
std::string_view Output::what_fits(std::string_view lines) const {
  const std::size_t room = file_bytes_max_ > size_ ? file_bytes_max_ - size_ : 0;
  if (lines.size() <= room) return lines;
  const std::size_t fitting = whole_lines(lines, room);
  if (fitting > 0 || size_ > 0) return lines.substr(0, fitting);
  return lines.substr(0, lines.find('\n') + 1);
}

bool Output::open() {
  std::error_code ignored;
  if (const auto folder = std::filesystem::path(file_).parent_path(); !folder.empty()) std::filesystem::create_directories(folder, ignored);
  fd_ = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  struct stat status {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) {
    complain(file_.c_str(), errno);
    return false;
  }
  size_ = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  return true;
}

void Output::close() {
  if (fd_ >= 0 && !file_.empty()) ::close(fd_);
  fd_ = -1;
}

/// Leaves a file that is no longer the one at our path (logrotate, rm, another process's rotation).
void Output::follow() {
  const auto now = std::chrono::steady_clock::now();
  if (fd_ < 0 || now - followed_ < std::chrono::seconds(1)) return;
  followed_ = now;
  struct stat ours {
  }, at_path{};
  if (::fstat(fd_, &ours) == 0 && ::stat(file_.c_str(), &at_path) == 0 && ours.st_ino == at_path.st_ino && ours.st_dev == at_path.st_dev) {
    size_ = static_cast<std::size_t>(std::max<off_t>(ours.st_size, 0));
    return;
  }
  close();
}

bool Output::rotate() {
  const auto name = [this](std::size_t index) { return index == 0 ? file_ : file_ + "." + std::to_string(index); };
  if (files_max_ == 1) {
    if (::unlink(file_.c_str()) != 0) {
      complain(file_.c_str(), errno);
      return false;
    }
  }
  for (std::size_t index = files_max_ - 1; index > 0; --index) {
    if (::rename(name(index - 1).c_str(), name(index).c_str()) != 0 && errno != ENOENT) {
      complain(file_.c_str(), errno);
      return false;
    }
  }
  close();
  return true;
}

void Output::complain(const char* what, int error) {
  if (std::exchange(complained_, true)) return;
  std::fprintf(stderr, "log: %s cannot be written (%s): records are dropped and counted until it can\n", what,
               std::generic_category().message(error).c_str());
}

}  // namespace hookfleet::log
