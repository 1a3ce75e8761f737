#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/clock.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/type_hold.hpp"
#include "worker/dispatch/desk.hpp"

/// What the core asks of Redis, as values: the engine turns them into commands, a simulation into changes of a model.
namespace hookfleet::worker {

/// Names a tenure: what belongs to an earlier one of the same partition has another serial number.
struct TenureId {
  unsigned partition = 0;
  unsigned long serial = 0;
};

struct Heartbeat {
  base::BootTime sent{};
};
/// We leave the members.
struct Leave {};
/// Does the fleet still have our layout?
struct ReadLayout {};
struct Acquire {
  unsigned partition = 0;
  std::string known_epoch;
  std::string unchanged;
  base::BootTime sent{};
};
struct Renew {
  TenureId tenure;
  std::string epoch;
  base::BootTime sent{};
};
struct Release {
  unsigned partition = 0;
  std::string epoch;
};
struct LookUp {
  TenureId tenure;
  std::uint64_t cycle = 0;
  dispatch::Desk::LookUp wanted;
};
/// Reads one entry again.
struct Fetch {
  TenureId tenure;
  stream::StreamId stream_id{};
};
struct Ack {
  TenureId tenure;
  std::string epoch;
  std::vector<stream::StreamId> ids;
  std::vector<dispatch::Ended> ended;  ///< while the call is handed over; then only `ids` mean anything
};
struct WriteAttempts {
  TenureId tenure;
  std::string epoch;
  std::vector<stream::StreamId> ids;
  std::vector<const stream::Attempts*> values;  ///< while the call is handed over
};
/// Which types wait in a partition of ours?
struct ReadHolds {
  TenureId tenure;
};
struct WriteHold {
  TenureId tenure;
  std::string epoch;
  notification::TypeWebhook type{};
  const stream::TypeHold* hold = nullptr;  ///< while the call is handed over
};
/// The oldest entry of a stream of ours: is it known?
struct Oldest {
  TenureId tenure;
};
/// Length and oldest entry of any stream, and what its instances told of themselves, for the gauges.
struct Backlog {
  unsigned partition = 0;
};

using Call = std::variant<Heartbeat, Leave, ReadLayout, Acquire, Renew, Release, LookUp, Fetch, Ack, WriteAttempts, ReadHolds, WriteHold,
                          Oldest, Backlog>;

/// One XREAD over all partitions that are read.
struct ReadRequest {
  struct From {
    TenureId tenure;
    stream::StreamId cursor{};
  };
  std::uint64_t cycle = 0;
  std::vector<From> from;
  std::size_t count = 1;                  ///< entries a stream
  std::chrono::milliseconds block{1000};  ///< how long to wait for the first entry
};

}  // namespace hookfleet::worker
