#include "ingress/append/outcome.hpp"

namespace hookfleet::append {

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::kStored: return "stored";
    case Outcome::kOverloaded: return "overloaded";
    case Outcome::kUnavailable: return "unavailable";
    case Outcome::kUnknown: return "unknown";
  }
  return "";
}

}  // namespace hookfleet::append
