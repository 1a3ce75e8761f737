#include "worker/dispatch/handler_pool.hpp"

#include <exception>
#include <utility>

#include "common/base/thread.hpp"

namespace hookfleet::dispatch {
namespace {

handlers::Handled run_handler(const Job& job, const std::stop_token& cancel) {
  try {
    return job.action->handler->handle(job.content->notification, cancel);
  } catch (const std::exception& error) {
    return handlers::Handled::retry(std::string("exception: ") + error.what());
  } catch (...) {
    return handlers::Handled::retry("exception of an unknown type");
  }
}

}  // namespace

HandlerPool::HandlerPool(std::size_t threads, const base::Clock& clock, std::function<void()> completed)
    : clock_(clock), completed_(std::move(completed)), running_(threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.push_back(base::start_thread("handler-" + std::to_string(i), [this, i] { run(i); }));
  }
}

HandlerPool::~HandlerPool() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
}

// Threads are woken one after the other, each by the one before that found more to do: handlers that take microseconds then run on a few
// threads that never sleep, those that take seconds soon on all.
bool HandlerPool::wake_another() {
  if (jobs_.empty() || idle_ == 0 || waking_) return false;
  waking_ = true;
  return true;
}

void HandlerPool::start(std::vector<Job> jobs) {
  bool wake = false;
  {
    base::MutexLock lock(mutex_);
    for (Job& job : jobs) jobs_.push_back(std::move(job));
    wake = wake_another();
  }
  if (wake) work_.notify_one();
}

std::vector<Completion> HandlerPool::take() {
  std::vector<Completion> taken;
  base::MutexLock lock(mutex_);
  taken.swap(completions_);
  return taken;
}

std::vector<HandlerPool::Overdue> HandlerPool::overdue(std::chrono::nanoseconds timeout) {
  std::vector<Overdue> late;
  const base::BootTime now = clock_.now();
  base::MutexLock lock(mutex_);
  for (Running& running : running_) {
    if (running.job == nullptr || running.told || now - running.since <= timeout) continue;
    running.told = true;
    running.cancel.request_stop();
    late.push_back({*running.job, now - running.since});
  }
  return late;
}

std::size_t HandlerPool::running_longer_than(std::chrono::nanoseconds timeout) const {
  const base::BootTime now = clock_.now();
  base::MutexLock lock(mutex_);
  std::size_t count = 0;
  for (const Running& running : running_) count += running.job != nullptr && now - running.since > timeout ? 1U : 0U;
  return count;
}

void HandlerPool::cancel(unsigned partition) {
  base::MutexLock lock(mutex_);
  for (Running& running : running_) {
    if (running.job != nullptr && running.job->partition == partition) running.cancel.request_stop();
  }
}

void HandlerPool::run(std::size_t thread) {
  for (;;) {
    Completion completion;
    bool wake = false;
    base::BootTime begin;
    std::stop_token cancel;
    {
      base::MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_) {
        ++idle_;
        work_.wait(mutex_);
        --idle_;
        waking_ = false;
      }
      if (stopping_) return;
      completion.job = std::move(jobs_.front());
      jobs_.pop_front();
      begin = clock_.now();
      Running& running = running_[thread];
      running.job = &completion.job;
      running.since = begin;
      running.told = false;
      if (running.cancel.stop_requested()) running.cancel = {};
      cancel = running.cancel.get_token();
      wake = wake_another();
    }
    if (wake) work_.notify_one();

    if (begin < completion.job.valid_until) {
      completion.started = true;
      completion.handled = run_handler(completion.job, cancel);
      completion.duration = clock_.now() - begin;
    }
    bool first = false;
    {
      base::MutexLock lock(mutex_);
      running_[thread].job = nullptr;
      first = completions_.empty();
      completions_.push_back(std::move(completion));
    }
    if (first) completed_();
  }
}

}  // namespace hookfleet::dispatch
