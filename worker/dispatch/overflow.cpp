#include "worker/dispatch/overflow.hpp"

#include <algorithm>

namespace hookfleet::dispatch {
namespace {

constexpr int kShare = 10;  // while memory is full a rescan takes at most one part of so many of the time

}  // namespace

std::optional<stream::StreamId> Overflow::rescan(const Situation& situation, base::BootTime now) {
  if (under_way_ && (situation.cursor >= until_ || situation.halted)) {
    under_way_ = false;
    took_ = now - began_;
    ended_ = now;
  }
  if (left_out_ && ended_ == base::BootTime{}) ended_ = now;
  std::chrono::nanoseconds pause = kRescanEvery;
  // One that memory held up took long and cost little: hence the bound.
  if (situation.full) pause = std::clamp<std::chrono::nanoseconds>(kShare * took_, kRescanEvery, kRescanPauseMax);
  if (under_way_ || !left_out_ || situation.busy || now < ended_ + pause) return std::nullopt;
  under_way_ = true;
  until_ = situation.cursor;
  began_ = now;
  const stream::StreamId from = std::min(situation.cursor, left_out_->before());
  left_out_.reset();
  lanes_.clear();
  return from;
}

}  // namespace hookfleet::dispatch
