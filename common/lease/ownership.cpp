#include "common/lease/ownership.hpp"

#include <algorithm>

namespace hookfleet::lease {

using namespace std::chrono_literals;

bool Ownership::acquire_due(base::BootTime now) const {
  if (acquiring_ || releasing_ || now < next_try_) return false;
  switch (state_) {
    case State::kNone: return true;
    case State::kRecovering:
    case State::kRunning: return now >= valid_until_;
    case State::kDraining: return false;
  }
  return false;
}

Ownership::Acquired Ownership::acquired(const std::variant<Held, Refused>& answer, base::BootTime sent, base::BootTime now) {
  acquiring_ = false;
  if (const auto* refused = std::get_if<Refused>(&answer)) {
    sighting_.saw(*refused, now);
    // Its end is when it can be had, to the millisecond; a Redis clock that stepped back must not make us wait for hours.
    next_try_ = now + std::clamp(refused->remaining + 1ms, 10ms, timers_.heartbeat);
    return Acquired::kRefused;
  }
  const auto& held = std::get<Held>(answer);
  sighting_.forget();
  renew_at_ = sent + timers_.renew;
  if (this->owned() && held.epoch == epoch_) {
    valid_until_ = std::max(valid_until_, sent + timers_.validity);
    return Acquired::kResumed;
  }
  ++serial_;
  epoch_ = held.epoch;
  state_ = State::kRecovering;
  valid_until_ = sent + timers_.validity;
  owned_before_ = true;
  return Acquired::kTaken;
}

void Ownership::acquire_failed(base::BootTime now) {
  acquiring_ = false;
  next_try_ = now + timers_.heartbeat;
}

void Ownership::recovered() {
  if (state_ == State::kRecovering) state_ = State::kRunning;
}

void Ownership::renewed(base::BootTime sent) { valid_until_ = std::max(valid_until_, sent + timers_.validity); }

void Ownership::drain() {
  if (owned()) state_ = State::kDraining;
}

void Ownership::release_sent() {
  releasing_ = std::move(epoch_);
  epoch_.clear();
  state_ = State::kNone;
  owned_before_ = false;
}

void Ownership::lost() {
  epoch_.clear();
  state_ = State::kNone;
}

void Ownership::disconnected() {
  acquiring_ = false;
  next_try_ = {};
  renew_at_ = {};
}

}  // namespace hookfleet::lease
