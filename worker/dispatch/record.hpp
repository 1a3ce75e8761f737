#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/stream/dead_letter.hpp"
#include "worker/dispatch/arrival.hpp"

namespace hookfleet::dispatch {

/// How an attempt ended.
enum class Outcome : std::uint8_t { kDone, kIgnored, kRepeat, kRetry, kDead };
inline constexpr std::size_t kOutcomes = 5;
std::string_view to_text(Outcome outcome);

/// What is to be told of one attempt.
struct Record {
  std::shared_ptr<const Content> content;
  unsigned partition = 0;
  Outcome outcome = Outcome::kDone;
  unsigned attempt = 1;
  bool first = false;                   ///< no attempt at this entry has left a record before, by whichever worker
  std::chrono::nanoseconds duration{};  ///< of the handler; 0 when none ran
  bool changed = false;                 ///< known, with other content
  std::string first_id;                 ///< of a repeat: `id` of the one that was handled
  std::string reason;                   ///< of retry and dead; of a repeat that isn't literally one: why it was dropped
  std::optional<stream::DeadClass> dead_class;
  bool unavailable = false;             ///< of retry: it cost no attempt
  std::string action;                   ///< of one that an action's target kept from being done: the action's name
  std::chrono::milliseconds blocked{};  ///< of retry, what it needs being away: for how long the chat has been waiting
};

}  // namespace hookfleet::dispatch
