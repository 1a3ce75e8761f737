#include "common/alert/alert.hpp"

#include <utility>

#include "common/alert/notice.hpp"

namespace hookfleet::alert {

std::array<Kind, kKinds> kinds() {
  std::array<Kind, kKinds> all{};
  for (std::size_t i = 0; i < kKinds; ++i) all[i] = static_cast<Kind>(i);
  return all;
}

std::string_view to_text(Kind kind) {
  switch (kind) {
    case Kind::kDeadLetter: return "dead_letter";
    case Kind::kInvalid: return "invalid";
    case Kind::kUnknownType: return "unknown_type";
    case Kind::kMessageFailed: return "message_failed";
    case Kind::kInstanceState: return "instance_state";
    case Kind::kQuota: return "quota";
    case Kind::kUpstreamQueue: return "upstream_queue";
    case Kind::kSettingsDrift: return "settings_drift";
    case Kind::kSettingsRestored: return "settings_restored";
    case Kind::kWatchRefused: return "watch_refused";
    case Kind::kTypeHeld: return "type_held";
    case Kind::kHandlerHung: return "handler_hung";
    case Kind::kTargetUnavailable: return "target_unavailable";
    case Kind::kDeliveryRefused: return "delivery_refused";
    case Kind::kTokenRefused: return "token_refused";
    case Kind::kPollFailed: return "poll_failed";
    case Kind::kWebhookSet: return "webhook_set";
    case Kind::kPollRecovered: return "poll_recovered";
    case Kind::kInstanceMismatch: return "instance_mismatch";
    case Kind::kUnlistedAddress: return "unlisted_address";
    case Kind::kBacklog: return "backlog";
    case Kind::kDeadLetters: return "dead_letters";
    case Kind::kRedisMemory: return "redis_memory";
    case Kind::kRedisEmptied: return "redis_emptied";
    case Kind::kRedisDown: return "redis_down";
    case Kind::kRedisNotDurable: return "redis_not_durable";
    case Kind::kRedisFull: return "redis_full";
    case Kind::kSettingsRefused: return "settings_refused";
    case Kind::kProcessHung: return "process_hung";
    case Kind::kTest: return "test";
  }
  return "";
}

std::string_view to_text(Severity severity) {
  switch (severity) {
    case Severity::kInfo: return "info";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
    case Severity::kCritical: return "critical";
  }
  return "";
}

Severity severity(Kind kind) {
  switch (kind) {
    case Kind::kSettingsRestored:
    case Kind::kPollRecovered:
    case Kind::kTest: return Severity::kInfo;
    case Kind::kUnknownType:
    case Kind::kMessageFailed:
    case Kind::kTargetUnavailable:
    case Kind::kTokenRefused:
    case Kind::kUnlistedAddress:
    case Kind::kBacklog: return Severity::kWarning;
    case Kind::kDeadLetter:
    case Kind::kInvalid:
    case Kind::kInstanceState:
    case Kind::kQuota:
    case Kind::kUpstreamQueue:
    case Kind::kSettingsDrift:
    case Kind::kWatchRefused:
    case Kind::kHandlerHung:
    case Kind::kDeliveryRefused:
    case Kind::kPollFailed:
    case Kind::kWebhookSet:
    case Kind::kInstanceMismatch:
    case Kind::kDeadLetters:
    case Kind::kSettingsRefused:
    case Kind::kProcessHung:
    case Kind::kRedisMemory: return Severity::kError;
    case Kind::kTypeHeld:
    case Kind::kRedisEmptied:
    case Kind::kRedisDown:
    case Kind::kRedisNotDurable:
    case Kind::kRedisFull: return Severity::kCritical;
  }
  return Severity::kError;
}

Alert settings_refused(const std::string& who, const std::string& problems) {
  constexpr std::size_t kMax = 1024;
  std::string shown(cut_at(problems, kMax));
  while (shown.ends_with('\n')) shown.pop_back();
  for (std::size_t at = shown.find('\n'); at != std::string::npos; at = shown.find('\n', at)) shown.replace(at, 1, "; ");
  if (problems.size() > kMax) shown += " … (all of it is in the log)";
  return {.kind = Kind::kSettingsRefused,
          .which = problems,
          .text = who + " found wrong settings: they go on with those they have, but would not start with these. " + shown};
}

Alert process_hung(const std::string& who, const std::string& loops, const std::string& besides) {
  return {.kind = Kind::kProcessHung,
          .which = loops,
          .text = who + " stood still (" + loops + "), ended itself and is to be started again: " + besides};
}

bool about_redis(Kind kind) {
  switch (kind) {
    case Kind::kRedisDown:
    case Kind::kRedisNotDurable:
    case Kind::kRedisFull: return true;
    case Kind::kDeadLetter:
    case Kind::kInvalid:
    case Kind::kUnknownType:
    case Kind::kMessageFailed:
    case Kind::kInstanceState:
    case Kind::kQuota:
    case Kind::kUpstreamQueue:
    case Kind::kSettingsDrift:
    case Kind::kSettingsRestored:
    case Kind::kWatchRefused:
    case Kind::kTypeHeld:
    case Kind::kHandlerHung:
    case Kind::kTargetUnavailable:
    case Kind::kDeliveryRefused:
    case Kind::kTokenRefused:
    case Kind::kUnlistedAddress:
    case Kind::kPollFailed:
    case Kind::kWebhookSet:
    case Kind::kPollRecovered:
    case Kind::kInstanceMismatch:
    case Kind::kBacklog:
    case Kind::kDeadLetters:
    case Kind::kRedisMemory:
    case Kind::kRedisEmptied:
    case Kind::kSettingsRefused:
    case Kind::kProcessHung:
    case Kind::kTest: return false;
  }
  return false;
}

bool adds_up(Kind kind) {
  switch (kind) {
    case Kind::kDeadLetter:
    case Kind::kInvalid:
    case Kind::kMessageFailed:
    case Kind::kHandlerHung:
    case Kind::kDeliveryRefused:
    case Kind::kTokenRefused:
    case Kind::kInstanceMismatch:
    case Kind::kUnlistedAddress:
    case Kind::kUpstreamQueue:
    case Kind::kSettingsDrift:
    case Kind::kSettingsRestored:
    case Kind::kWatchRefused:
    case Kind::kPollFailed:
    case Kind::kWebhookSet:
    case Kind::kPollRecovered: return true;
    case Kind::kUnknownType:
    case Kind::kInstanceState:
    case Kind::kQuota:
    case Kind::kTypeHeld:
    case Kind::kTargetUnavailable:
    case Kind::kBacklog:
    case Kind::kDeadLetters:
    case Kind::kRedisMemory:
    case Kind::kRedisEmptied:
    case Kind::kRedisDown:
    case Kind::kRedisNotDurable:
    case Kind::kRedisFull:
    case Kind::kSettingsRefused:
    case Kind::kProcessHung:
    case Kind::kTest: return false;
  }
  return false;
}

}  // namespace hookfleet::alert
