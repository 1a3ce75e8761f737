#include "worker/dispatch/async_runner.hpp"

#include <utility>

#include "common/base/mutex.hpp"

namespace hookfleet::dispatch {

/// Where completions wait for the runner.
struct AsyncRunner::Box {
  base::Mutex mutex;
  std::function<void()> completed HOOKFLEET_GUARDED_BY(mutex);  // empty: nobody waits any more
  std::vector<Completion> completions HOOKFLEET_GUARDED_BY(mutex);

  void put(Completion completion) {
    base::MutexLock lock(mutex);
    completions.push_back(std::move(completion));
    if (completions.size() == 1 && completed) completed();
  }
};

AsyncRunner::AsyncRunner(const base::Clock& clock, std::function<void()> completed) : clock_(clock), box_(std::make_shared<Box>()) {
  base::MutexLock lock(box_->mutex);
  box_->completed = std::move(completed);
}

AsyncRunner::~AsyncRunner() {
  {
    base::MutexLock lock(box_->mutex);
    box_->completed = nullptr;
  }
  for (auto& [partition, source] : cancel_) source.request_stop();
}

void AsyncRunner::start(Job job) {
  const base::BootTime begin = clock_.now();
  if (begin >= job.valid_until) {
    box_->put({std::move(job), false, {}, {}});
    return;
  }
  const std::shared_ptr<const notification::Notification> notification(job.content, &job.content->notification);
  const auto handler = job.action->async;
  handler->start(notification, cancel_[job.partition].get_token(), [box = box_, &clock = clock_, begin, job](handlers::Handled handled) {
    box->put({job, true, std::move(handled), clock.now() - begin});
  });
}

std::vector<Completion> AsyncRunner::take() {
  std::vector<Completion> taken;
  base::MutexLock lock(box_->mutex);
  taken.swap(box_->completions);
  return taken;
}

void AsyncRunner::cancel(unsigned partition) {
  const auto found = cancel_.find(partition);
  if (found == cancel_.end()) return;
  std::stop_source source = std::move(found->second);
  cancel_.erase(found);  // the next tenure's are not asked
  source.request_stop();
}

}  // namespace hookfleet::dispatch
