#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/base/clock.hpp"

namespace hookfleet::alert {

/// Which alerts this process has told within the window, so that a flood of one never leaves it; whether the *fleet* has told it is
/// Redis' to say. Pure. Threads: one at a time.
class Repeats {
 public:
  static constexpr std::size_t kMax = 4096;  ///< remembered; beyond it those that ended are forgotten, then any

  explicit Repeats(std::chrono::milliseconds window) : window_(window) {}

  /// How many were held back, and when the first of them happened.
  struct HeldBack {
    std::uint64_t count = 0;
    base::WallTime first{};  ///< where count isn't 0
    bool operator==(const HeldBack&) const = default;
  };
  /// What was held back since the last one that passed; nothing when this one, which happens at `at`, is held back too.
  std::optional<HeldBack> pass(const std::string& digest, base::WallTime at, base::BootTime now);
  struct Kept {
    Alert alert;
    base::WallTime at;  ///< when it happened
  };
  /// Keeps the latest, told or held back, without its body, to be given by over().
  void keep(const std::string& digest, const Alert& alert, base::WallTime at);
  /// Of those whose windows have ended with something held back and nothing after it, the latest kept: to be passed again.
  std::vector<Kept> over(base::BootTime now) const;
  /// One that passed, and happened at `at`, was not told after all: another process had told it, and its window lasts for `left`. It and
  /// those held back before it are told with the next.
  void told_by_another(const std::string& digest, const HeldBack& held_back, base::WallTime at, std::chrono::milliseconds left,
                       base::BootTime now);
  /// One that passed, and happened at `at`, was lost on its way: the next one passes and tells how many were held back.
  void lost(const std::string& digest, const HeldBack& held_back, base::WallTime at);

 private:
  struct Seen {
    base::BootTime until{};
    HeldBack held_back{};
    std::optional<Kept> latest{};
    void add(const HeldBack& before, base::WallTime at);
  };
  Seen& seen(const std::string& digest, base::BootTime now);

  const std::chrono::milliseconds window_;
  std::unordered_map<std::string, Seen> seen_;
};

/// At most `per_minute` in any minute in the long run, `burst` at once. Pure. Threads: one at a time.
class RateCap {
 public:
  RateCap(unsigned per_minute, unsigned burst) : every_(std::chrono::nanoseconds(std::chrono::minutes(1)) / per_minute), burst_(burst) {}

  /// Takes a place if there is one.
  bool take(base::BootTime now);
  /// When there is one at the earliest.
  base::BootTime next(base::BootTime now) const;

 private:
  const std::chrono::nanoseconds every_;
  const unsigned burst_;
  base::BootTime full_at_{};  ///< when all places are free again
};

/// Says when something that goes on is to be told: after it has lasted for `delay`, and again each `every`. Pure. Threads: one at a time.
class Lasting {
 public:
  Lasting(std::chrono::milliseconds delay, std::chrono::milliseconds every) : delay_(delay), every_(every) {}

  bool due(bool goes_on, base::BootTime now);

 private:
  const std::chrono::milliseconds delay_, every_;
  std::optional<base::BootTime> due_at_;
};

}  // namespace hookfleet::alert
