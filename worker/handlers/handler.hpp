#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/notification/notification.hpp"
#include "common/stream/effect.hpp"

namespace hookfleet::handlers {

using notification::Notification;

/// What became of a notification in a handler.
struct Handled {
  enum class Kind {
    kDone,
    kIgnored,      ///< nothing was to be done
    kUnavailable,  ///< what it needs is away: tried again, costs no attempt
    kRetry,        ///< failed, perhaps not the next time: tried again, counts as an attempt
    kReject,       ///< will never work: a dead letter at once
  };
  Kind kind = Kind::kDone;
  std::vector<stream::Effect> effects;  ///< of kDone: run exactly once, with the acknowledgement
  std::string reason;                   ///< for people: records and dead letters

  static Handled done(std::vector<stream::Effect> effects = {}) { return {Kind::kDone, std::move(effects), {}}; }
  static Handled ignored() { return {Kind::kIgnored, {}, {}}; }
  static Handled unavailable(std::string reason) { return {Kind::kUnavailable, {}, std::move(reason)}; }
  static Handled retry(std::string reason) { return {Kind::kRetry, {}, std::move(reason)}; }
  static Handled reject(std::string reason) { return {Kind::kReject, {}, std::move(reason)}; }
};

/// Reacts to one family of notifications. Called again for the same notification after a crash: must be idempotent outside its effects;
/// notification.idempotency_key() is the same each time.
/// Threads: handle() runs on several threads at once, but never twice at a time for one chat. It may take its time: only its chat waits.
/// Errors: an exception counts as retry(what()).
class Handler {
 public:
  virtual ~Handler() = default;
  /// `cancel`: stop is requested when the handler has been running for worker.handler_timeout, or its partition was lost: whatever it still
  /// does then is done again elsewhere. One that waits should watch it and return, e.g. unavailable(); one that has not returned after four
  /// timeouts costs the process: it hands over everything else and exits with 70.
  virtual Handled handle(const Notification& notification, const std::stop_token& cancel) = 0;
};

/// The handlers of a process by name; routes name them. Filled before anything runs.
class Handlers {
 public:
  void add(std::string name, std::unique_ptr<Handler> handler);
  /// Null when there is none of that name.
  Handler* find(std::string_view name) const;

 private:
  std::map<std::string, std::unique_ptr<Handler>, std::less<>> handlers_;
};

/// Event time as an effect takes it for ordering: Unix seconds within what `ack` compares (15 digits); 0 when there is none.
std::int64_t event_time(const Notification& notification);

/// One more of this type in hf:{t}:cnt: the field is the type's name.
stream::Effect count(const Notification& notification);

}  // namespace hookfleet::handlers
