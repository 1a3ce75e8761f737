#pragma once

#include <string_view>

namespace hookfleet::append {

/// What became of an entry.
enum class Outcome {
  kStored,       ///< durable, as `durability.required` says: the only one that may be acknowledged
  kOverloaded,   ///< not taken: queue full, Redis' memory above its limit, or stopping. Certainly not stored
  kUnavailable,  ///< tried until its deadline (or the end). Certainly not stored
  kUnknown,      ///< tried until its deadline, three appends or the end; sent at least once without an answer. Perhaps stored
};

std::string_view to_text(Outcome outcome);

/// The sender removes a notification on 200 and repeats it after 60 s on anything else (GREEN-API, "Working with incoming webhooks").
constexpr int http_status(Outcome outcome) {
  switch (outcome) {
    case Outcome::kStored: return 200;
    case Outcome::kOverloaded: return 503;  // not me: nginx tries the next ingress
    case Outcome::kUnavailable:             // tried for the whole deadline: nginx must not try again elsewhere
    case Outcome::kUnknown: return 504;     // perhaps stored: the repeat is recognised by dedup
  }
  return 500;  // unreachable while the switch is exhaustive
}

}  // namespace hookfleet::append
