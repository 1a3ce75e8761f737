#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/alert/alert.hpp"
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
  std::chrono::milliseconds pause{};    ///< of kUnavailable: not sooner than after this, but at most retry.max

  static Handled done(std::vector<stream::Effect> effects = {}) { return {Kind::kDone, std::move(effects), {}, {}}; }
  static Handled ignored() { return {Kind::kIgnored, {}, {}, {}}; }
  static Handled unavailable(std::string reason, std::chrono::milliseconds pause = {}) {
    return {Kind::kUnavailable, {}, std::move(reason), pause};
  }
  static Handled retry(std::string reason) { return {Kind::kRetry, {}, std::move(reason), {}}; }
  static Handled reject(std::string reason) { return {Kind::kReject, {}, std::move(reason), {}}; }
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
  /// All names, sorted.
  std::vector<std::string> names() const;

  /// Whom handlers tell what a person should know; lives as long as this. It reaches the operator while the worker runs.
  alert::Relay& operators() const { return *operators_; }

 private:
  std::unique_ptr<alert::Relay> operators_ = std::make_unique<alert::Relay>();  // before the handlers, which refer to it
  std::map<std::string, std::unique_ptr<Handler>, std::less<>> handlers_;
};

/// Event time as an effect takes it for ordering: Unix seconds within what `ack` compares (15 digits); 0 when there is none.
std::int64_t event_time(const Notification& notification);

/// An alert about this notification, which goes with it.
alert::Alert about(alert::Kind kind, const Notification& notification, std::string text);

/// One more of this type in hf:{t}:cnt: the field is the type's name, with ` <detail>` behind it if there is one. `detail` is of a closed
/// set, or the hash would grow with the input.
stream::Effect count(const Notification& notification, std::string_view detail = {});

/// The latest of something in hf:{t}:inst: the field is `<idInstance> <what>`, the value `<event time> <text>`; without an event time that
/// of the receipt. An older one never replaces a newer. Cut at 256 bytes.
stream::Effect latest_of_instance(const Notification& notification, std::string_view what, std::string_view text);

/// The latest of something in the chat's record, hf:{t}:chat:<notification::chat_key>, which is kept for 30 days after its last change: the
/// value is `<event time> <chat id> <text>`. Nothing when the notification has no chat.
std::optional<stream::Effect> latest_of_chat(const Notification& notification, std::string_view what, std::string_view text);

/// What stands in the body at a path of keys; null when nothing does. Of whatever shape the body is.
const nlohmann::json* find_at(const nlohmann::json& body, std::initializer_list<const char*> path);

/// A text of the body by its path, e.g. {"deviceData", "platform"}; empty when it isn't there or no text. Cut at `bytes_max`.
std::string text_at(const nlohmann::json& body, std::initializer_list<const char*> path, std::size_t bytes_max = 64);

inline constexpr std::size_t kDescriptionMax = 512;  ///< bytes kept of what GREEN-API says in explanation

}  // namespace hookfleet::handlers
