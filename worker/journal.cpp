#include "worker/journal.hpp"

#include <ctime>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "common/notification/redact.hpp"
#include "common/notification/trace.hpp"
#include "common/notification/types.hpp"
#include "worker/redaction.hpp"

namespace hookfleet::worker {
namespace {

using dispatch::Outcome;
using log::Level;

Level level_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
    case Outcome::kRepeat:
    case Outcome::kRetry: return Level::kInfo;
    case Outcome::kIgnored: return Level::kDebug;
    case Outcome::kDead: return Level::kError;
  }
  return Level::kError;
}

std::string_view message_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone: return "notification handled";
    case Outcome::kIgnored: return "notification ignored: no route takes it, or its route says so";
    case Outcome::kRepeat: return "repeated notification dropped";
    case Outcome::kRetry: return "notification will be tried again";
    case Outcome::kDead: return "notification became a dead letter";
  }
  return "";
}

/// What makes two dead letters' records alike.
std::string alike(const notification::Notification& notification, std::string_view dead_class, std::string_view reason) {
  return std::string(notification::type_label(notification.type_webhook)).append(" ").append(dead_class).append(": ").append(reason);
}

/// The first that is told of a notification, and it isn't one that was told of when it came before.
bool first_sight(const dispatch::Record& record) { return record.first && record.outcome != Outcome::kRepeat; }

double seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

// A few bodies of megabytes would push all other records out of the log's files; real ones are a few kB. The dead letters have the bytes.
constexpr std::size_t kDataMax = 256UL << 10;
// What names a notification is short; data has it whole.
constexpr std::size_t kNameMax = 256;

std::string_view cut(std::string_view text) { return text.substr(0, kNameMax); }

/// What records show of a notification, as log.payload says. Borrows from the content.
class Shown {
 public:
  Shown(const dispatch::Content& content, log::Payload payload)
      : content_(content), notification_(content.notification), payload_(payload), received_(base::rfc3339(notification_.received)) {
    if (payload_ == log::Payload::kFull) {
      chat_ = notification_.chat;
      type_webhook_ = notification_.type_webhook;
      type_message_ = notification_.type_message;
      id_message_ = notification_.id_message;
    } else {
      if (payload_ == log::Payload::kRedacted) chat_ = notification::redact_text(notification_.chat);
      type_webhook_ = notification::redact_field("typeWebhook", notification_.type_webhook);
      type_message_ = notification::redact_field("typeMessage", notification_.type_message);
      id_message_ = notification::redact_field("idMessage", notification_.id_message);
    }
  }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

  /// The facts that name it.
  std::vector<log::Field> names() const {
    std::vector<log::Field> fields;
    constexpr std::size_t kRoom = 20;
    fields.reserve(kRoom);
    fields.emplace_back("timestamp", received_);
    fields.emplace_back("typeWebhook", cut(type_webhook_));
    fields.emplace_back("typeMessage", cut(type_message_));
    if (notification_.id_instance != 0) fields.emplace_back("idInstance", notification_.id_instance);
    fields.emplace_back("idMessage", cut(id_message_));
    fields.emplace_back("chatId", chat_);
    fields.emplace_back("id", notification_.id);
    const std::string_view trace_id = notification::trace_id(notification_.trace);
    fields.emplace_back("trace_id", trace_id);
    fields.emplace_back("request_id",
                        trace_id.empty() && notification_.trace != notification_.id ? notification_.trace : std::string_view());
    return fields;
  }

  /// The JSON it is, or its bytes as a text; of one beyond kDataMax only its size.
  log::Field data() {
    const std::string& body = *notification_.body;
    if (payload_ == log::Payload::kOff) return {"data", ""};
    if (body.size() > kDataMax) return {"data_bytes", body.size()};
    if (payload_ == log::Payload::kFull && !content_.parsed) return {"data", body};
    data_ = payload_ == log::Payload::kFull ? notification::minify(body) : notification::redact(body);
    return {"data", log::RawJson{data_}};
  }

  /// Why an attempt ended as it did.
  std::string_view reason(std::string_view reason) {
    if (payload_ == log::Payload::kFull) return reason;
    return reason_ = redacted_reason(content_, reason);
  }

 private:
  const dispatch::Content& content_;
  const notification::Notification& notification_;
  const log::Payload payload_;
  const std::string received_;
  std::string chat_, type_webhook_, type_message_, id_message_, data_, reason_;
};

}  // namespace

Journal::Journal(const log::Logger& log, std::size_t identical_max, const Metrics& metrics, const base::Clock& clock)
    : log_(log), metrics_(metrics), clock_(clock), sampler_(log, identical_max) {}

