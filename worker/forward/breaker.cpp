#include "worker/forward/breaker.hpp"

#include <algorithm>

namespace hookfleet::forward {

Breaker::Permit Breaker::ask(base::BootTime now) {
  switch (state_) {
    case State::kClosed: return Permit::kSend;
    case State::kHalfOpen: return Permit::kNone;  // the probe is under way
    case State::kOpen: break;
  }
  if (now < until_) return Permit::kNone;
  state_ = State::kHalfOpen;
  return Permit::kProbe;
}

Breaker::Change Breaker::succeeded(bool probe) {
  if (!probe && state_ != State::kClosed) return Change::kNone;
  failures_ = 0;
  if (!probe) return Change::kNone;
  state_ = State::kClosed;
  return Change::kClosed;
}

Breaker::Change Breaker::failed(bool probe, base::BootTime now, double random) {
  if (probe) {
    pause_ = std::min(pause_ * 2, options_.pause_max);
    open(now, random);
    return Change::kNone;
  }
  if (state_ != State::kClosed || ++failures_ < options_.failures) return Change::kNone;
  pause_ = std::min(kFirstPause, options_.pause_max);
  open(now, random);
  return Change::kOpened;
}

void Breaker::abandoned(bool probe, base::BootTime now) {
  if (!probe) return;
  state_ = State::kOpen;
  until_ = now;
}

void Breaker::open(base::BootTime now, double random) {
  state_ = State::kOpen;
  const auto spread = std::chrono::duration_cast<std::chrono::milliseconds>(pause_ * (0.8 + 0.4 * std::clamp(random, 0.0, 1.0)));
  until_ = now + std::min(spread, options_.pause_max);
}

}  // namespace hookfleet::forward
