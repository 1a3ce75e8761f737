#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// What a person should know, on its way to that person.
namespace hookfleet::alert {

/// Why the operator is told. A closed set: it labels metrics and alerts, and is a part of what repeats are recognised by.
enum class Kind : std::uint8_t {
  // about notifications
  kDeadLetter,         ///< a notification became a dead letter of any class but invalid
  kInvalid,            ///< a notification breaks its schema, whether it then becomes a dead letter or is handled
  kUnknownType,        ///< a typeWebhook, typeMessage or field was seen for the first time
  kMessageFailed,      ///< an outgoing message ended as failed, noAccount or yellowCard
  kInstanceState,      ///< an instance left the state authorized
  kQuota,              ///< an instance has used up its quota
  kUpstreamQueue,      ///< many notifications of a watched instance wait at the service and don't get fewer
  kSettingsDrift,      ///< a watched instance's settings at the service are otherwise than ours say
  kSettingsRestored,   ///< they are as ours say again
  kWatchRefused,       ///< the service refuses to tell of a watched instance
  kTypeHeld,           ///< a type waits for an operator, since its handling keeps ending the process
  kHandlerHung,        ///< a handler runs past its timeout
  kTargetUnavailable,  ///< what an action needs has been away for a minute: its chats wait
  // about deliveries
  kDeliveryRefused,   ///< a right token was answered with something else than 200, not because we are draining
  kTokenRefused,      ///< a listed address came without a right token
  kPollFailed,        ///< an instance's notifications can't be fetched, and only a person can help, or it has lasted for minutes
  kWebhookSet,        ///< likewise, since webhookUrl is set: the service pushes
  kPollRecovered,     ///< what one of these two told has ended
  kInstanceMismatch,  ///< a fetched notification names another instance than the one it was fetched for
  kUnlistedAddress,   ///< a right token came from an address that is not on the allowlist
  // about what is kept
  kBacklog,       ///< more entries wait than stream.backlog_alert
  kDeadLetters,   ///< more dead letters lie there than stream.dead_letter_alert allows
  kRedisMemory,   ///< Redis' memory is filled to three quarters of what stops the intake
  kRedisEmptied,  ///< the fleet's keys have gone from Redis
  // about Redis itself: told directly, not through the queue that lies in it
  kRedisDown,        ///< no connection, or no answer
  kRedisNotDurable,  ///< Redis wouldn't keep what it acknowledges
  kRedisFull,        ///< the intake is closed: Redis' memory is full, or as full as we let it become
  // about the programs
  kSettingsRefused,  ///< changed settings are wrong: the old ones hold, a restart would fail
  kProcessHung,      ///< a loop of a process stood still: it ended itself
  // for the operator's own sake
  kTest,  ///< `hookfleet alerts test`
};
inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kTest) + 1;
std::array<Kind, kKinds> kinds();

/// snake_case: "dead_letter".
std::string_view to_text(Kind kind);

enum class Severity : std::uint8_t { kInfo, kWarning, kError, kCritical };
/// "info" …
std::string_view to_text(Severity severity);
/// How urgent a kind is: critical when the intake is, or is about to be, closed.
Severity severity(Kind kind);
/// True for what is about Redis itself.
bool about_redis(Kind kind);
/// True where the last one held back is told when the window ends: what happens one by one, so that how many there were is no secret, and
/// states that are told once when they begin, which may end and begin again within a window. False for states that are told again as long
/// as they last.
bool adds_up(Kind kind);

/// One thing to tell. Two of the same kind, type_webhook, id_instance and `which` within `alerts.window` are one: the second is counted and
/// its number told with the next; where they add up, the last of them is told when the window ends.
struct Alert {
  Kind kind = Kind::kTest;
  std::string type_webhook = {};  ///< as in the notification; empty: it isn't about one type
  std::uint64_t id_instance = 0;  ///< 0: it isn't about one instance
  std::string which = {};         ///< tells apart what is news by itself though kind, type and instance are the same. Never sent
  /// For people: what happened, and what to do where that isn't obvious. One or a few sentences without personal data. At most 2 KiB.
  std::string text = {};
  /// Said in its place where `alerts.attach` or `log.payload` isn't full: it quotes nothing of the body. Empty: `text` quotes nothing
  /// either. Of both long numbers are cut then, where there is an `id`.
  std::string redacted = {};
  std::string id = {};          ///< our id of the notification; empty: none
  std::string chat = {};        ///< empty: none. Sent with `alerts.attach: full` only, to its last four digits with redacted
  std::string id_message = {};  ///< empty: none
  /// The notification's bytes as received; null: none. Sent as `alerts.attach` says, up to 16 KiB. Shared, since it is the same buffer
  /// that the worker handles.
  std::shared_ptr<const std::string> body = {};
};

/// kSettingsRefused: `who`, "the workers", read settings again and found `problems`, one a line.
Alert settings_refused(const std::string& who, const std::string& problems);
/// `who`, such as "a worker", ends itself because `loops` stand still; `besides`: what becomes of its work.
Alert process_hung(const std::string& who, const std::string& loops, const std::string& besides);

/// Takes what the operator should know.
/// Threads: any. Never blocks, never throws: what can't be taken is dropped and counted.
class Operator {
 public:
  virtual ~Operator() = default;
  virtual void tell(Alert alert) noexcept = 0;
};

/// Tells nobody: for programs and tests that have no operator.
class Nobody final : public Operator {
 public:
  void tell(Alert /*alert*/) noexcept override {}
};

/// Hands on to an operator that is there later than those who tell. Until then, and after it has gone, it tells nobody.
/// Threads: any.
class Relay final : public Operator {
 public:
  /// Null: nobody. Whoever is told must outlive the next call of to().
  void to(Operator* next) noexcept { next_.store(next, std::memory_order_release); }
  void tell(Alert alert) noexcept override {
    if (Operator* next = next_.load(std::memory_order_acquire)) next->tell(std::move(alert));
  }

 private:
  std::atomic<Operator*> next_{nullptr};
};

}  // namespace hookfleet::alert
