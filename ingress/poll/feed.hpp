#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/base/clock.hpp"
#include "common/greenapi/answer.hpp"
#include "ingress/append/outcome.hpp"
#include "ingress/poll/options.hpp"

namespace hookfleet::poll {

/// One instance's queue at the service as we work through it: receive → append → remove, one step at a time. Pure: time and answers come
/// in, what is to be done is asked. Whether we may (the lease) is its owner's business.
///
/// Kept, whatever comes: a notification is removed only after its append was *stored*; a removal that failed is asked for again before the
/// next receive, so that the next notification never overtakes.
/// Threads: one. `pauses` outlives the object. `dice`: a random number from 0 to 1, so that a thousand instances don't come back in step.
class Feed {
 public:
  /// Two receives of an instance are at least so far apart: the service takes 100 a second.
  static constexpr std::chrono::milliseconds kSpacing{11};
  /// After an empty answer that came at once (the service should have waited), and after a removal that took nothing away (it would be
  /// given, and stored, again and again), the next receive is so long after the last.
  static constexpr std::chrono::milliseconds kEmptySpacing{1000};

  explicit Feed(const Pauses& pauses) : pauses_(pauses) {}

  enum class Wish { kNothing, kReceive, kRemove };
  /// What is to be done now. Nothing while a step is under way, while the instance rests, and, when draining, once nothing is in hand.
  Wish wish(base::BootTime now) const;
  /// When wish() may change by time alone.
  base::BootTime due() const { return busy() || (draining_ && !receipt_) ? base::BootTime::max() : next_; }
  /// A step is under way: an answer will come.
  bool busy() const { return step_ != Step::kNone; }
  bool receiving() const { return step_ == Step::kReceiving; }
  /// Nothing is under way or in hand.
  bool idle() const { return !busy() && !receipt_; }
  /// Of the notification that is to be removed; 0: none.
  std::int64_t receipt() const { return receipt_.value_or(0); }

  void receive_sent(base::BootTime now);
  void remove_sent() { step_ = Step::kRemoving; }

  /// The answer to a receive. The notification, if there is one, is to be appended: appended() is due.
  std::optional<greenapi::Received> received(greenapi::Decoded<std::optional<greenapi::Received>> answer, base::BootTime now, double dice);
  void appended(append::Outcome outcome, base::BootTime now, double dice);
  void removed(const greenapi::Decoded<greenapi::Removed>& answer, base::BootTime now, double dice);
  /// What is under way has ended, and its answer doesn't count: it was cancelled, or isn't ours to use any more.
  void abandoned() { step_ = Step::kNone; }
  /// The tenure is over: what is in hand is the next owner's, who gets it again.
  void forget() { receipt_.reset(); }

  /// Receive no more; what is in hand is stored and removed, with one try, for which no pause counts.
  void drain(base::BootTime now);
  /// A new tenure: of failures in an earlier one nothing is known any more.
  void begin() {
    draining_ = false;
    failures_ = 0;
    trouble_.reset();
  }
  /// Its settings have changed: no pause counts any more.
  void hurry(base::BootTime now);

  /// What hinders the instance, and the last answer that said so; nothing after one that was fine.
  const std::optional<greenapi::Failure>& trouble() const { return trouble_; }

 private:
  enum class Step { kNone, kReceiving, kAppending, kRemoving };
  void failed(const greenapi::Failure& failure, base::BootTime now, double dice);
  void rest(std::chrono::nanoseconds pause, base::BootTime now);
  std::chrono::nanoseconds backoff(double dice);

  const Pauses& pauses_;
  Step step_ = Step::kNone;
  bool draining_ = false;
  std::optional<std::int64_t> receipt_;  // stored, to be removed
  std::int64_t appending_ = 0;           // the receipt of what is being appended
  std::optional<std::int64_t> removed_;  // the last that the service said it removed
  base::BootTime received_at_{};         // when the last receive was sent
  base::BootTime next_{};
  unsigned failures_ = 0;  // in a row
  std::optional<greenapi::Failure> trouble_;
};

}  // namespace hookfleet::poll
