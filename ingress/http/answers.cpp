#include "ingress/http/answers.hpp"

namespace hookfleet::http {
namespace {

constexpr bool in_order() {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (kAnswers[i].outcome != static_cast<Outcome>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "answer() looks an outcome up by its number");
static_assert(answer(Outcome::kStored).status == append::http_status(append::Outcome::kStored));
static_assert(answer(Outcome::kOverloaded).status == append::http_status(append::Outcome::kOverloaded));
static_assert(answer(Outcome::kUnavailable).status == append::http_status(append::Outcome::kUnavailable));
static_assert(answer(Outcome::kUnknown).status == append::http_status(append::Outcome::kUnknown));

}  // namespace

Outcome from(append::Outcome outcome) {
  switch (outcome) {
    case append::Outcome::kStored: return Outcome::kStored;
    case append::Outcome::kOverloaded: return Outcome::kOverloaded;
    case append::Outcome::kUnavailable: return Outcome::kUnavailable;
    case append::Outcome::kUnknown: return Outcome::kUnknown;
  }
  return Outcome::kUnknown;  // unreachable while the switch is exhaustive
}

}  // namespace hookfleet::http
