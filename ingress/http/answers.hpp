#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
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
  kForbiddenAddress,   ///< the address isn't listed (mode enforce)
  kForbiddenInstance,  ///< right token, but not for the instance that the body names
  kNotFound,
  kMethod,
  kTooLarge,  ///< right token, but the body is over the limit
  kContinue,  ///< nginx asked before it takes a large body: the sender may; the delivery itself comes then
  kFailed,    ///< a bug of ours: handling the request threw
};
inline constexpr std::size_t kOutcomes = static_cast<std::size_t>(Outcome::kFailed) + 1;

Outcome from(append::Outcome outcome);

/// Whether an answer is told to the operator as an alert.
enum class Told : std::uint8_t {
  kNo,
  kRightToken,     ///< when the token was right: the sender holds back what follows (kDeliveryRefused)
  kListedAddress,  ///< when the address is in the allowlist: the sender lacks the right token (kTokenRefused)
};

/// The answer policy (docs/webhook.md): the sender takes exactly 200 as success and repeats anything else after 60 s,
/// holding back all that follow; so every other answer is deliberate. nginx tries the next ingress on 503 only.
struct Answer {
  Outcome outcome;
  std::string_view label;  ///< metric label
  int status;
  std::string_view error;   ///< of the body `{"error":"…"}`; empty for 200 and 204
  std::string_view header;  ///< name of one more header; empty: none
  std::string_view value;   ///< its value
  Told told;
};

inline constexpr std::array<Answer, kOutcomes> kAnswers{{
    {Outcome::kStored, "stored", 200, "", "", "", Told::kNo},
    {Outcome::kOverloaded, "overloaded", 503, "overloaded", "Retry-After", "1", Told::kRightToken},
    {Outcome::kUnavailable, "unavailable", 504, "storage unavailable", "", "", Told::kRightToken},
    {Outcome::kUnknown, "unknown", 504, "storage did not answer", "", "", Told::kRightToken},
    {Outcome::kDraining, "draining", 503, "draining", "Retry-After", "1", Told::kNo},
    {Outcome::kUnauthorized, "unauthorized", 401, "unauthorized", "WWW-Authenticate", "Bearer", Told::kListedAddress},
    {Outcome::kForbiddenAddress, "forbidden_address", 403, "address not allowed", "", "", Told::kRightToken},
    {Outcome::kForbiddenInstance, "forbidden_instance", 403, "token is not for this instance", "", "", Told::kRightToken},
    {Outcome::kNotFound, "not_found", 404, "not found", "", "", Told::kRightToken},
    {Outcome::kMethod, "method", 405, "method not allowed", "Allow", "POST", Told::kRightToken},
    {Outcome::kTooLarge, "too_large", 413, "body too large", "", "", Told::kRightToken},
    {Outcome::kContinue, "continue", 204, "", "", "", Told::kNo},
    {Outcome::kFailed, "failed", 500, "internal error", "", "", Told::kRightToken},
}};

constexpr const Answer& answer(Outcome outcome) { return kAnswers[static_cast<std::size_t>(outcome)]; }

/// The body of an outcome's answer (none for 204); `id` is the entry's.
std::string body_of(Outcome outcome, std::string_view id);

/// How a request wants its answer.
struct Form {
  bool head = false;   ///< HEAD: headers only
  bool close = false;  ///< the connection isn't kept
};
/// A response's bytes; `header` and `request_id` may be empty. Our own words rather than the library's: it writes "Connection: Close" for a
/// request without that header (nginx then opens a connection for each), sends a body to HEAD, and drops headers it has no class for.
std::string response(int status, std::string_view header, std::string_view value, std::string_view request_id, std::string_view body,
                     Form form);

}  // namespace hookfleet::http
