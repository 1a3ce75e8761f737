#pragma once

#include <vector>

#include "common/config/origin.hpp"

namespace hookfleet::lifecycle {

/// Notices that what settings were read from holds something else, by reading it again each time: no notification of the kernel sees links
/// set anew, files mounted one by one and network file systems alike, and a second file is found late by none.
/// Threads: one.
class OriginWatch {
 public:
  /// The settings were read, rightly or wrongly, and this is from where: what is there from now on is held against it.
  void read(std::vector<config::Origin> origins);
  /// True when an origin holds something else than it did, and held the same at the call before: nobody is writing it just now. To be
  /// called every second or so; true until the next read().
  bool changed();

 private:
  std::vector<config::Origin> read_;
  std::vector<config::Origin> before_;  ///< at the call before
};

}  // namespace hookfleet::lifecycle
