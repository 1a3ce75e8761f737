#include "cli/simulate/token.hpp"

#include <charconv>

#include <fmt/format.h>

namespace hookfleet::simulate {
namespace {

/// A number at the beginning of `rest`, which loses it and `end`.
template <class Number>
bool take(std::string_view& rest, Number& number, int base, char end) {
  const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number, base);
  if (error != std::errc() || stop == rest.data() + rest.size() || *stop != end) return false;
  rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()) + 1);
  return true;
}

}  // namespace

std::string Token::text() const { return fmt::format("{:08x}.{}.{}.{}", run, instance, chat, sequence); }

std::optional<Token> Token::find(std::string_view body) {
  // A service may have written the JSON anew, with a blank behind the colon.
  constexpr std::string_view kName = "\"simulated\":";
  const std::size_t at = body.find(kName);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = body.substr(at + kName.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  if (!rest.starts_with('"')) return std::nullopt;
  rest.remove_prefix(1);
  Token token;
  if (take(rest, token.run, 16, '.') && take(rest, token.instance, 10, '.') && take(rest, token.chat, 10, '.') &&
      take(rest, token.sequence, 10, '"')) {
    return token;
  }
  return std::nullopt;
}

}  // namespace hookfleet::simulate
