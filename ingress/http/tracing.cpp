#include "ingress/http/tracing.hpp"

#include <algorithm>

namespace hookfleet::http {
namespace {

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_id(std::string_view text) { return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos; }

bool may_stand_in_an_id(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("._:-/=").find(c) != std::string_view::npos;
}

}  // namespace

bool is_request_id(std::string_view text) {
  constexpr std::size_t kMax = 128;
  return !text.empty() && text.size() <= kMax && std::all_of(text.begin(), text.end(), may_stand_in_an_id);
}

bool is_traceparent(std::string_view text) {
  return text.size() == 55 && text.starts_with("00-") && text[35] == '-' && text[52] == '-' && is_id(text.substr(3, 32)) &&
         is_id(text.substr(36, 16)) && is_lower_hex(text.substr(53));
}

}  // namespace hookfleet::http
