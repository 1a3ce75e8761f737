#include "worker/partition/hold.hpp"

#include <algorithm>

namespace hookfleet::partition {

using namespace std::chrono_literals;

bool Hold::acquire_due(base::BootTime now) const {
  if (acquiring_ || releasing_ || now < next_try_) return false;
  switch (state_) {
    case State::kNone: return true;
    case State::kRecovering:
    case State::kRunning: return now >= valid_until_;
    case State::kDraining: return false;
  }
  return false;
}

Hold::Acquired Hold::acquired(const std::variant<lease::Held, lease::Refused>& answer, base::BootTime sent, base::BootTime now) {
  acquiring_ = false;
  if (const auto* refused = std::get_if<lease::Refused>(&answer)) {
    sighting_.saw(*refused, now);
    // Its end is when it can be had, to the millisecond; a Redis clock that stepped back must not make us wait for hours.
    next_try_ = now + std::clamp(refused->remaining + 1ms, 10ms, timers_.heartbeat);
    return Acquired::kRefused;
  }
  const auto& held = std::get<lease::Held>(answer);
  sighting_.forget();
  renew_at_ = sent + timers_.renew;
  if (this->held() && held.epoch == epoch_) {
    valid_until_ = std::max(valid_until_, sent + timers_.validity);
    return Acquired::kResumed;
  }
  ++serial_;
  epoch_ = held.epoch;
  state_ = State::kRecovering;
  valid_until_ = sent + timers_.validity;
  held_before_ = true;
  return Acquired::kTaken;
}

void Hold::acquire_failed(base::BootTime now) {
  acquiring_ = false;
  next_try_ = now + timers_.heartbeat;
}

void Hold::recovered() {
  if (state_ == State::kRecovering) state_ = State::kRunning;
}

void Hold::renewed(base::BootTime sent) { valid_until_ = std::max(valid_until_, sent + timers_.validity); }

void Hold::drain() {
  if (held()) state_ = State::kDraining;
}

void Hold::release_sent() {
  releasing_ = std::move(epoch_);
  epoch_.clear();
  state_ = State::kNone;
  held_before_ = false;
}

void Hold::lost() {
  epoch_.clear();
  state_ = State::kNone;
}

void Hold::disconnected() {
  acquiring_ = false;
  next_try_ = {};
  renew_at_ = {};
}

}  // namespace hookfleet::partition
