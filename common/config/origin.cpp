#include "common/config/origin.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/descriptor.hpp"
#include "common/config/content.hpp"
#include "common/config/value.hpp"
#include "common/digest/digest.hpp"

namespace hookfleet::config {
namespace {

namespace fs = std::filesystem;

std::string digest_of(std::string_view bytes) { return std::string(digest::as_bytes(digest::sha256(bytes))); }

std::string unreadable(int error) { return "unreadable: " + std::generic_category().message(error); }

constexpr int kPipeWaitMs = 5000;

/// At most `bytes_max` bytes; the error number otherwise. A pipe may take kPipeWaitMs to give something: ETIMEDOUT after that.
tl::expected<std::string, int> read_up_to(int fd, std::size_t bytes_max) {
  std::string bytes;
  constexpr std::size_t kBlock = 64UL << 10;
  while (bytes.size() < bytes_max) {
    const std::size_t before = bytes.size();
    bytes.resize(std::min(before + kBlock, bytes_max));
    const ssize_t n = ::read(fd, bytes.data() + before, bytes.size() - before);
    if (n < 0 && errno == EINTR) {
      bytes.resize(before);
      continue;
    }
    if (n < 0 && errno == EAGAIN) {
      bytes.resize(before);
      pollfd readable{fd, POLLIN, 0};
      const int ready = ::poll(&readable, 1, kPipeWaitMs);
      if (ready == 0) return tl::unexpected(ETIMEDOUT);
      if (ready < 0 && errno != EINTR) return tl::unexpected(errno);
      continue;
    }
    if (n < 0) return tl::unexpected(errno);
    bytes.resize(before + static_cast<std::size_t>(n));
    if (n == 0) break;
  }
  return bytes;
}

std::string state_of_file(const std::string& path, std::size_t& files_left, unsigned levels_left);

std::string state_of_directory(const std::string& path, std::size_t& files_left, unsigned levels_left) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (std::string name = entry->path().filename(); !name.starts_with('.')) names.push_back(std::move(name));
  }
  if (error) return unreadable(error.value());
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) {
    if (files_left == 0) break;
    --files_left;
    all.append(name).append(1, '\0');
    all.append(state_of_file(std::string(path).append(1, '/').append(name), files_left, levels_left)).append(1, '\0');
  }
  return "directory " + digest_of(all);
}

/// `bytes`: of a file.
std::string state_of_bytes(std::string_view bytes, std::uint64_t size) {
  return std::to_string(size) + ' ' + digest_of(bytes.substr(0, kStateBytesMax));
}

std::string state_of_file(const std::string& path, std::size_t& files_left, unsigned levels_left) {
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return unreadable(errno);
  if (S_ISDIR(about.st_mode)) return levels_left == 0 ? "directory" : state_of_directory(path, files_left, levels_left - 1);
  if (!S_ISREG(about.st_mode)) return "no file";
  const auto bytes = read_up_to(file.get(), kStateBytesMax);
  if (!bytes) return unreadable(bytes.error());
  const auto size = static_cast<std::uint64_t>(about.st_size);
  return state_of_bytes(*bytes, bytes->size() < kStateBytesMax ? bytes->size() : size);
}

}  // namespace

std::string state_of(const std::string& path) {
  std::size_t files_left = kStateFilesMax;
  return state_of_file(path, files_left, 2);
}

Content read_content(const std::string& path, std::size_t bytes_max) {
  const auto failed = [](int error) { return Content{tl::unexpected(std::generic_category().message(error)), unreadable(error)}; };
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO without a writer would wait for one
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return failed(errno);
  if (S_ISDIR(about.st_mode)) return {tl::unexpected(std::generic_category().message(EISDIR)), state_of(path)};
  auto bytes = read_up_to(file.get(), std::max(bytes_max, kStateBytesMax) + 1);
  if (!bytes) return failed(bytes.error());
  const auto size = bytes->size() <= kStateBytesMax ? bytes->size() : static_cast<std::uint64_t>(about.st_size);
  std::string state = S_ISREG(about.st_mode) ? state_of_bytes(*bytes, size) : "no file";
  if (bytes->size() > bytes_max) return {tl::unexpected("is larger than " + format_bytes(bytes_max)), std::move(state)};
  return {*std::move(bytes), std::move(state)};
}

}  // namespace hookfleet::config
