#include "cli/simulate/push.hpp"

#include <algorithm>
#include <numeric>

#include "common/base/check.hpp"

namespace hookfleet::simulate {

std::uint64_t Push::Tally::sent() const { return std::accumulate(by_kind.begin(), by_kind.end(), std::uint64_t{0}); }

Push::Push(const Options& options, Generator& generator, Ledger& ledger, Clock::time_point now)
    : options_(options),
      apart_(options.per_second > 0 ? std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / options.per_second))
                                    : Clock::duration::zero()),
      generator_(generator),
      ledger_(ledger),
      instances_(generator.instances()),
      free_(generator.instances()),
      due_(now) {
  std::iota(free_.begin(), free_.end(), 0U);
}

std::optional<Push::Send> Push::next(Clock::time_point now, std::int64_t unix_seconds) {
  if (!paused_.empty() && paused_.begin()->first <= now) {
    const unsigned number = paused_.begin()->second;
    paused_.erase(paused_.begin());
    return Send{number, instances_[number].made.body};
  }
  if (finishing_ || free_.empty() || due_ > now) return std::nullopt;
  const unsigned number = free_.front();
  free_.pop_front();
  Instance& instance = instances_[number];
  instance.made = generator_.next(number, unix_seconds);
  instance.first_sent = now;
  instance.begun = true;
  ++begun_;
  // A rate that can't be kept leaves what is missing to the time when it can: the service's queue would, too.
  due_ += apart_;
  ++tally_.by_kind[static_cast<std::size_t>(instance.made.kind)];
  const bool again = instance.made.kind == Kind::kRepeat || instance.made.kind == Kind::kChanged;
  if (!again) ledger_.sent(instance.made.token, instance.made.kind);
  if (tally_.sent() >= options_.count) finish();
  return Send{number, instance.made.body};
}

void Push::answered(unsigned number, int status, std::string_view what, Clock::duration waited, Clock::time_point now) {
  const Instance& instance = instances_.at(number);
  HOOKFLEET_CHECK(instance.begun);
  ++tally_.requests;
  ++tally_.by_answer[status == 0 ? std::string(what) : std::to_string(status)];
  const bool stored = status == 200;
  if (stored) {
    ledger_.acknowledged(instance.made.token);
    ++tally_.acknowledged;
    tally_.latencies.add(waited);
  } else if (now - instance.first_sent < options_.keep) {
    ++tally_.pauses;
    paused_.emplace(now + options_.pause, number);
    return;
  } else {
    ++tally_.given_up;
  }
  end(number);
}

void Push::queued(unsigned number) {
  HOOKFLEET_CHECK(instances_.at(number).begun);
  end(number);
}

void Push::end(unsigned number) {
  instances_[number].begun = false;
  --begun_;
  free_.push_back(number);
}

Push::Clock::time_point Push::wake_at() const {
  Clock::time_point at = Clock::time_point::max();
  if (!paused_.empty()) at = paused_.begin()->first;
  if (!finishing_ && !free_.empty()) at = std::min(at, due_);
  return at;
}

}  // namespace hookfleet::simulate
