#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

/// Structured logging, one line a record. Only user of spdlog.
namespace hookfleet::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };
inline constexpr std::array kLevels{Level::kDebug, Level::kInfo, Level::kWarn, Level::kError, Level::kOff};
/// debug, info, warn, error or off, as settings name them.
std::string_view to_text(Level level);
std::optional<Level> find_level(std::string_view name);
enum class Format { kJson, kText };
/// How much of a notification its records show: all; without phone numbers, names and texts (notification::redact); nothing, no chat id
/// either. Honoured by who writes such a record, not by Logger.
enum class Payload { kFull, kRedacted, kOff };

/// A JSON value that is written as it stands. The caller vouches that it is one JSON value and compact; what could forge a line or act
/// on a terminal is escaped all the same, without a change of the value. Empty: an absent fact.
struct RawJson {
  std::string_view text;
};

/// One fact of a record. The texts are borrowed for the call.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, RawJson>;

  template <class T>
  Field(std::string_view name, const T& fact) : key(name), value(make(fact)) {}

  std::string_view key;
  Value value;

 private:
  template <class T>
  static Value make(const T& fact) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, RawJson> || std::is_same_v<T, double>) {
      return fact;
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      return static_cast<std::int64_t>(fact);
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<std::uint64_t>(fact);
    } else {
      return std::string_view(fact);
    }
  }
};

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kJson;
  std::string file;  ///< empty: stdout; otherwise rotated at file_bytes_max, files_max kept
  std::size_t file_bytes_max = 100UL << 20;
  std::size_t files_max = 5;
  std::size_t queue_max = 32'768;            ///< records that wait for the disk; beyond it the oldest are dropped and counted
  std::size_t queue_bytes_max = 16UL << 20;  ///< and their bytes; while the disk stands still, memory may reach four times as much
  Payload payload = Payload::kFull;
  std::size_t identical_max = 10;  ///< of what may come in floods: records alike that are written within Sampler::kWindow
};

/// Writes records `{"time":…,"level":…,"event":…,"message":…,"process":…,facts…}`, compact, one line each: control characters (C0, DEL,
/// C1), U+2028/2029, bidirectional and invisible ones, and invalid UTF-8 are escaped or replaced, so that no input forges a line. `time` is
/// RFC 3339 UTC with µs, `level` DEBUG, INFO, WARN or ERROR; doubles are written in their shortest form, those that aren't finite as null.
/// As text the same reads `time LEVEL event: message process=… name=value name="with blanks"`.
///
/// `event` is a fixed name ("notification", "system.started"); `message` a fixed sentence; facts go into fields. A text value that is
/// empty is an absent fact and is left out, as are numbers only when the caller leaves them out.
/// spdlog filters and dispatches; records are formatted before that, on the calling thread.
/// Threads: all members from any thread; a call formats and hands over, it never waits for the disk. Copies share one sink.
/// Limits: a line reaches the disk about 5 ms later, many per write. The last copy's destructor writes what waits, for at most a second.
/// Errors: never throws; what the disk refuses is dropped and counted; a record `log.dropped` says so when it is writable again.
class Logger {
 public:
  /// `process` names the program and its instance, e.g. "hookfleet-worker".
  Logger(const Options& options, const std::string& process);
  /// A logger that hands each finished line, without its line end, to `sink` instead, one at a time, on the calling thread
  /// (tests). `sink` must not log.
  Logger(const Options& options, const std::string& process, std::function<void(std::string_view line)> sink);

  void debug(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) const;
  void info(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) const;
  void warn(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) const;
  void error(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) const;
  void write(Level level, std::string_view event, std::string_view message, std::span<const Field> fields) const;

  /// False when a record of `level` would be thrown away: ask before gathering costly facts.
  bool enabled(Level level) const noexcept;
  void set_level(Level level) const noexcept;
  /// For who writes a record that shows a notification.
  Payload payload() const noexcept;
  void set_payload(Payload payload) const noexcept;
  /// Records lost so far (queue full, disk full).
  std::uint64_t dropped() const noexcept;
  /// Waits until what was handed over so far is written, at most a second.
  void flush() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared: copies of a logger write to one sink
};

}  // namespace hookfleet::log
