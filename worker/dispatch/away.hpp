#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/clock.hpp"
#include "common/stream/entry.hpp"
#include "worker/handlers/async_handler.hpp"

namespace hookfleet::dispatch {

/// The blocked entries of a partition whose target is away, by target. Each waits for its own pause, which grows with the outage; but one
/// of them looks every kLookEvery, and when the target is found to be there the others needn't wait any more. Of an entry that an owner
/// before blocked nobody knows the target. Targets are compared, never called. Pure. Threads: one at a time.
class Away {
 public:
  static constexpr std::chrono::milliseconds kLookEvery{30'000};
  using Target = const handlers::AsyncHandler*;  ///< null: unknown
  struct Waiting {
    base::BootTime until;
    stream::StreamId stream_id;
    auto operator<=>(const Waiting&) const = default;
  };

  /// `pause`, or kLookEvery where that is shorter and no other entry looks at the target by then.
  std::chrono::milliseconds pause(Target target, std::chrono::milliseconds pause, base::BootTime now) const;
  void add(Target target, Waiting waiting);
  void remove(Target target, Waiting waiting);
  /// Takes the entry that would have to wait for longest: of those for the target, else of those whose target is unknown.
  std::optional<Waiting> take(Target target);
  /// The targets are others now: from here on nobody knows who waits for which.
  void forget_targets();
  void clear() { groups_.clear(); }

 private:
  struct Group {
    Target target;
    std::set<Waiting> waiting;  // never empty
  };
  std::vector<Group>::iterator find(Target target);

  std::vector<Group> groups_;
};

}  // namespace hookfleet::dispatch
