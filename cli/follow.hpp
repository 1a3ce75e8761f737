#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet.hpp"
#include "cli/records.hpp"

namespace hookfleet::cli {

/// Reads what is added to a fleet's streams from the moment it is made. What a worker acknowledges before it is read is missed.
class Follower {
 public:
  /// For those who look at something else between two reads.
  static constexpr std::chrono::milliseconds kTurn{500};

  /// All partitions, or only this one; with `dead` their dead letters, too.
  Follower(Fleet& fleet, std::optional<unsigned> partition, bool dead);

  std::size_t streams() const { return followed_.size(); }
  /// Waits until something comes, at most `wait`, and calls `each` for it. After ConnectionLost and Fleet::reconnect() it goes on where it
  /// was.
  void read(std::chrono::milliseconds wait, const std::function<void(const Found&)>& each);

 private:
  struct Followed {
    unsigned partition;
    bool dead;
    std::string key;
    std::string last;  // the id behind which is read
  };
  Fleet& fleet_;
  std::vector<Followed> followed_;
};

}  // namespace hookfleet::cli
