#include "common/log/logger.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <ctime>
#include <mutex>
#include <utility>

#include "common/log/batch_sink.hpp"
#include "common/log/escape.hpp"
#include "common/log/output.hpp"

namespace hookfleet::log {
namespace {

using Time = spdlog::log_clock::time_point;

constexpr std::size_t kLineBytesKept = 64UL << 10;

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
    case Level::kOff: return spdlog::level::off;
  }
  return spdlog::level::off;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kDebug: return "DEBUG";
    case Level::kInfo: return "INFO";
    case Level::kWarn: return "WARN";
    case Level::kError: return "ERROR";
    case Level::kOff: return "OFF";
  }
  return "";
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

/// "2025-06-15T12:34:56.123456Z". The part up to the second is kept per thread: gmtime and formatting cost more than the rest of a record.
void append_time(std::string& out, Time time) {
  struct Second {
    std::time_t time = -1;
    std::array<char, 32> text{};
    std::size_t size = 0;
  };
  thread_local Second second;
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  if (const std::time_t seconds = whole.time_since_epoch().count(); seconds != second.time) {
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    second.size = std::strftime(second.text.data(), second.text.size(), "%Y-%m-%dT%H:%M:%S.", &utc);
    second.time = seconds;
  }
  out.append(second.text.data(), second.size);
  std::array<char, 7> fraction{};
  auto microseconds = static_cast<unsigned>(std::chrono::floor<std::chrono::microseconds>(time - whole).count());
  for (std::size_t digit = 6; digit-- > 0; microseconds /= 10) fraction[digit] = static_cast<char>('0' + microseconds % 10);
  fraction[6] = 'Z';
  out.append(fraction.data(), fraction.size());
}

bool absent(const Field& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) return text->empty();
  if (const auto* json = std::get_if<RawJson>(&field.value)) return json->text.empty();
  return false;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

/// For logfmt: quotes only where a reader would need them.
void append_word(std::string& out, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\'; });
  if (plain) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

/// Appends one fact's value; texts by `append_text`.
template <class AppendText>
void append_value(std::string& out, const Field::Value& value, AppendText append_text) {
  struct Visitor {
    std::string& out;
    AppendText append_text;
    void operator()(std::string_view text) const { append_text(out, text); }
    void operator()(const RawJson& json) const { append_raw_json(out, json.text); }
    void operator()(bool yes) const { out += yes ? "true" : "false"; }
    void operator()(std::int64_t number) const { append_number(out, number); }
    void operator()(std::uint64_t number) const { append_number(out, number); }
    void operator()(double number) const {
      if (std::isfinite(number)) {
        append_number(out, number);
      } else {
        out += "null";
      }
    }
  };
  std::visit(Visitor{out, append_text}, value);
}

void append_json(std::string& out, Time time, Level level, std::string_view event, std::string_view message, std::string_view process,
                 std::span<const Field> fields) {
  out += R"({"time":")";
  append_time(out, time);
  out += R"(","level":")";
  out += name_of(level);
  out += R"(","event":)";
  append_quoted(out, event);
  out += R"(,"message":)";
  append_quoted(out, message);
  out += R"(,"process":)";
  append_quoted(out, process);
  for (const Field& field : fields) {
    if (absent(field)) continue;
    out += ',';
    append_quoted(out, field.key);
    out += ':';
    append_value(out, field.value, append_quoted);
  }
  out += '}';
}

void append_text(std::string& out, Time time, Level level, std::string_view event, std::string_view message, std::string_view process,
                 std::span<const Field> fields) {
  append_time(out, time);
  out += ' ';
  out += name_of(level);
  out.append(6 - name_of(level).size(), ' ');
  append_escaped(out, event);
  out += ": ";
  append_escaped(out, message);
  out += " process=";
  append_word(out, process);
  for (const Field& field : fields) {
    if (absent(field)) continue;
    out += ' ';
    append_word(out, field.key);
    out += '=';
    append_value(out, field.value, append_word);
  }
}

