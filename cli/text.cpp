#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "common/base/ascii.hpp"
#include "common/config/value.hpp"
#include "common/notification/envelope.hpp"

namespace hookfleet::cli {
namespace {

/// One character of UTF-8 at the front: its code and length; length 0 when the first byte isn't the start of one.
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

Character front(std::string_view text) {
  const auto byte = [&](std::size_t at) -> std::uint32_t { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xC2 && lead < 0xE0 ? 2 : 0;
  if (length == 0) return {};
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    code = code << 6U | (byte(i) & 0x3FU);
  }
  const std::uint32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length};
}

/// Acts on a terminal, ends a line, is invisible or changes the order in which the rest is shown.
bool must_be_escaped(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || (code >= 0xE0000 && code <= 0xE0FFF);
}

std::string escape(std::uint32_t code) {
  if (code < 0x10000) return fmt::format("\\u{:04x}", code);
  code -= 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (code >> 10U), 0xDC00 + (code & 0x3FFU));
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  std::array<int, 6> part{};
  static constexpr std::array<std::size_t, 6> kAt{0, 5, 8, 11, 14, 17};
  static constexpr std::array<std::size_t, 6> kDigits{4, 2, 2, 2, 2, 2};
  const std::size_t given = text.size() == 10 ? 3 : text.size() >= 19 ? 6 : text.size() >= 16 ? 5 : 0;
  if (given == 0) return std::nullopt;
  for (std::size_t i = 0; i < given; ++i) {
    const char* begin = text.data() + kAt[i];
    const auto [end, error] = std::from_chars(begin, begin + kDigits[i], part[i]);
    if (error != std::errc() || end != begin + kDigits[i]) return std::nullopt;
    static constexpr std::string_view kBefore = " --T::";
    if (i > 0 && text[kAt[i] - 1] != kBefore[i] && !(i == 3 && (text[10] == 't' || text[10] == ' '))) return std::nullopt;
  }
  using namespace std::chrono;
  const year_month_day date{year{part[0]}, month{static_cast<unsigned>(part[1])}, day{static_cast<unsigned>(part[2])}};
  if (!date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 60) return std::nullopt;
  std::int64_t ms =
      duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count() + (part[3] * 3600LL + part[4] * 60LL + part[5]) * 1000;
  if (given == 3) return ms;
  std::string_view rest = text.substr(given == 6 ? 19 : 16);
  if (given == 6 && rest.starts_with('.')) {
    std::size_t digits = 1;
    std::int64_t scale = 100;
    for (; digits < rest.size() && base::is_digit(rest[digits]); ++digits, scale /= 10) ms += (rest[digits] - '0') * scale;
    if (digits == 1) return std::nullopt;
    rest.remove_prefix(digits);
  }
  if (rest.empty() || rest == "Z" || rest == "z") return ms;
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':') return std::nullopt;
  int hours = 0;
  int minutes = 0;
  const auto two_digits = [&](std::size_t at, int& value) {
    const auto [end, error] = std::from_chars(rest.data() + at, rest.data() + at + 2, value);
    return error == std::errc() && end == rest.data() + at + 2 && value >= 0;
  };
  if (!two_digits(1, hours) || !two_digits(4, minutes)) return std::nullopt;
  const std::int64_t offset = (hours * 60LL + minutes) * 60'000;
  return rest[0] == '+' ? ms - offset : ms + offset;
}

}  // namespace

std::string shown(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const Character c = front(text);
    std::string piece;
    if (c.length == 0) {
      piece = fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (c.code == '\\') {
      piece = "\\\\";
    } else if (must_be_escaped(c.code)) {
      piece = escape(c.code);
    } else {
      piece = text.substr(0, c.length);
    }
    const std::size_t width = width_of(piece);
    if (columns > 0 && used + width > columns - (text.size() > c.length ? 1 : 0)) return out + "…";
    out += piece;
    used += width;
    text.remove_prefix(std::max<std::size_t>(c.length, 1));
  }
  return out;
}

