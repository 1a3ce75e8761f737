#include "common/notification/scalar.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "common/base/ascii.hpp"

namespace hookfleet::notification {
namespace {

using base::is_digit;

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

/// The four hexadecimal digits at `at`.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(at, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      value = value << 4 | static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

struct Escape {
  std::uint32_t code_point;
  std::size_t size;  ///< characters taken, with the backslash
};

/// The escape that starts with the backslash at `at`; a surrogate pair is one.
std::optional<Escape> escape_at(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return std::nullopt;
  switch (text[at + 1]) {
    case '"': return Escape{'"', 2};
    case '\\': return Escape{'\\', 2};
    case '/': return Escape{'/', 2};
    case 'b': return Escape{'\b', 2};
    case 'f': return Escape{'\f', 2};
    case 'n': return Escape{'\n', 2};
    case 'r': return Escape{'\r', 2};
    case 't': return Escape{'\t', 2};
    case 'u': break;
    default: return std::nullopt;
  }
  const auto unit = hex4(text, at + 2);
  if (!unit) return std::nullopt;
  if (*unit < 0xd800 || *unit > 0xdfff) return Escape{*unit, 6};
  const auto low = text.substr(at + 6, 2) == "\\u" ? hex4(text, at + 8) : std::nullopt;
  if (*unit > 0xdbff || !low || *low < 0xdc00 || *low > 0xdfff) return std::nullopt;
  return Escape{0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00), 12};
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xe0 | code_point >> 12);
    } else {
      put(0xf0 | code_point >> 18);
      put(0x80 | (code_point >> 12 & 0x3f));
    }
    put(0x80 | (code_point >> 6 & 0x3f));
  }
  put(0x80 | (code_point & 0x3f));
}

}  // namespace

bool is_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t integer = at;
  at = skip_digits(text, at);
  if (at == integer || (text[integer] == '0' && at - integer > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = at + 1;
    at = skip_digits(text, fraction);
    if (at == fraction) return false;
  }
  bool exponent = false;
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t digits = at;
    at = skip_digits(text, at);
    if (at == digits) return false;
    exponent = true;
  }
  if (at != text.size()) return false;
  constexpr std::size_t kDigitsOfAnyDouble = 308;
  return (!exponent && text.size() <= kDigitsOfAnyDouble) || std::isfinite(std::strtod(std::string(text).c_str(), nullptr));
}

bool has_good_escapes(std::string_view text) {
  for (std::size_t at = text.find('\\'); at != std::string_view::npos;) {
    const auto escape = escape_at(text, at);
    if (!escape) return false;
    at = text.find('\\', at + escape->size);
  }
  return true;
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', done)) {
    out.append(text, done, at - done);
    const auto escape = escape_at(text, at);
    if (!escape) return out;
    append_utf8(out, escape->code_point);
    done = at + escape->size;
  }
  out.append(text, done);
  return out;
}

}  // namespace hookfleet::notification
