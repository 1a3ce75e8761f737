#include "common/alert/repeats.hpp"

#include <algorithm>
#include <utility>

namespace hookfleet::alert {

Repeats::Seen& Repeats::seen(const std::string& digest, base::BootTime now) {
  if (seen_.size() >= kMax && !seen_.contains(digest)) {
    std::erase_if(seen_, [now](const auto& one) { return one.second.until <= now; });
    if (seen_.size() >= kMax) seen_.erase(seen_.begin());
  }
  return seen_[digest];
}

// One more, that happened at `at`, and those before it.
void Repeats::Seen::add(const HeldBack& before, base::WallTime at) {
  if (before.count > 0) at = std::min(at, before.first);
  held_back.first = held_back.count > 0 ? std::min(held_back.first, at) : at;
  held_back.count += before.count + 1;
}

std::optional<Repeats::HeldBack> Repeats::pass(const std::string& digest, base::WallTime at, base::BootTime now) {
  Seen& seen = this->seen(digest, now);
  if (now < seen.until) {
    seen.add({}, at);
    return std::nullopt;
  }
  seen.until = now + window_;
  return std::exchange(seen.held_back, {});
}

void Repeats::keep(const std::string& digest, const Alert& alert, base::WallTime at) {
  const auto found = seen_.find(digest);
  if (found == seen_.end()) return;
  found->second.latest = {alert, at};
  found->second.latest->alert.body.reset();
}

std::vector<Repeats::Kept> Repeats::over(base::BootTime now) const {
  std::vector<Kept> alerts;
  for (const auto& [digest, seen] : seen_) {
    if (seen.held_back.count > 0 && seen.latest && seen.until <= now) alerts.push_back(*seen.latest);
  }
  return alerts;
}

void Repeats::told_by_another(const std::string& digest, const HeldBack& held_back, base::WallTime at, std::chrono::milliseconds left,
                              base::BootTime now) {
  Seen& seen = this->seen(digest, now);
  seen.add(held_back, at);
  seen.until = now + std::clamp(left, std::chrono::milliseconds(1), window_);
}

void Repeats::lost(const std::string& digest, const HeldBack& held_back, base::WallTime at) {
  const auto found = seen_.find(digest);
  if (found == seen_.end()) return;
  found->second.add(held_back, at);
  found->second.until = {};
}

bool RateCap::take(base::BootTime now) {
  if (next(now) > now) return false;
  full_at_ = std::max(full_at_, now) + every_;
  return true;
}

base::BootTime RateCap::next(base::BootTime now) const {
  // One place more must fit below the burst.
  return std::max(now, full_at_ - every_ * (burst_ - 1));
}

bool Lasting::due(bool goes_on, base::BootTime now) {
  if (!goes_on) {
    due_at_.reset();
    return false;
  }
  if (!due_at_) due_at_ = now + delay_;
  if (now < *due_at_) return false;
  due_at_ = now + every_;
  return true;
}

}  // namespace hookfleet::alert
