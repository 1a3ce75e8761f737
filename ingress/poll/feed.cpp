#include "ingress/poll/feed.hpp"

#include <algorithm>
#include <utility>

namespace hookfleet::poll {

using greenapi::Failure;
using greenapi::FailureKind;

namespace {

constexpr unsigned kDoublingsMax = 20;

}  // namespace

Feed::Wish Feed::wish(base::BootTime now) const {
  if (busy() || now < next_) return Wish::kNothing;
  if (receipt_) return Wish::kRemove;
  return draining_ ? Wish::kNothing : Wish::kReceive;
}

void Feed::receive_sent(base::BootTime now) {
  step_ = Step::kReceiving;
  received_at_ = now;
}

std::optional<greenapi::Received> Feed::received(greenapi::Decoded<std::optional<greenapi::Received>> answer, base::BootTime now,
                                                 double dice) {
  step_ = Step::kNone;
  if (!answer) {
    failed(answer.error(), now, dice);
    return std::nullopt;
  }
  trouble_.reset();
  if (!*answer) {
    failures_ = 0;
    next_ = std::max(now, received_at_ + kEmptySpacing);
    return std::nullopt;
  }
  step_ = Step::kAppending;
  appending_ = (*answer)->receipt_id;
  return **std::move(answer);
}

void Feed::appended(append::Outcome outcome, base::BootTime now, double dice) {
  step_ = Step::kNone;
  if (outcome != append::Outcome::kStored) return rest(backoff(dice), now);  // it is given again
  failures_ = 0;
  receipt_ = appending_;
  next_ = now;
}

void Feed::removed(const greenapi::Decoded<greenapi::Removed>& answer, base::BootTime now, double dice) {
  step_ = Step::kNone;
  if (answer) {  // "not removed" means that it was already
    const bool gone = answer->removed && removed_ != receipt_;
    removed_ = std::exchange(receipt_, std::nullopt);
    failures_ = 0;
    trouble_.reset();
    next_ = std::max(now, received_at_ + (gone ? kSpacing : kEmptySpacing));
    return;
  }
  // Refused for good, or pushed from now on: should it come again, it is a repeat, and dropped as one.
  const FailureKind kind = answer.error().kind;
  if (draining_ || kind == FailureKind::kRefused || kind == FailureKind::kWebhookSet) receipt_.reset();
  failed(answer.error(), now, dice);
}

void Feed::drain(base::BootTime now) {
  if (!std::exchange(draining_, true) && receipt_) next_ = std::min(next_, now);
}

void Feed::hurry(base::BootTime now) {
  failures_ = 0;
  next_ = now;
}

void Feed::failed(const Failure& failure, base::BootTime now, double dice) {
  trouble_ = failure;
  switch (failure.kind) {
    case FailureKind::kRetry:
    case FailureKind::kThrottled:
      return rest(std::max(backoff(dice), std::chrono::nanoseconds(failure.retry_after.value_or(std::chrono::milliseconds(0)))), now);
    case FailureKind::kUnreadable:
    case FailureKind::kWebhookSet:
    case FailureKind::kNotReady: return rest(pauses_.retry_max, now);
    case FailureKind::kUnauthorized:
    case FailureKind::kQuota:
    case FailureKind::kRefused: return rest(pauses_.refused, now);
  }
}

void Feed::rest(std::chrono::nanoseconds pause, base::BootTime now) { next_ = now + pause; }

// Between half of the pause and all of it.
std::chrono::nanoseconds Feed::backoff(double dice) {
  const auto pause =
      std::min<std::chrono::milliseconds>(pauses_.retry_max, pauses_.retry_first * (1LL << std::min(failures_, kDoublingsMax)));
  ++failures_;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(pause * (0.5 + dice / 2));
}

}  // namespace hookfleet::poll
