#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet.hpp"
#include "cli/records.hpp"
#include "common/stream/mark.hpp"

/// Looking for records page by page, with a bound and progress.
namespace hookfleet::cli {

/// Counts what was looked at, ends a search at its bound, and says on stderr how far it is (on a terminal, at most every 500 ms).
class Progress {
 public:
  Progress(Console& console, std::uint64_t limit) : console_(console), limit_(limit) {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// One more. False: the bound is reached, or Ctrl-C.
  bool step();
  std::uint64_t seen() const { return seen_; }
  bool exhausted() const { return seen_ >= limit_; }

 private:
  Console& console_;
  const std::uint64_t limit_;
  std::uint64_t seen_ = 0;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
  bool shown_ = false;
};

/// Calls `each` for the records of a partition's stream (or of its dead letters) from `from` to `to` as XRANGE takes them, oldest first,
/// until it answers false or `progress` does. False: ended early.
bool scan(Fleet& fleet, unsigned partition, bool dead, std::string from, std::string_view to, Progress& progress,
          const std::function<bool(Found)>& each);

/// The record at a ref: of the stream, or of the dead letters. Throws Failed for a partition that the fleet doesn't have.
std::optional<Found> at_ref(Fleet& fleet, const Ref& ref, bool dead);

/// The mark of an identity; nothing when there is none or it has a format that we don't know.
std::optional<stream::Mark> mark_of(Fleet& fleet, unsigned partition, const notification::Identity& identity);

}  // namespace hookfleet::cli
