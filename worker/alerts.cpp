#include "worker/alerts.hpp"

#include <algorithm>
#include <utility>

#include "worker/handlers/handler.hpp"
#include "worker/redaction.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;
using alert::Kind;

constexpr double kSmoothing = 0.05;  // of samples every 5 s: the pace of about the last two minutes
constexpr double kPaceMin = 1024;    // bytes a second; below it nothing fills

std::string in_seconds(std::chrono::nanoseconds duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; }

}  // namespace

Alerts::Alerts(alert::Operator& operators, const Thresholds& thresholds, unsigned partitions)
    : operators_(operators),
      thresholds_(thresholds),
      redis_(operators, thresholds.window),
      backlog_(0ms, thresholds.window),
      dead_letters_(0ms, kDeadLettersAgain),
      memory_(0ms, thresholds.window),
      partitions_(partitions) {}

void Alerts::tell_about(Kind kind, const notification::Notification& notification, std::string text) {
  operators_.tell(handlers::about(kind, notification, std::move(text)));
}

void Alerts::tell_dead(const dispatch::Record& record) {
  const auto text = [&record](std::string_view reason) {
    std::string words = "a notification became a dead letter";
    if (record.dead_class) words.append(" of class ").append(stream::to_text(*record.dead_class));
    if (reason.ends_with('.')) reason.remove_suffix(1);
    return words.append(": ").append(reason).append(". `hookfleet show` with its id has it whole");
  };
  alert::Alert alert = handlers::about(Kind::kDeadLetter, record.content->notification, text(record.reason));
  alert.redacted = text(redacted_reason(*record.content, record.reason));
  operators_.tell(std::move(alert));
}

void Alerts::tell_invalid(const dispatch::Content& content) {
  const auto text = [&content](const std::string& what) {
    return "a notification breaks its schema at " + what + (content.unfit ? ". It is a dead letter now" : ". It is handled all the same");
  };
  alert::Alert alert = handlers::about(Kind::kInvalid, content.notification, text(content.why));
  alert.redacted = text(content.notification.invalid_at);
  operators_.tell(std::move(alert));
}

// --- Notifications

void Alerts::attempt(const dispatch::Record& record) {
  const dispatch::Content& content = *record.content;
  if (record.first && record.outcome != dispatch::Outcome::kRepeat && !content.notification.invalid_at.empty()) {
    tell_invalid(content);
  }
  if (record.outcome == dispatch::Outcome::kDead && record.dead_class != stream::DeadClass::kInvalid) {
    tell_dead(record);
  } else if (record.outcome == dispatch::Outcome::kRetry && record.unavailable && record.blocked >= kUnavailable) {
    // By the target alone: whose notifications wait for it differs from chat to chat.
    operators_.tell({.kind = Kind::kTargetUnavailable,
                     .which = record.action,
                     .text = "what " + record.action + " needs has been away for " + in_seconds(record.blocked) +
                             "; the chats wait and nothing is lost: " + record.reason});
  }
}

void Alerts::unknown(const drift::Claim& claim) {
  const auto text = [&claim](const std::string& name) {
    return "a " + std::string(stream::to_text(claim.kind.what)) + " that isn't documented came for the first time: " + name +
           ". `hookfleet news` lists them";
  };
  alert::Alert alert =
      handlers::about(Kind::kUnknownType, claim.content->notification, text(schema::printable(claim.kind.name, stream::kNewsNameMax)));
  alert.which = claim.kind.field();  // each is told, however many of a type come at once
  alert.redacted = text(redacted_name(claim.kind));
  operators_.tell(std::move(alert));
}

void Alerts::refused(const dispatch::Desk::Refusal& refusal) {
  operators_.tell({.kind = Kind::kDeadLetter,
                   .text = "Redis refuses what a notification was to leave there, since a key has another type: " + refusal.reason +
                           (refusal.first ? ". It becomes a dead letter of class failed" : ". It waits until the key is mended"),
                   .id = refusal.id});
}

void Alerts::overdue(const dispatch::HandlerPool::Overdue& overdue) {
  tell_about(
      Kind::kHandlerHung, overdue.job.content->notification,
      "a handler has been running for " + in_seconds(overdue.running) + ": its chat waits; if it goes on the process is started anew");
}

