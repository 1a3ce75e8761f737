#include "common/lifecycle/pid_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>
#include <utility>

namespace hookfleet::lifecycle {

PidFile::PidFile(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  const std::string text = std::to_string(::getpid()) + "\n";
  // Written beside and renamed: whoever reads it never meets half a number.
  const std::string draft = path_ + "." + std::to_string(::getpid());
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int error = errno;
  if (fd >= 0) ::close(fd);
  if (written && ::rename(draft.c_str(), path_.c_str()) != 0) {
    written = false;
    error = errno;
  }
  if (written) return;
  error_ = "cannot write the pid file " + path_ + ": " + std::generic_category().message(error);
  if (fd >= 0) ::unlink(draft.c_str());
}

PidFile::~PidFile() {
  if (path_.empty() || error_) return;
  pid_t holder = 0;
  std::ifstream(path_) >> holder;
  if (holder == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace hookfleet::lifecycle
