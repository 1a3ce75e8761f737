#include "common/greenapi/account.hpp"

#include <algorithm>
#include <cstddef>

#include "common/base/ascii.hpp"
#include "common/web/url.hpp"

namespace hookfleet::greenapi {
namespace {

constexpr std::size_t kPoolDigits = 4;
constexpr std::size_t kTokenMax = 256;

bool stands_in_token(char c) { return base::is_letter_or_digit(c) || c == '-' || c == '_'; }

}  // namespace

std::string default_api_url(std::uint64_t id_instance) {
  const std::string digits = std::to_string(id_instance);
  if (digits.size() <= kPoolDigits) return "https://api.green-api.com";
  const std::string pool = digits.substr(0, kPoolDigits);
  return "https://" + pool + (pool == "3100" || pool == "4100" ? ".api.green-api.com" : ".api.greenapi.com");
}

std::optional<std::string> check_api_url(const std::string& url) {
  if (auto problem = web::check_url(url)) return problem;
  if (url.find('?') != std::string::npos) return "an API address has no query (?…)";
  return std::nullopt;
}

std::optional<std::string> check_api_token(std::string_view token) {
  if (token.empty()) return "is empty";
  if (token.size() > kTokenMax) return "is longer than " + std::to_string(kTokenMax) + " characters: is it the apiTokenInstance?";
  if (!std::all_of(token.begin(), token.end(), stands_in_token)) {
    return "holds other characters than letters, digits, - and _: is it the apiTokenInstance?";
  }
  return std::nullopt;
}

}  // namespace hookfleet::greenapi
