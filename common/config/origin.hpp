#pragma once

#include <cstddef>
#include <string>

namespace hookfleet::config {

/// A file or directory that a part of the settings was read from, and what it held then.
struct Origin {
  std::string path;
  std::string state;  ///< as state_of()
  bool operator==(const Origin&) const = default;
};

/// A text that differs when what `path` holds differs: the bytes of a file, the names and bytes of the files of a directory and of the
/// directories in it (hidden ones are left out), or why it can't be read. Links are followed, so a link set anew counts; times and inodes
/// don't, so the same content written again is the same. What is neither file nor directory (a pipe) can't be read twice: always the same.
/// Limits: of a file its size and its first kStateBytesMax, of a directory its first kStateFilesMax files. Never throws, never blocks on a
/// pipe.
std::string state_of(const std::string& path);
inline constexpr std::size_t kStateBytesMax = 1UL << 20;
inline constexpr std::size_t kStateFilesMax = 1000;

}  // namespace hookfleet::config
