#include "worker/journal.hpp"

#include <ctime>

#include <array>
#include <cstdio>
#include <vector>

#include "common/notification/types.hpp"

namespace hookfleet::worker {
namespace {

using dispatch::Outcome;

log::Level level_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
    case Outcome::kRepeat:
    case Outcome::kRetry: return log::Level::kInfo;
    case Outcome::kIgnored: return log::Level::kDebug;
    case Outcome::kDead: return log::Level::kError;
  }
  return log::Level::kError;
}

std::string_view message_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone: return "notification handled";
    case Outcome::kIgnored: return "notification ignored: nothing takes its type";
    case Outcome::kRepeat: return "repeated notification dropped";
    case Outcome::kRetry: return "notification will be tried again";
    case Outcome::kDead: return "notification became a dead letter";
  }
  return "";
}

double seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

// A few bodies of megabytes would push all other records out of the log's files; real ones are a few kB. The dead letters have the bytes.
constexpr std::size_t kDataMax = 256UL << 10;

/// A notification as the value of `data`: the JSON it is, or its bytes as a text. Of one beyond kDataMax only `data_bytes`, its size.
class Data {
 public:
  Data(const dispatch::Content& content, log::Payload payload) {
    if (payload == log::Payload::kOff) return;
    if (content.notification.body->size() > kDataMax) {
      field_ = log::Field("data_bytes", content.notification.body->size());
      return;
    }
    if (content.parsed) {
      minified_ = notification::minify(*content.notification.body);
      field_ = log::Field("data", log::RawJson{minified_});
    } else {
      field_ = log::Field("data", *content.notification.body);
    }
  }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  const log::Field& field() const { return field_; }

 private:
  std::string minified_;
  log::Field field_{"data", ""};
};

}  // namespace

std::string rfc3339(base::WallTime time) {
  const std::int64_t ms = base::unix_ms(time);
  const std::time_t second = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  ::gmtime_r(&second, &utc);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s.%03dZ", date.data(), static_cast<int>(ms % 1000));
  return text.data();
}

Journal::Journal(const log::Logger& log, log::Payload payload, const Metrics& metrics, const base::Clock& clock)
    : log_(log), payload_(payload), metrics_(metrics), clock_(clock) {}

void Journal::attempt(const dispatch::Record& record) {
  const dispatch::Content& content = *record.content;
  const notification::Notification& notification = content.notification;
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

  const bool fresh = record.attempt == 1 && record.outcome != Outcome::kRepeat;
  const bool unknown =
      fresh && !content.unfit &&
      (!notification.type || (!notification.type_message.empty() && !notification::is_known_type_message(notification.type_message)));
  if (unknown) metrics_.unknown.add();
  const log::Level level = level_of(record.outcome);
  const bool tell_unknown = unknown && log_.enabled(log::Level::kWarn);
  if (!log_.enabled(level) && !tell_unknown) return;

  const Data data(content, payload_);
  const std::string timestamp = rfc3339(notification.received);
  const std::string_view dead_class = record.dead_class ? stream::to_text(*record.dead_class) : std::string_view();
  std::vector<log::Field> fields{
      {"timestamp", timestamp}, {"typeWebhook", notification.type_webhook}, {"typeMessage", notification.type_message}};
  if (notification.id_instance != 0) fields.emplace_back("idInstance", notification.id_instance);
  fields.emplace_back("idMessage", notification.id_message);
  fields.emplace_back("chatId", notification.chat);
  fields.emplace_back("id", notification.id);
  fields.emplace_back("partition", record.partition);
  const std::size_t common = fields.size();

  if (content.unfit && record.outcome == Outcome::kDead) {
    fields.emplace_back("class", dead_class);
    fields.emplace_back("reason", content.why);
    fields.push_back(data.field());
    log_.write(log::Level::kError, "notification.invalid", "what came is no notification: kept as a dead letter", fields);
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(common), fields.end());
  }
  if (tell_unknown) {
    fields.push_back(data.field());
    log_.write(log::Level::kWarn, "notification.unknown", "a type that isn't documented came", fields);
    fields.pop_back();
  }
  if (!log_.enabled(level)) return;
  fields.emplace_back("attempt", record.attempt);
  fields.emplace_back("duration_s", seconds(record.duration));
  fields.emplace_back("outcome", dispatch::to_text(record.outcome));
  if (record.changed) fields.emplace_back("changed", true);
  fields.emplace_back("class", dead_class);
  fields.emplace_back("reason", record.reason);
  fields.emplace_back("firstId", record.first_id);
  fields.push_back(data.field());
  log_.write(level, "notification", message_of(record.outcome), fields);
}

void Journal::refused(unsigned partition, const dispatch::Desk::Refusal& refusal) {
  metrics_.ack_refusals.add();
  if (refusal.first) metrics_.dead_letters[static_cast<std::size_t>(stream::DeadClass::kFailed)].add();
  log_.error("notification.refused",
             refusal.first ? "Redis refused its acknowledgement: it becomes a dead letter without its effects"
                           : "Redis refused its acknowledgement again: mend the key, it waits",
             {{"id", refusal.id}, {"partition", partition}, {"reason", refusal.reason}});
}

void Journal::overdue(const dispatch::HandlerPool::Overdue& overdue) {
  metrics_.overdue.add();
  const notification::Notification& notification = overdue.job.content->notification;
  log_.warn("handler.overdue", "a handler runs for longer than worker.handler_timeout: its chat waits, others don't",
            {{"typeWebhook", notification.type_webhook},
             {"idInstance", notification.id_instance},
             {"chatId", notification.chat},
             {"id", notification.id},
             {"partition", overdue.job.partition},
             {"running_s", seconds(overdue.running)}});
}

}  // namespace hookfleet::worker
