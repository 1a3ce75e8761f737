#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/simulation/schedule.hpp"

namespace hookfleet::simulation {

/// The one clock of a run, and what happens when. Events of one time happen in the order in which they were asked for.
class Timeline {
 public:
  Time now() const { return now_; }

  void at(Time delay, std::function<void()> action) {
    std::size_t slot = actions_.size();
    if (free_.empty()) {
      actions_.push_back(std::move(action));
    } else {
      slot = free_.back();
      free_.pop_back();
      actions_[slot] = std::move(action);
    }
    events_.push_back({now_ + std::max(delay, Time(0)), ++order_, slot});
    std::push_heap(events_.begin(), events_.end());
  }
  /// When the next event is due; nothing: there is none.
  std::optional<Time> next() const { return events_.empty() ? std::nullopt : std::optional(events_.front().at); }
  /// The next event happens.
  void step() {
    const Event event = events_.front();
    std::pop_heap(events_.begin(), events_.end());
    events_.pop_back();
    now_ = event.at;
    const std::function<void()> action = std::move(actions_[event.slot]);
    actions_[event.slot] = nullptr;
    free_.push_back(event.slot);
    action();
  }

 private:
  struct Event {
    Time at;
    std::uint64_t order;
    std::size_t slot;
    bool operator<(const Event& other) const { return std::tie(other.at, other.order) < std::tie(at, order); }
  };
  Time now_{};
  std::uint64_t order_ = 0;
  std::vector<Event> events_;
  std::vector<std::function<void()>> actions_;  // by slot, so that the heap moves little
  std::vector<std::size_t> free_;
};

}  // namespace hookfleet::simulation
