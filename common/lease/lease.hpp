#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include <tl/expected.hpp>

#include "common/base/clock.hpp"
#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"
#include "common/redis/script.hpp"

/// Exclusive, expiring ownership of a name, with a fencing token (the epoch). A lease is a hash: `v` (format, 1), `owner` (unique per
/// process start; empty: nobody), `epoch` (only grows: max(epoch + 1, Redis ms)), `until` (ms of Redis' clock), `how` (clean or crash).
///
/// The functions fill a redis::Command to be sent through any connection or pipeline; the decoders read its reply. All scripts run at
/// maxmemory too. A NOSCRIPT reply means: SCRIPT LOAD the source and send again; nothing was done.
/// Threads: free functions and const members any, otherwise one.
namespace hookfleet::lease {

/// The Lua sources with their names in Redis; a process makes one and shares it.
struct Scripts {
  Scripts();
  redis::Script acquire, renew, release, heartbeat;
  std::array<const redis::Script*, 4> all() const { return {&acquire, &renew, &release, &heartbeat}; }
};

/// Proof of ownership towards the scripts: what they compare, as text, with the lease's hash.
struct Tenure {
  std::string owner;
  std::string epoch;
  bool operator==(const Tenure&) const = default;
};

struct AcquireRequest {
  std::string_view key;         ///< the lease's hash
  std::string_view stream_key;  ///< a stream whose last id is wanted with the answer; empty: none
  std::string_view owner;       ///< us
  std::chrono::milliseconds ttl;
  std::string_view known_epoch;  ///< of the tenure whose state we still hold in memory; empty: none
  std::string_view unchanged;    ///< Sighting::unchanged(): a lease that reads exactly so is taken although its `until` lies ahead
};

enum class How {
  kResumed,  ///< it was ours under the known epoch all the time: what is in memory still holds
  kClean,    ///< the last owner released it, or there was none. Ours, but of a tenure we don't know: it was so when it was taken
  kCrash,    ///< the last owner let it expire. Likewise
};
std::string_view to_text(How how);

struct Held {
  std::string epoch;
  How how;
  std::string last_id;  ///< the last entry of the stream, "0-0" when it is empty or none was asked for
};

struct Refused {
  std::string owner;
  std::chrono::milliseconds remaining;  ///< by Redis' clock
  std::string state;                    ///< owner, epoch and until as stored: for Sighting
};

/// Takes the lease unless another's is valid. Recorded owner is us: extended, never a new epoch (also when it had expired); how is
/// kResumed if the epoch is the known one, else what is stored. Otherwise a new epoch, clean if the owner is empty, else crash.
void acquire(redis::Command& command, const Scripts& scripts, const AcquireRequest& request);
/// The error: what Redis refused (kNoScript, kWrongType, kLoading…), or kOther for a reply that isn't one of acquire.
tl::expected<std::variant<Held, Refused>, redis::ReplyError> decode_acquired(redis::ReplyView reply);

/// Extends the lease by `ttl` from now if it still is this tenure's, also when it has expired and nobody took it.
void renew(redis::Command& command, const Scripts& scripts, std::string_view key, const Tenure& tenure, std::chrono::milliseconds ttl);
/// Gives the lease up at once; the next owner takes it as clean.
void release(redis::Command& command, const Scripts& scripts, std::string_view key, const Tenure& tenure);
/// Of renew and release: true when the tenure held it, false when it is another's (fenced).
tl::expected<bool, redis::ReplyError> decode_held(redis::ReplyView reply);

/// Another's lease as we keep seeing it. A lease that didn't change for a whole TTL of our own clock is not renewed by anybody,
/// whatever its `until` says: so a Redis clock that steps back locks nobody out. One for each lease that is wanted.
class Sighting {
 public:
  void saw(const Refused& refused, base::BootTime now);
  void forget() { state_.clear(); }
  /// What to pass as AcquireRequest::unchanged: the state seen at least `ttl` ago and ever since; empty when there is none such.
  std::string_view unchanged(std::chrono::milliseconds ttl, base::BootTime now) const;

 private:
  std::string state_;
  base::BootTime since_{};
};

}  // namespace hookfleet::lease