/// One line without its line end.
void append_record(std::string& out, Format format, Time time, Level level, std::string_view event, std::string_view message,
                   std::string_view process, std::span<const Field> fields) {
  switch (format) {
    case Format::kJson: append_json(out, time, level, event, message, process, fields); break;
    case Format::kText: append_text(out, time, level, event, message, process, fields); break;
  }
}

/// Hands each line to a function, one at a time.
class CallbackSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit CallbackSink(std::function<void(std::string_view)> to) : base_sink(nullptr), to_(std::move(to)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& record) override { to_({record.payload.data(), record.payload.size()}); }
  void flush_() override {}

  const std::function<void(std::string_view)> to_;
};

std::shared_ptr<BatchSink> batch_sink(const Options& options, const std::string& process) {
  return std::make_shared<BatchSink>(
      std::make_unique<Output>(options.file, options.file_bytes_max, options.files_max),
      BatchSink::Limits{options.queue_max, options.queue_bytes_max}, [format = options.format, process](std::uint64_t lost) {
        std::string line;
        const Field facts[] = {{"dropped", lost}};
        append_record(line, format, spdlog::log_clock::now(), Level::kWarn, "log.dropped", "log records were lost", process, facts);
        line += '\n';
        return line;
      });
}

}  // namespace

/// spdlog filters by level and hands records to the sink; they are formatted before, since a record of spdlog's has no room for facts.
struct Logger::State {
  State(const Options& options, const std::string& process, std::function<void(std::string_view)> to)
      : format(options.format),
        payload(options.payload),
        batches(to ? nullptr : batch_sink(options, process)),
        logger(process, to ? spdlog::sink_ptr(std::make_shared<CallbackSink>(std::move(to))) : batches) {
    logger.set_level(spdlog_level(options.level));
    logger.set_error_handler([this](const std::string&) { failed.fetch_add(1, std::memory_order_relaxed); });
  }

  const Format format;
  std::atomic<Payload> payload;
  std::atomic<std::uint64_t> failed = 0;     // no memory for the record
  const std::shared_ptr<BatchSink> batches;  // null when there is a callback; shared since spdlog shares its sinks
  spdlog::logger logger;
};

Logger::Logger(const Options& options, const std::string& process) : Logger(options, process, {}) {}
Logger::Logger(const Options& options, const std::string& process, std::function<void(std::string_view line)> sink)
    : state_(std::make_shared<State>(options, process, std::move(sink))) {}

void Logger::debug(std::string_view event, std::string_view message, std::initializer_list<Field> fields) const {
  write(Level::kDebug, event, message, fields);
}
void Logger::info(std::string_view event, std::string_view message, std::initializer_list<Field> fields) const {
  write(Level::kInfo, event, message, fields);
}
void Logger::warn(std::string_view event, std::string_view message, std::initializer_list<Field> fields) const {
  write(Level::kWarn, event, message, fields);
}
void Logger::error(std::string_view event, std::string_view message, std::initializer_list<Field> fields) const {
  write(Level::kError, event, message, fields);
}

void Logger::write(Level level, std::string_view event, std::string_view message, std::span<const Field> fields) const {
  if (!enabled(level)) return;
  try {
    const Time now = spdlog::log_clock::now();
    thread_local std::string line;
    line.clear();
    append_record(line, state_->format, now, level, event, message, state_->logger.name(), fields);
    state_->logger.log(now, {}, spdlog_level(level), line);
    if (line.capacity() > kLineBytesKept) std::string().swap(line);
  } catch (...) {
    state_->failed.fetch_add(1, std::memory_order_relaxed);
  }
}

bool Logger::enabled(Level level) const noexcept { return level != Level::kOff && state_->logger.should_log(spdlog_level(level)); }

void Logger::set_level(Level level) const noexcept { state_->logger.set_level(spdlog_level(level)); }

Payload Logger::payload() const noexcept { return state_->payload.load(std::memory_order_relaxed); }

void Logger::set_payload(Payload payload) const noexcept { state_->payload.store(payload, std::memory_order_relaxed); }

std::uint64_t Logger::dropped() const noexcept {
  return state_->failed.load(std::memory_order_relaxed) + (state_->batches ? state_->batches->lost() : 0);
}

void Logger::flush() const { state_->logger.flush(); }

}  // namespace hookfleet::log