void Journal::attempt(const dispatch::Record& record) {
  const dispatch::Content& content = *record.content;
  const notification::Notification& notification = content.notification;
  count(record);

  const Level level = level_of(record.outcome);
  const bool dead_as_it_came = content.unfit && record.outcome == Outcome::kDead;
  const bool invalid_all_the_same = first_sight(record) && !content.unfit && !notification.invalid_at.empty();
  const std::string_view event = dead_as_it_came ? "notification.invalid" : "notification";
  const std::string_view dead_class = record.dead_class ? stream::to_text(*record.dead_class) : std::string_view();
  bool tell = log_.enabled(level);
  bool tell_invalid = invalid_all_the_same && log_.enabled(Level::kError);
  if (!tell && !tell_invalid) return;
  Shown shown(content, log_.payload());
  if (tell_invalid)
    tell_invalid = sampler_.pass(Level::kError, "notification.invalid", alike(notification, {}, notification.invalid_at), clock_.now());
  const std::string& why = log_.payload() == log::Payload::kFull ? content.why : notification.invalid_at;  // the rest may quote it
  const std::string_view reason = shown.reason(record.reason);
  if (tell && record.outcome == Outcome::kDead) tell = sampler_.pass(level, event, alike(notification, dead_class, reason), clock_.now());
  if (!tell && !tell_invalid) return;

  std::vector<log::Field> fields = shown.names();
  fields.emplace_back("partition", record.partition);
  const log::Field data = shown.data();
  if (tell_invalid) {
    const std::size_t common = fields.size();
    fields.emplace_back("invalidAt", notification.invalid_at);
    fields.emplace_back("reason", why);
    fields.push_back(data);
    log_.write(Level::kError, "notification.invalid", "a notification breaks its schema: it is handled all the same", fields);
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(common), fields.end());
  }
  if (!tell) return;
  fields.emplace_back("attempt", record.attempt);
  fields.emplace_back("duration_s", seconds(record.duration));
  fields.emplace_back("outcome", dispatch::to_text(record.outcome));
  if (record.changed) fields.emplace_back("changed", true);
  fields.emplace_back("class", dead_class);
  if (dead_as_it_came) fields.emplace_back("invalidAt", notification.invalid_at);
  fields.emplace_back("reason", reason);
  fields.emplace_back("firstId", record.first_id);
  fields.push_back(data);
  log_.write(level, event,
             !dead_as_it_came                  ? message_of(record.outcome)
             : notification.invalid_at.empty() ? "what came is no notification: kept as a dead letter"
                                               : "a notification breaks its schema: kept as a dead letter",
             fields);
}

void Journal::unknown(const drift::Claim& claim) {
  if (!log_.enabled(Level::kWarn)) return;
  Shown shown(*claim.content, log_.payload());
  std::vector<log::Field> fields = shown.names();
  const std::string_view what = stream::to_text(claim.kind.what);
  const std::string name = log_.payload() == log::Payload::kFull ? claim.kind.name : redacted_name(claim.kind);
  fields.emplace_back("what", what);
  fields.emplace_back("name", name);
  fields.push_back(shown.data());
  log_.write(Level::kWarn, "notification.unknown", "something that isn't documented came for the first time", fields);
}

void Journal::count(const dispatch::Record& record) {
  const notification::Notification& notification = record.content->notification;
  const std::size_t type = notification.type ? static_cast<std::size_t>(*notification.type) : metrics_.notifications.size() - 1;
  metrics_.notifications[type][static_cast<std::size_t>(record.outcome)].add();
  if (record.duration.count() > 0) metrics_.handling.observe(seconds(record.duration));
  switch (record.outcome) {
    case Outcome::kDone:
    case Outcome::kIgnored:
    case Outcome::kDead: metrics_.end_to_end.observe(seconds(clock_.wall() - notification.received)); break;
    case Outcome::kRetry: (record.unavailable ? metrics_.unavailable : metrics_.failed).add(); break;
    case Outcome::kRepeat: break;
  }
  if (record.changed && record.outcome != Outcome::kRepeat && record.attempt == 1) metrics_.changed.add();
  if (record.dead_class) metrics_.dead_letters[static_cast<std::size_t>(*record.dead_class)].add();
  if (!first_sight(record)) return;
  if (!notification.invalid_at.empty()) metrics_.invalid[type].add();
  const auto& unknown = record.content->unknown;
  if (std::any_of(unknown.begin(), unknown.end(), [](const stream::Kind& kind) { return kind.what != stream::Kind::What::kField; })) {
    metrics_.unknown.add();
  }
}

void Journal::refused(unsigned partition, const dispatch::Desk::Refusal& refusal) {
  metrics_.ack_refusals.add();
  if (refusal.first) metrics_.dead_letters[static_cast<std::size_t>(stream::DeadClass::kFailed)].add();
  const std::string reason = log_.payload() == log::Payload::kFull ? refusal.reason : notification::redact_numbers(refusal.reason);
  if (!sampler_.pass(Level::kError, "notification.refused", reason, clock_.now())) return;
  log_.error("notification.refused",
             refusal.first ? "Redis refused its acknowledgement: it becomes a dead letter without its effects"
                           : "Redis refused its acknowledgement again: mend the key, it waits",
             {{"id", refusal.id}, {"partition", partition}, {"reason", reason}});
}

void Journal::overdue(const dispatch::HandlerPool::Overdue& overdue) {
  metrics_.overdue.add();
  const dispatch::Content& content = *overdue.job.content;
  if (!sampler_.pass(Level::kWarn, "handler.overdue", notification::type_label(content.notification.type_webhook), clock_.now())) return;
  const Shown shown(content, log_.payload());
  std::vector<log::Field> fields = shown.names();
  fields.emplace_back("partition", overdue.job.partition);
  fields.emplace_back("running_s", seconds(overdue.running));
  log_.write(Level::kWarn, "handler.overdue", "a handler runs for longer than worker.handler_timeout: its chat waits, others don't",
             fields);
}

void Journal::tick() { sampler_.tick(clock_.now()); }

}  // namespace hookfleet::worker
