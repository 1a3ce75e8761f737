#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/clock.hpp"
#include "common/log/logger.hpp"
#include "common/redis/endpoint.hpp"
#include "common/redis/reply.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "ingress/append/metrics.hpp"
#include "ingress/append/options.hpp"
#include "ingress/append/outcome.hpp"

namespace hookfleet::append {

/// Whether Redis takes our appends now.
struct State {
  bool writable = false;
  /// Another layout than ours stands in Redis: nothing is appended; the process must exit and show `reason`.
  bool foreign_layout = false;
  std::string reason;      ///< for people, unless writable: each failing check by its name
  bool reachable = false;  ///< it answers; when it isn't writable then, it wouldn't keep what it acknowledges
};

/// What the appender tells its owner, on the writer thread. Each may be empty; none may block.
struct Events {
  std::function<void(const State&)> state;             ///< each change, and once when it is first known
  std::function<void()> beat;                          ///< the writer's loop turns: at least once a second, whatever Redis does
  std::function<void(redis::ReplyView)> control = {};  ///< what HGETALL hf:control said; with each preflight
  /// Redis' memory is above memory_max_percent, so that nothing is taken; or no longer. In bytes.
  std::function<void(bool closed, std::uint64_t used, std::uint64_t maxmemory)> memory = {};
};

/// Stores notifications in their partition's stream, many per round trip (group commit).
///
/// Durability is part of connecting: nothing is appended on a connection before its preflight has passed (Durability, layout), and it is
/// repeated every 4 s; while it fails entries wait for their deadline.
///
/// Threads: submit() from any thread. `done` and the events run on the writer thread and must not block, nor call stop(); but when an entry
///          isn't taken, `done(kOverloaded)` runs inside submit().
/// Limits:  options.queue_max entries and queue_bytes_max bytes may be unanswered; beyond that, while Redis' memory is above
///          memory_max_percent, and after stop(), submit() answers kOverloaded at once.
/// Errors:  never throws. Every entry gets exactly one Outcome, at its deadline at the latest (about 50 ms late at most), whatever Redis
///          does; also during stop(). What is sent at least once without an answer is tried again at most twice.
/// Not promised: order between instances, and of an entry that had to be tried again; a sender that waits for each answer never sees it.
///          Otherwise the order within an instance is the order of submit().
class Appender {
 public:
  /// `done` gets exactly one call. Keep what it captures small: a pointer fits into the function itself.
  using Done = std::function<void(Outcome)>;

  /// Starts the writer; it connects at once and goes on trying.
  Appender(redis::Endpoint redis, const stream::Layout& layout, const Options& options, const Metrics& metrics, log::Logger log,
           const base::Clock& clock, Events events = {});
  /// stop()
  ~Appender();
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  /// `deadline`: by when `done` has been called; usually the request's arrival + options.deadline.
  void submit(stream::Entry entry, base::BootTime deadline, Done done);

  /// Refuses new entries, tries the waiting ones for at most options.drain_timeout, answers the rest, joins. May be called twice.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace hookfleet::append
