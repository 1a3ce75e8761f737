#include "common/log/batch_sink.hpp"

#include <spdlog/details/log_msg.h>

#include <algorithm>
#include <utility>

#include "common/base/thread.hpp"

namespace hookfleet::log {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kCompany{5};
constexpr std::chrono::milliseconds kFlush{1000};
constexpr std::chrono::milliseconds kNoticeWindow{1000};
constexpr std::size_t kBatchBytesKept = 1UL << 20;

std::int64_t nanoseconds(SteadyClock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

BatchSink::BatchSink(std::unique_ptr<Output> output, Limits limits, std::function<std::string(std::uint64_t)> notice)
    : output_(std::move(output)), limits_(limits), notice_(std::move(notice)), thread_(base::start_thread("log", [this] { run(); })) {}

BatchSink::~BatchSink() {
  give_up_at_ = nanoseconds(SteadyClock::now() + kFlush);
  base::MutexLock lock(mutex_);
  stopping_ = true;
  work_.notify_one();
}

void BatchSink::log(const spdlog::details::log_msg& record) {
  const std::string_view line(record.payload.data(), record.payload.size());
  base::MutexLock lock(mutex_);
  const bool was_half_full = half_full();
  while (lines_ > 0 && (lines_ >= limits_.lines_max || bytes_.size() - begin_ + line.size() + 1 > limits_.bytes_max)) drop_oldest();
  bytes_.reserve(bytes_.size() + line.size() + 1);  // without memory: neither the line nor half of it
  bytes_.append(line);
  bytes_ += '\n';
  ++lines_;
  ++logged_;
  if (idle_ || (!was_half_full && half_full())) work_.notify_one();
}

void BatchSink::flush() {
  const auto deadline = SteadyClock::now() + kFlush;
  base::MutexLock lock(mutex_);
  const std::uint64_t target = logged_;
  ++flushing_;
  work_.notify_one();
  while (finished_ < target) {
    const auto left = deadline - SteadyClock::now();
    if (left <= SteadyClock::duration::zero()) break;
    written_.wait_for(mutex_, left);
  }
  --flushing_;
}

bool BatchSink::half_full() const { return lines_ >= limits_.lines_max / 2 || bytes_.size() - begin_ >= limits_.bytes_max / 2; }

void BatchSink::drop_oldest() {
  begin_ = bytes_.find('\n', begin_) + 1;
  --lines_;
  lost_.fetch_add(1, std::memory_order_relaxed);
  if (begin_ >= bytes_.size() - begin_) {  // moves no more bytes than were dropped since the last time
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
}

void BatchSink::run() {
  std::string batch;
  for (;;) {
    std::size_t begin = 0;
    std::uint64_t last = 0;
    {
      base::MutexLock lock(mutex_);
      while (lines_ == 0 && !stopping_) {
        idle_ = true;
        work_.wait(mutex_);
        idle_ = false;
      }
      if (lines_ == 0) break;
      batch.swap(bytes_);
      begin = std::exchange(begin_, 0);
      lines_ = 0;
      last = logged_;
    }
    write(std::string_view(batch).substr(begin));
    batch.clear();
    if (batch.capacity() > kBatchBytesKept) batch.shrink_to_fit();

    base::MutexLock lock(mutex_);
    finished_ = last;
    written_.notify_all();
    const auto deadline = SteadyClock::now() + kCompany;
    while (!stopping_ && flushing_ == 0 && !half_full()) {
      const auto left = deadline - SteadyClock::now();
      if (left <= SteadyClock::duration::zero()) break;
      work_.wait_for(mutex_, left);
    }
  }
  noticed_ = {};
  write({});
}

void BatchSink::write(std::string_view lines) {
  const auto give_up = [this] { return nanoseconds(SteadyClock::now()) >= give_up_at_.load(std::memory_order_relaxed); };
  const auto missing = lines.substr(output_->write(lines, give_up));
  if (!missing.empty()) {
    lost_.fetch_add(static_cast<std::uint64_t>(std::count(missing.begin(), missing.end(), '\n')), std::memory_order_relaxed);
    return;
  }
  const std::uint64_t lost = this->lost();
  const auto now = SteadyClock::now();
  if (lost == lost_noticed_ || now - noticed_ < kNoticeWindow) return;
  noticed_ = now;
  const std::string line = notice_(lost - lost_noticed_);
  if (output_->write(line, give_up) == line.size()) lost_noticed_ = lost;
}

}  // namespace hookfleet::log
