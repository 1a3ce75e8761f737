#include "common/log/logger.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <ctime>
#include <utility>

#include "common/base/mutex.hpp"
#include "common/log/escape.hpp"
#include "common/log/output.hpp"
#include "common/log/writer.hpp"

namespace hookfleet::log {
namespace {

constexpr std::size_t kKeptCapacity = 64UL << 10;

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
void append_time(std::string& out) {
  struct Second {
    std::time_t time = -1;
    std::array<char, 32> text{};
    std::size_t size = 0;
  };
  thread_local Second second;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec != second.time) {
    std::tm utc{};
    ::gmtime_r(&now.tv_sec, &utc);
    second.size = std::strftime(second.text.data(), second.text.size(), "%Y-%m-%dT%H:%M:%S.", &utc);
    second.time = now.tv_sec;
  }
  out.append(second.text.data(), second.size);
  std::array<char, 7> fraction{};
  auto microseconds = static_cast<unsigned>(now.tv_nsec / 1000);
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

void append_json(std::string& out, Level level, std::string_view event, std::string_view message, std::string_view process,
                 std::span<const Field> fields) {
  out += R"({"time":")";
  append_time(out);
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

void append_text(std::string& out, Level level, std::string_view event, std::string_view message, std::string_view process,
                 std::span<const Field> fields) {
  append_time(out);
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

}  // namespace

struct Logger::State {
  State(const Options& options, std::string name, std::function<void(std::string_view)> to)
      : level(options.level), format(options.format), process(std::move(name)), sink(std::move(to)) {
    if (sink) return;
    writer = std::make_unique<Writer>(std::make_unique<Output>(options.file, options.file_bytes_max, options.files_max),
                                      Writer::Limits{options.queue_max, options.queue_bytes_max}, [this](std::uint64_t lost) {
                                        std::string line;
                                        const Field facts[] = {{"dropped", lost}};
                                        append_record(line, Level::kWarn, "log.dropped", "log records were lost", facts);
                                        return line;
                                      });
  }

  /// One line with its line end.
  void append_record(std::string& out, Level record_level, std::string_view event, std::string_view message,
                     std::span<const Field> fields) const {
    switch (format) {
      case Format::kJson: append_json(out, record_level, event, message, process, fields); break;
      case Format::kText: append_text(out, record_level, event, message, process, fields); break;
    }
    out += '\n';
  }

  std::atomic<Level> level;
  const Format format;
  const std::string process;
  const std::function<void(std::string_view)> sink;
  base::Mutex sink_mutex;
  std::atomic<std::uint64_t> not_formatted = 0;  // no memory for the record
  std::unique_ptr<Writer> writer;                // null when there is a sink
};

Logger::Logger(const Options& options, std::string process) : Logger(options, std::move(process), {}) {}
Logger::Logger(const Options& options, std::string process, std::function<void(std::string_view line)> sink)
    : state_(std::make_shared<State>(options, std::move(process), std::move(sink))) {}

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
    thread_local std::string line;
    line.clear();
    state_->append_record(line, level, event, message, fields);
    if (state_->writer) {
      state_->writer->push(line);
    } else {
      base::MutexLock lock(state_->sink_mutex);
      state_->sink(std::string_view(line).substr(0, line.size() - 1));
    }
    if (line.capacity() > kKeptCapacity) std::string().swap(line);
  } catch (...) {
    state_->not_formatted.fetch_add(1, std::memory_order_relaxed);
  }
}

bool Logger::enabled(Level level) const noexcept { return level != Level::kOff && level >= state_->level.load(std::memory_order_relaxed); }

void Logger::set_level(Level level) const noexcept { state_->level.store(level, std::memory_order_relaxed); }

std::uint64_t Logger::dropped() const noexcept {
  return state_->not_formatted.load(std::memory_order_relaxed) + (state_->writer ? state_->writer->lost() : 0);
}

void Logger::flush() const {
  if (state_->writer) state_->writer->flush(std::chrono::milliseconds(1000));
}

}  // namespace hookfleet::log
