#include "ingress/http/tracing.hpp"

#include <algorithm>

#include "common/base/ascii.hpp"

namespace hookfleet::http {
namespace {

bool may_stand_in_an_id(char c) { return base::is_letter_or_digit(c) || std::string_view("._:-/=").find(c) != std::string_view::npos; }

}  // namespace

bool is_request_id(std::string_view text) {
  constexpr std::size_t kMax = 128;
  return !text.empty() && text.size() <= kMax && std::all_of(text.begin(), text.end(), may_stand_in_an_id);
}

}  // namespace hookfleet::http