void Alerts::type_held(notification::TypeWebhook type) {
  operators_.tell({.kind = Kind::kTypeHeld,
                   .type_webhook = std::string(notification::to_text(type)),
                   .text = "too many notifications of this type ended the process: they wait until `hookfleet resume`"});
}

void Alerts::emptied() {
  operators_.tell({.kind = Kind::kRedisEmptied,
                   .text = "the fleet's keys have gone from Redis (FLUSHALL?): what waited there, dead letters and the marks by which "
                           "repeats are recognised are lost"});
}

// --- Redis

void Alerts::redis(bool reachable, const std::string& why, base::BootTime now) {
  redis_.say(Kind::kRedisDown, !reachable, "a worker can't reach Redis: " + why, now);
}

void Alerts::partition(unsigned partition, std::uint64_t backlog, std::uint64_t dead_letters) {
  partitions_.at(partition) = {true, {backlog, dead_letters}};
}

std::optional<Alerts::Sum> Alerts::sum() const {
  Sum sum;
  for (const Partition& partition : partitions_) {
    if (!partition.known) return std::nullopt;
    sum.backlog += partition.sum.backlog;
    sum.dead_letters += partition.sum.dead_letters;
  }
  return sum;
}

void Alerts::tick(base::BootTime now) {
  redis_.tick(now);
  const auto sum = this->sum();
  if (!sum) return;
  if (backlog_.due(thresholds_.backlog > 0 && sum->backlog >= thresholds_.backlog, now)) {
    operators_.tell({.kind = Kind::kBacklog,
                     .text = std::to_string(sum->backlog) + " notifications wait to be handled (stream.backlog_alert " +
                             std::to_string(thresholds_.backlog) + "). `hookfleet status` shows where"});
  }
  if (dead_letters_.due(thresholds_.dead_letters > 0 && sum->dead_letters >= thresholds_.dead_letters, now)) {
    operators_.tell({.kind = Kind::kDeadLetters,
                     .text = std::to_string(sum->dead_letters) + " dead letters lie in Redis (stream.dead_letter_alert " +
                             std::to_string(thresholds_.dead_letters) +
                             "): they take memory until `hookfleet dead-letters` redrives, or exports and drops them"});
  }
}

void Alerts::Pace::sample(std::uint64_t bytes, base::BootTime now) {
  if (last_ && now > *last_) {
    const double elapsed = std::chrono::duration<double>(now - *last_).count();
    const double pace = (static_cast<double>(bytes) - static_cast<double>(bytes_)) / elapsed;
    pace_ += kSmoothing * (pace - pace_);
  }
  last_ = now;
  bytes_ = bytes;
}

void Alerts::memory(const RedisFigures& figures, base::BootTime now) {
  if (!figures.memory_used || !figures.memory_max || *figures.memory_max == 0) return;
  pace_.sample(*figures.memory_used, now);
  const double percent = 100 * static_cast<double>(*figures.memory_used) / static_cast<double>(*figures.memory_max);
  if (!memory_.due(percent >= 0.75 * thresholds_.memory_max_percent, now)) return;
  operators_.tell({.kind = Kind::kRedisMemory, .text = memory_text(*figures.memory_used, *figures.memory_max)});
}

std::string Alerts::memory_text(std::uint64_t used, std::uint64_t max) const {
  std::string text = "Redis uses " + mib(used) + " of " + mib(max) + " (" + std::to_string(used * 100 / max) + " %); at " +
                     std::to_string(thresholds_.memory_max_percent) + " % new notifications are refused with 503";
  const double left = static_cast<double>(max) / 100 * thresholds_.memory_max_percent - static_cast<double>(used);
  if (left <= 0) {
    text += ", which is so now";
  } else if (pace_.bytes_per_second() < kPaceMin) {
    text += "; it isn't filling at present";
  } else {
    text +=
        ", in about " + std::to_string(static_cast<std::uint64_t>(left / pace_.bytes_per_second() / 60) + 1) + " min at the present pace";
  }
  if (const auto sum = this->sum()) {
    text += ". In it: " + std::to_string(sum->backlog) + " notifications that wait, " + std::to_string(sum->dead_letters) +
            " dead letters; the rest is mostly the marks by which repeats are recognised";
  }
  return text + ". `hookfleet doctor` shows what takes how much";
}

}  // namespace hookfleet::worker
