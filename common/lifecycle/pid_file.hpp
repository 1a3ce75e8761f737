#pragma once

#include <optional>
#include <string>

namespace hookfleet::lifecycle {

/// Holds the process's pid in a file while the process runs: written as a whole or not at all. The destructor removes it if it still holds
/// our pid (a successor may have written its own). An empty path does nothing.
class PidFile {
 public:
  explicit PidFile(std::string path);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  /// Why the file couldn't be written, naming the path; nothing when it was.
  const std::optional<std::string>& error() const { return error_; }

 private:
  std::string path_;
  std::optional<std::string> error_;
};

}  // namespace hookfleet::lifecycle
