#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet.hpp"
#include "cli/pollers.hpp"
#include "cli/text.hpp"
#include "common/stream/type_hold.hpp"

/// The state of a fleet at one moment, as Redis tells it.
namespace hookfleet::cli {

/// `hold:<typeWebhook>` of a partition's ctl: entries of that type wait since too many of them ended a process, or are only counted.
struct HeldType {
  std::string type;
  std::optional<stream::TypeHold> hold;  ///< nothing: of a format that this version doesn't know
  std::string problem{};                 ///< then: what Snapshot::problems says of it

  bool held() const { return hold && hold->held(); }
};

struct PartitionState {
  unsigned partition = 0;
  std::string owner;          ///< empty: nobody
  std::int64_t lease_ms = 0;  ///< left of its lease by Redis' clock; negative: run out
  std::uint64_t backlog = 0;
  std::int64_t oldest_age_ms = -1;  ///< by receipt; -1: nothing waits
  std::uint64_t added = 0;          ///< entries ever added to the stream
  bool adds_known = false;          ///< Redis 7 counts them
  std::uint64_t retries = 0;        ///< entries that have attempts on record
  std::uint64_t dead_letters = 0;
  std::int64_t oldest_death_age_ms = -1;
  std::vector<HeldType> holds;
  bool owned() const { return !owner.empty() && lease_ms > 0; }
};

struct MemberState {
  std::string name;
  std::int64_t heartbeat_age_ms = 0;
  unsigned partitions = 0;  ///< whose leases it holds
};

struct Snapshot {
  std::int64_t now_ms = 0;  ///< Redis' clock
  std::vector<PartitionState> partitions;
  std::vector<MemberState> members;
  Pollers pollers;
  std::vector<std::string> problems;  ///< keys that could not be read, escaped
};

/// Throws ConnectionLost; a key that can't be read is a problem in the snapshot. `polled`: as read_pollers() takes it.
Snapshot take_snapshot(Fleet& fleet, const std::vector<std::uint64_t>& polled = {});

/// Entries a second that came and went between two snapshots; nothing where it can't be told (an older Redis, a stream made anew).
struct Rates {
  double in = 0;
  double out = 0;
};
std::vector<std::optional<Rates>> rates(const Snapshot& before, const Snapshot& after);

/// For people; `before`: for the rates, may be null. At most `height` lines; 0: all.
std::string render(const Fleet& fleet, const Snapshot& snapshot, const Snapshot* before, unsigned height = 0);
Json to_json(const Fleet& fleet, const Snapshot& snapshot, const Snapshot* before);

}  // namespace hookfleet::cli
