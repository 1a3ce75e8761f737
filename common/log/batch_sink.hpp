#pragma once

#include <spdlog/sinks/sink.h>
#include <atomic>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "common/base/mutex.hpp"
#include "common/log/output.hpp"

namespace hookfleet::log {

/// spdlog's way to an Output: takes finished records from any thread and writes them on its own thread, many per write(2). A record waits
/// up to 5 ms for company, so that a busy process wakes the thread 200 times a second instead of once a record. (spdlog's own async logger
/// wakes its pool once a record, and its file sinks lose count of what stdio's buffer could not write.)
class BatchSink final : public spdlog::sinks::sink {
 public:
  struct Limits {
    std::size_t lines_max;
    std::size_t bytes_max;
  };
  /// `notice` makes the line, with its end, that tells of that many lost ones; it is written when the output takes lines again, at most
  /// once a second.
  BatchSink(std::unique_ptr<Output> output, Limits limits, std::function<std::string(std::uint64_t lost)> notice);
  /// Writes what waits, for at most a second.
  ~BatchSink() override;

  /// The payload is one line without its line end. Never waits for the output; drops the oldest lines when a limit is reached.
  void log(const spdlog::details::log_msg& record) override HOOKFLEET_EXCLUDES(mutex_);
  /// Until everything logged before is written or lost, at most a second.
  void flush() override HOOKFLEET_EXCLUDES(mutex_);
  void set_pattern(const std::string&) override {}  ///< without effect: records come formatted
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
  std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  void run() HOOKFLEET_EXCLUDES(mutex_);
  void write(std::string_view lines);
  bool half_full() const HOOKFLEET_REQUIRES(mutex_);
  void drop_oldest() HOOKFLEET_REQUIRES(mutex_);

  // Set at construction
  const std::unique_ptr<Output> output_;  // its thread's
  const Limits limits_;
  const std::function<std::string(std::uint64_t)> notice_;

  std::atomic<std::uint64_t> lost_ = 0;
  std::atomic<std::int64_t> give_up_at_ = INT64_MAX;  // steady clock, ns

  // Its thread's
  std::uint64_t lost_noticed_ = 0;
  std::chrono::steady_clock::time_point noticed_{};

  // Guarded by mutex_
  base::Mutex mutex_;
  base::CondVar work_;     // for the thread
  base::CondVar written_;  // for flush()
  std::string bytes_ HOOKFLEET_GUARDED_BY(mutex_);
  std::size_t begin_ HOOKFLEET_GUARDED_BY(mutex_) = 0;  // of the oldest line in bytes_
  std::size_t lines_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::uint64_t logged_ HOOKFLEET_GUARDED_BY(mutex_) = 0;    // lines so far
  std::uint64_t finished_ HOOKFLEET_GUARDED_BY(mutex_) = 0;  // of them, written or lost
  unsigned flushing_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  bool idle_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;

  // Last on purpose: it must stop before anything above is destroyed.
  std::jthread thread_;
};

}  // namespace hookfleet::log
