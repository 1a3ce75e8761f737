#include "worker/retry/type_holds.hpp"

#include <algorithm>

namespace hookfleet::retry {

using notification::TypeWebhook;

void TypeHolds::learn(unsigned partition, std::span<const std::pair<std::string, stream::TypeHold>> holds) {
  std::erase_if(known_, [&](const auto& known) { return known.first.first == partition && known.second.writing == Writing::kNo; });
  for (const auto& [name, hold] : holds) {
    const auto type = notification::find_type_webhook(name);
    if (type) known_.try_emplace({partition, *type}, Known{hold, Writing::kNo});
  }
  count_held();
}

void TypeHolds::forget(unsigned partition) {
  if (known_.empty()) return;
  std::erase_if(known_, [&](const auto& known) { return known.first.first == partition; });
  count_held();
}

void TypeHolds::crashed(unsigned partition, stream::StreamId entry, TypeWebhook type, std::span<const unsigned> ours, std::int64_t now_ms) {
  Known& known = known_[{partition, type}];
  auto& crashes = known.hold.crashes;
  const bool counted = std::any_of(crashes.begin(), crashes.end(), [&](const auto& crash) { return crash.entry == entry; });
  if (!counted) crashes.push_back({entry, now_ms});
  if (crashes.size() > stream::TypeHold::kCrashesMax) crashes.erase(crashes.begin());
  known.writing = Writing::kDue;
  if (held_.test(static_cast<std::size_t>(type)) || crashes_of(type, now_ms - options_.hold_window.count()) > options_.hold_after) {
    for (const unsigned held : ours) {
      Known& there = known_[{held, type}];
      if (there.hold.held()) continue;
      there.hold.since_ms = now_ms;
      there.writing = Writing::kDue;
    }
  }
  count_held();
}

bool TypeHolds::knows(unsigned partition) const {
  return std::any_of(known_.begin(), known_.end(), [&](const auto& known) { return known.first.first == partition; });
}

std::vector<TypeHolds::Write> TypeHolds::take_due(unsigned partition) {
  std::vector<Write> due;
  for (auto& [key, known] : known_) {
    if (key.first != partition || known.writing != Writing::kDue) continue;
    known.writing = Writing::kSent;
    due.push_back({key.second, &known.hold});
  }
  return due;
}

bool TypeHolds::due(unsigned partition) const {
  return std::any_of(known_.begin(), known_.end(),
                     [&](const auto& known) { return known.first.first == partition && known.second.writing == Writing::kDue; });
}

void TypeHolds::written(unsigned partition, TypeWebhook type) {
  const auto found = known_.find({partition, type});
  if (found != known_.end() && found->second.writing == Writing::kSent) found->second.writing = Writing::kNo;
}

void TypeHolds::unwritten(unsigned partition, TypeWebhook type) {
  const auto found = known_.find({partition, type});
  if (found != known_.end() && found->second.writing == Writing::kSent) found->second.writing = Writing::kDue;
}

void TypeHolds::disconnected() {
  for (auto& [key, known] : known_) {
    if (known.writing == Writing::kSent) known.writing = Writing::kDue;
  }
}

void TypeHolds::count_held() {
  held_.reset();
  for (const auto& [key, known] : known_) {
    if (known.hold.held()) held_.set(static_cast<std::size_t>(key.second));
  }
}

std::size_t TypeHolds::crashes_of(TypeWebhook type, std::int64_t since_ms) const {
  std::size_t count = 0;
  for (const auto& [key, known] : known_) {
    if (key.second != type) continue;
    count += static_cast<std::size_t>(
        std::count_if(known.hold.crashes.begin(), known.hold.crashes.end(), [&](const auto& crash) { return crash.at_ms >= since_ms; }));
  }
  return count;
}

}  // namespace hookfleet::retry
