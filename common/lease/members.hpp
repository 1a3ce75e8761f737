#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/lease/lease.hpp"

namespace hookfleet::lease {

/// Which processes live: a sorted set of members by their last heartbeat (ms of Redis' clock). We always count as live ourselves; a
/// heartbeat that fails changes nothing. A member whose heartbeat stood still for a whole TTL of our own clock counts as gone and is
/// removed with our next heartbeat, also when Redis' clock stepped back.
/// Threads: one.
class Members {
 public:
  /// `key`: the sorted set; `self`: unique per process start.
  Members(std::string key, std::string self, std::chrono::milliseconds ttl);

  /// Says that we live and asks who else does.
  void heartbeat(redis::Command& command, const Scripts& scripts) const;
  /// Takes in the reply. True when live() changed.
  tl::expected<bool, redis::ReplyError> observe(redis::ReplyView reply, base::BootTime now);
  /// Says that we leave: a plain ZREM.
  void leave(redis::Command& command) const;

  /// Sorted; never empty.
  const std::vector<std::string>& live() const { return live_; }
  const std::string& self() const { return self_; }

 private:
  struct Seen {
    std::string score;
    base::BootTime since;
    bool gone = false;
  };
  std::string key_, self_;
  std::chrono::milliseconds ttl_;
  std::map<std::string, Seen> seen_;
  std::vector<std::string> live_;
};

}  // namespace hookfleet::lease
