#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

#include "common/base/clock.hpp"
#include "common/stream/entry.hpp"

namespace hookfleet::dispatch {

/// What of a partition stays in Redis for now, since it waits for its next attempt and memory is full: which lanes take nothing more, and
/// from where the stream has to be read again. Pure; one thread.
///
/// A lane takes nothing from the moment that it overflows until the rescan that begins below everything that was left out: so its order
/// holds. Lanes are remembered by a hash of their key: of two with the same one, the other only waits for the rescan, too.
class Overflow {
 public:
  static constexpr std::chrono::seconds kRescanEvery{5};
  static constexpr std::chrono::minutes kRescanPauseMax{5};

  bool contains(const std::string& lane_key) const { return !lanes_.empty() && lanes_.contains(hash(lane_key)); }
  void add(const std::string& lane_key) { lanes_.insert(hash(lane_key)); }
  std::size_t lanes() const { return lanes_.size(); }

  /// This entry was not taken, or is no longer in memory.
  void leave_out(stream::StreamId id) { left_out_ = left_out_ ? std::min(*left_out_, id) : id; }
  /// True when the entry may have been left out.
  bool accounts_for(stream::StreamId id) const { return left_out_ && id >= *left_out_; }

  struct Situation {
    stream::StreamId cursor{};
    bool full = false;    ///< memory still is: then rescans take no more than a tenth of the time, or kRescanPauseMax lies between them
    bool halted = false;  ///< nothing is read here before the next rescan: one under way ends
    bool busy = false;    ///< something would be taken for known, or join its lane before what was left out: no rescan now
  };
  /// Where to read on, when a rescan is due: kRescanEvery after the one before, if anything was left out. Then all lanes may take again.
  std::optional<stream::StreamId> rescan(const Situation& situation, base::BootTime now);
  /// Nothing lies beyond the cursor: what was there has been acknowledged.
  void nothing_beyond(stream::StreamId cursor) { until_ = std::min(until_, cursor); }
  /// Reading begins anew from the start; what was left out stays so until the next rescan.
  void rewound() { under_way_ = false; }

 private:
  static std::uint64_t hash(const std::string& lane_key) { return std::hash<std::string>()(lane_key); }

  std::unordered_set<std::uint64_t> lanes_;
  std::optional<stream::StreamId> left_out_;  // lowest

  // Of the rescan under way, or the last one
  bool under_way_ = false;
  stream::StreamId until_{};  // the cursor before it
  base::BootTime began_{};
  base::BootTime ended_{};  // at first: when something was left out
  std::chrono::nanoseconds took_{};
};

}  // namespace hookfleet::dispatch
