#include "common/lifecycle/health.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"

namespace hookfleet::lifecycle {
namespace {

std::string seconds(std::chrono::nanoseconds duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

Health::Health(const base::Clock& clock) : clock_(clock) {}

void Health::require(const std::string& part, std::chrono::milliseconds grace) {
  base::MutexLock lock(mutex_);
  Part required;
  required.grace = grace;
  required.since = clock_.now();
  required.reason = "starting";
  HOOKFLEET_CHECK(parts_.emplace(part, std::move(required)).second);
}

void Health::ready(const std::string& part) {
  base::MutexLock lock(mutex_);
  const auto known = parts_.find(part);
  HOOKFLEET_CHECK(known != parts_.end());
  known->second.was_ready = known->second.is_ready = true;
  known->second.reason.clear();
}

void Health::unready(const std::string& part, std::string reason) {
  base::MutexLock lock(mutex_);
  const auto known = parts_.find(part);
  HOOKFLEET_CHECK(known != parts_.end());
  if (known->second.is_ready) known->second.since = clock_.now();
  known->second.is_ready = false;
  known->second.reason = std::move(reason);
}

void Health::stopping() {
  base::MutexLock lock(mutex_);
  stopping_ = true;
}

void Health::watch(const std::string& loop, std::chrono::milliseconds max_silence) {
  base::MutexLock lock(mutex_);
  Loop watched;
  watched.max_silence = max_silence;
  HOOKFLEET_CHECK(loops_.emplace(loop, watched).second);
}

void Health::beat(const std::string& loop) {
  base::MutexLock lock(mutex_);
  const auto known = loops_.find(loop);
  HOOKFLEET_CHECK(known != loops_.end());
  known->second.armed = true;
  ++known->second.beats;
  known->second.last = clock_.now();
}

std::string Health::hung(std::chrono::milliseconds limit) {
  base::MutexLock lock(mutex_);
  const base::BootTime now = clock_.now();
  const auto step = std::min<std::chrono::nanoseconds>(now - std::exchange(look_before_, now), kLookMax);
  std::string names;
  for (auto& [name, loop] : loops_) {
    if (!loop.armed) continue;
    const bool beaten = std::exchange(loop.seen, loop.beats) != loop.beats;
    loop.silent = beaten ? std::chrono::nanoseconds(0) : loop.silent + step;
    if (loop.silent >= limit) names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

metrics::Health Health::livez() const {
  base::MutexLock lock(mutex_);
  metrics::Health health;
  const base::BootTime now = clock_.now();
  for (const auto& [name, loop] : loops_) {
    if (!loop.armed || now - loop.last <= loop.max_silence) continue;
    health.ok = false;
    health.text += name + ": silent for " + seconds(now - loop.last) + "\n";
  }
  if (health.ok) health.text = "alive\n";
  return health;
}

metrics::Health Health::readyz() const {
  base::MutexLock lock(mutex_);
  if (stopping_) return {false, "stopping\n"};
  metrics::Health health;
  std::string reasons;
  const base::BootTime now = clock_.now();
  for (const auto& [name, part] : parts_) {
    if (part.is_ready) continue;
    if (!part.was_ready || now - part.since >= part.grace) health.ok = false;
    reasons += name + ": " + part.reason + " (for " + seconds(now - part.since) + ")\n";
  }
  health.text = (health.ok ? "ready\n" : "not ready\n") + reasons;
  return health;
}

}  // namespace hookfleet::lifecycle
