#include "common/notification/trace.hpp"

#include <algorithm>

#include "common/base/ascii.hpp"

namespace hookfleet::notification {
namespace {

constexpr std::size_t kTraceIdAt = 3;
constexpr std::size_t kTraceIdSize = 32;

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return base::is_digit(c) || (c >= 'a' && c <= 'f'); });
}
bool is_id(std::string_view text) { return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos; }

}  // namespace

bool is_traceparent(std::string_view text) {
  return text.size() == 55 && text.starts_with("00-") && text[35] == '-' && text[52] == '-' &&
         is_id(text.substr(kTraceIdAt, kTraceIdSize)) && is_id(text.substr(36, 16)) && is_lower_hex(text.substr(53));
}

std::string_view trace_id(std::string_view trace) {
  return is_traceparent(trace) ? trace.substr(kTraceIdAt, kTraceIdSize) : std::string_view();
}

}  // namespace hookfleet::notification
