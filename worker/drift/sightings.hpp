#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "common/base/clock.hpp"
#include "common/stream/news.hpp"
#include "worker/dispatch/arrival.hpp"

/// Drift: what comes that nobody has described.
namespace hookfleet::drift {

/// A kind that this process has not seen before: is it new to the fleet?
struct Claim {
  std::uint64_t number = 0;
  stream::Kind kind;
  std::string news;                                  ///< stream::News::text() of its first notification
  std::shared_ptr<const dispatch::Content> content;  ///< that notification
};

/// Remembers which kinds are known to be known, and which are to be claimed in Redis (stream::claim_news). Whose claim is the first of the
/// fleet is told of it, once: a claim whose reply is lost is made again, as it was. Pure: time comes in, claims go out.
///
/// Bounded whatever is sent: kKnownMax names of at most stream::kNewsNameMax bytes, kClaimsMax claims with their notifications. What comes
/// beyond that is left out until it comes again.
/// Threads: one.
class Sightings {
 public:
  static constexpr std::size_t kKnownMax = 2 * stream::kNewsMax;
  static constexpr std::size_t kClaimsMax = 64;
  static constexpr std::chrono::seconds kPauseWhenRefused{10};
  static constexpr std::chrono::seconds kPauseWhenFull{600};

  /// `worker`: our name.
  explicit Sightings(std::string worker) : worker_(std::move(worker)) {}

  /// A notification came, for the first time. It holds what its body isn't described in (Content::unknown).
  void see(const std::shared_ptr<const dispatch::Content>& content, base::BootTime now);
  /// The next claim to be made; valid until another member is called. answered(), refused() or disconnected() follows.
  const Claim* next();
  /// The reply to a claim. Given back: it is news, to be told.
  std::optional<Claim> answered(std::uint64_t number, stream::NewsAnswer::Claimed claimed, base::BootTime now);
  /// Redis answered with an error: nothing is claimed for a while.
  void refused(std::uint64_t number, base::BootTime now);
  /// What was claimed and not answered is claimed again.
  void disconnected() { asked_ = 0; }

  std::size_t known() const { return known_.size(); }
  std::size_t claims() const { return claims_.size(); }

 private:
  std::optional<Claim> take(std::uint64_t number);

  const std::string worker_;
  std::unordered_set<std::string> known_;  // fields of hf:news
  std::deque<Claim> claims_;               // oldest first; the first asked_ of them are under way
  std::size_t asked_ = 0;
  std::uint64_t numbers_ = 0;
  base::BootTime quiet_until_{};
};

}  // namespace hookfleet::drift