std::string json_text(const Json& value, unsigned indent) {
  const std::string plain = value.dump(indent == 0 ? -1 : static_cast<int>(indent), ' ', false, Json::error_handler_t::replace);
  std::string out;
  out.reserve(plain.size());
  // Only inside strings such a character can stand, but for the line ends of the indentation.
  for (std::string_view rest = plain; !rest.empty();) {
    const Character c = front(rest);
    if (c.length > 0 && c.code != '\n' && must_be_escaped(c.code)) {
      out += escape(c.code);
    } else {
      out += rest.substr(0, std::max<std::size_t>(c.length, 1));
    }
    rest.remove_prefix(std::max<std::size_t>(c.length, 1));
  }
  return out;
}

std::string pretty_body(std::string_view body) {
  // What no worker reads is shown as it is: a DOM would hide why (a key given twice), and a deep one would end the program.
  if (notification::read_envelope(body).malformed == notification::Malformed::kNo) {
    const Json value = Json::parse(body, nullptr, false);
    if (!value.is_discarded()) return json_text(value, 2) + '\n';
  }
  std::string out;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    out += shown(body.substr(0, end)) + '\n';
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  return out;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Character c = front(bytes);
    if (c.length == 0) return false;
    bytes.remove_prefix(c.length);
  }
  return true;
}

std::string time_text(std::int64_t unix_ms) {
  constexpr std::int64_t kLast = 253'402'300'799'999;  // the year 9999
  if (unix_ms <= 0 || unix_ms > kLast) return "-";
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec, unix_ms % 1000);
}

std::string age_text(std::int64_t ms) {
  if (ms < 0) return "-";
  const std::int64_t s = ms / 1000;
  if (s < 60) return fmt::format("{:.1f}s", static_cast<double>(ms) / 1000);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
  return fmt::format("{}d{:02}h", s / 86400, s % 86400 / 3600);
}

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string number_text(double value) {
  if (value == 0) return "0";
  if (std::abs(value) < 1) return fmt::format("{:.2f}", value);
  return fmt::format("{:.{}f}", value, std::abs(value) < 100 ? 1 : 0);
}

tl::expected<std::int64_t, std::string> parse_time(std::string_view text, base::WallTime now) {
  if (const auto moment = parse_rfc3339(text)) return *moment;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number > 0) {
    return number < 100'000'000'000 ? number * 1000 : number;  // seconds until the year 5138, otherwise ms
  }
  if (const auto ago = config::parse_duration(text)) return base::unix_ms(now) - ago->count();
  return tl::unexpected(config::in_quotes(text) +
                        " is no time; write 2026-11-25T23:37:15Z, Unix seconds, or how long ago: 90s, 15min, 2h, 3d");
}

constexpr double kSlowestRate = 1.0 / (24 * 3600);

tl::expected<double, std::string> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view number = text.substr(0, slash);
  const std::string_view unit = slash == std::string_view::npos ? "s" : text.substr(slash + 1);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  const double seconds = unit == "s" ? 1 : unit == "min" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || end != number.data() + number.size() || !(value > 0) || value > 1e6 || seconds == 0) {
    return tl::unexpected(config::in_quotes(text) + " is no rate; write 100/s, 30/min or 10/h");
  }
  if (value / seconds < kSlowestRate) return tl::unexpected(config::in_quotes(text) + " is less than once a day; write 1/h or more");
  return value / seconds;
}

std::string Table::text() const {
  std::vector<std::vector<std::string>> lines{{}};
  std::vector<bool> right;
  for (const std::string& heading : headings_) {
    right.push_back(heading.starts_with('>'));
    lines.front().push_back(right.back() ? heading.substr(1) : heading);
  }
  for (const auto& row : rows_) {
    auto& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(shown(cell));
  }
  std::vector<std::size_t> widths(headings_.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    std::string one;
    for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i) {
      const std::string blanks(widths[i] - width_of(line[i]), ' ');
      one += (i == 0 ? "" : "  ") + (right[i] ? blanks + line[i] : line[i] + blanks);
    }
    one.erase(one.find_last_not_of(' ') + 1);
    out += one + '\n';
  }
  return out;
}

}  // namespace hookfleet::cli
