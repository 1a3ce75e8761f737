#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/clock.hpp"
#include "common/lease/lease.hpp"

namespace hookfleet::lease {

/// How long members and what they hold are waited for. All members of a kind should have the same.
struct Timers {
  std::chrono::milliseconds heartbeat{2000};
  std::chrono::milliseconds member_ttl{8000};
  std::chrono::milliseconds lease_ttl{10'000};
  std::chrono::milliseconds renew{2500};
  std::chrono::milliseconds validity{8000};  ///< from before the renewal was sent; past it nothing is begun
  std::chrono::milliseconds drain{20'000};   ///< on SIGTERM
};

/// One lease (a partition's, an instance's) as this process sees it. Pure: time and replies come in, what to send is asked.
///
///   none → recovering → running → draining → none; lost from anywhere.
///
/// Recovering: ours, but what was begun in an earlier tenure has not all ended, so that nothing is read or started yet.
/// A tenure is told from the one before by its serial number: what belongs to an earlier one is void.
/// Threads: one. `timers` outlives the object.
class Ownership {
 public:
  enum class State { kNone, kRecovering, kRunning, kDraining };

  explicit Ownership(const Timers& timers) : timers_(timers) {}

  State state() const { return state_; }
  bool owned() const { return state_ != State::kNone; }
  const std::string& epoch() const { return epoch_; }  ///< of the tenure; empty when there is none
  unsigned long serial() const { return serial_; }     ///< of the tenure, or of the last one
  bool owned_before() const { return owned_before_; }  ///< held now, or lost without having been given back
  bool valid(base::BootTime now) const { return owned() && now < valid_until_; }
  base::BootTime valid_until() const { return valid_until_; }

  /// True when the lease should be asked for: it isn't held, or is held but no longer valid, and no question is under way.
  /// After a refusal not before the other's lease ends, nor more often than every heartbeat.
  bool acquire_due(base::BootTime now) const;
  /// When acquire_due() may become true by time alone.
  base::BootTime next_try() const { return next_try_; }
  /// What to ask with: the epoch whose state is in memory, and the state seen unchanged.
  std::string_view known_epoch() const { return epoch_; }
  std::string_view unchanged(base::BootTime now) const { return sighting_.unchanged(timers_.lease_ttl, now); }
  void acquire_sent() { acquiring_ = true; }
  /// acquire_sent() was called and there is no answer yet.
  bool asking() const { return acquiring_; }

  enum class Acquired {
    kRefused,
    kResumed,  ///< what is in memory holds
    kTaken,    ///< a new tenure: what is in memory of an earlier one is void
  };
  Acquired acquired(const std::variant<Held, Refused>& answer, base::BootTime sent, base::BootTime now);
  /// Redis said something else.
  void acquire_failed(base::BootTime now);

  /// Everything begun in earlier tenures has ended.
  void recovered();

  bool renew_due(base::BootTime now) const { return owned() && now >= renew_at_; }
  base::BootTime renew_at() const { return renew_at_; }
  void renew_sent(base::BootTime now) { renew_at_ = now + timers_.renew; }
  /// `sent`: when the renewal was.
  void renewed(base::BootTime sent);

  /// Hand over: read and start nothing more.
  void drain();
  /// Nothing is left: the lease is given up. It is not asked for again before released().
  void release_sent();
  void released() { releasing_.reset(); }
  /// The epoch of a release that Redis has not confirmed.
  const std::optional<std::string>& releasing() const { return releasing_; }

  /// Another has it, or had.
  void lost();
  /// The connection is gone: no reply comes to what was asked; renew at once when there is another.
  void disconnected();

 private:
  const Timers& timers_;
  State state_ = State::kNone;
  bool acquiring_ = false;
  bool owned_before_ = false;
  unsigned long serial_ = 0;
  std::string epoch_;
  base::BootTime valid_until_{}, renew_at_{}, next_try_{};
  Sighting sighting_;
  std::optional<std::string> releasing_;
};

}  // namespace hookfleet::lease
