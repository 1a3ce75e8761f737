#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ingress/append/outcome.hpp"

namespace hookfleet::http {

/// What a request to the main port comes to. The values of hookfleet_ingress_deliveries_total{outcome}.
enum class Outcome : std::uint8_t {
  kStored,
  kOverloaded,         ///< not me, try another: queue, memory, or the appender is stopping
  kUnavailable,        ///< tried for the whole deadline; certainly not stored
  kUnknown,            ///< tried for the whole deadline; perhaps stored
  kDraining,           ///< not me: this process is stopping
  kUnauthorized,       ///< no or wrong token
  kForbiddenAddress,   ///< right token, but the address isn't listed (mode enforce)
  kForbiddenInstance,  ///< right token, but not for the instance that path or body names
  kNotFound,
  kMethod,
  kTooLarge,  ///< nginx refused the body; the token was right
};
inline constexpr std::size_t kOutcomes = static_cast<std::size_t>(Outcome::kTooLarge) + 1;

Outcome from(append::Outcome outcome);

/// The answer policy (design: "Answers to the sender"): the sender takes exactly 200 as success and repeats anything else after 60 s,
/// holding back all that follow; so every other answer is deliberate. nginx tries the next ingress on 503 only.
struct Answer {
  Outcome outcome;
  std::string_view label;  ///< metric label
  int status;
  std::string_view error;   ///< of the body `{"error":"…"}`; empty for 200
  std::string_view header;  ///< name of one more header; empty: none
  std::string_view value;   ///< its value
};

inline constexpr std::array<Answer, kOutcomes> kAnswers{{
    {Outcome::kStored, "stored", 200, "", "", ""},
    {Outcome::kOverloaded, "overloaded", 503, "overloaded", "Retry-After", "1"},
    {Outcome::kUnavailable, "unavailable", 504, "storage unavailable", "", ""},
    {Outcome::kUnknown, "unknown", 504, "storage did not answer", "", ""},
    {Outcome::kDraining, "draining", 503, "draining", "Retry-After", "1"},
    {Outcome::kUnauthorized, "unauthorized", 401, "unauthorized", "WWW-Authenticate", "Bearer"},
    {Outcome::kForbiddenAddress, "forbidden_address", 403, "address not allowed", "", ""},
    {Outcome::kForbiddenInstance, "forbidden_instance", 403, "token is not for this instance", "", ""},
    {Outcome::kNotFound, "not_found", 404, "not found", "", ""},
    {Outcome::kMethod, "method", 405, "method not allowed", "Allow", "POST"},
    {Outcome::kTooLarge, "too_large", 413, "body too large", "", ""},
}};

constexpr const Answer& answer(Outcome outcome) { return kAnswers[static_cast<std::size_t>(outcome)]; }

}  // namespace hookfleet::http
