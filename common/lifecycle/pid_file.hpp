#pragma once

#include <optional>
#include <string>

namespace hookfleet::lifecycle {

/// Holds the process's pid in a file while the process runs; removed by the destructor. An empty path does nothing.
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
