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

std::optional<std::uint64_t> Repeats::pass(const std::string& digest, base::BootTime now) {
  Seen& seen = this->seen(digest, now);
  if (now < seen.until) {
    ++seen.held_back;
    return std::nullopt;
  }
  seen.until = now + window_;
  return std::exchange(seen.held_back, 0);
}

void Repeats::keep(const std::string& digest, const Alert& alert) {
  const auto found = seen_.find(digest);
  if (found == seen_.end()) return;
  found->second.latest = alert;
  found->second.latest->body.reset();
}

std::vector<Alert> Repeats::over(base::BootTime now) const {
  std::vector<Alert> alerts;
  for (const auto& [digest, seen] : seen_) {
    if (seen.held_back > 0 && seen.latest && seen.until <= now) alerts.push_back(*seen.latest);
  }
  return alerts;
}

void Repeats::told_by_another(const std::string& digest, std::uint64_t held_back, std::chrono::milliseconds left, base::BootTime now) {
  Seen& seen = this->seen(digest, now);
  seen.held_back += held_back + 1;
  seen.until = now + std::clamp(left, std::chrono::milliseconds(1), window_);
}

void Repeats::lost(const std::string& digest, std::uint64_t held_back) {
  const auto found = seen_.find(digest);
  if (found == seen_.end()) return;
  found->second.held_back += held_back + 1;
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
