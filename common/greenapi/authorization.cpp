#include "common/greenapi/authorization.hpp"

#include <algorithm>

#include "common/base/ascii.hpp"

namespace hookfleet::greenapi {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view without_scheme(std::string_view text) {
  for (const std::string_view scheme : {"bearer", "basic"}) {
    if (text.size() <= scheme.size() || (text[scheme.size()] != ' ' && text[scheme.size()] != '\t')) continue;
    if (std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) { return a == base::lower(b); })) {
      return without_blanks(text.substr(scheme.size()));
    }
  }
  return text;
}

}  // namespace

std::string_view token_of(std::string_view authorization) {
  const std::string_view token = without_scheme(without_blanks(authorization));
  return std::any_of(token.begin(), token.end(), is_control) ? std::string_view() : token;
}

}  // namespace hookfleet::greenapi
