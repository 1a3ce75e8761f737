#include "common/config/value.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <utility>

namespace hookfleet::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From small to large.
constexpr std::array kSizes{Unit{"B", 1}, Unit{"KiB", 1ULL << 10}, Unit{"MiB", 1ULL << 20}, Unit{"GiB", 1ULL << 30},
                            Unit{"TiB", 1ULL << 40}};
constexpr std::array kTimes{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"min", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};
constexpr std::string_view kTooLarge = "is too large";

struct Amount {
  std::uint64_t number = 0;
  std::string_view unit;
};

tl::expected<Amount, std::string> parse_amount(std::string_view text, std::string_view what) {
  Amount amount;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, amount.number);
  if (error == std::errc::result_out_of_range) return tl::unexpected(std::string(kTooLarge));
  if (error != std::errc{}) return tl::unexpected("is not " + std::string(what));
  amount.unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  if (const std::size_t start = amount.unit.find_first_not_of(' '); start != 0 && start != std::string_view::npos)
    amount.unit.remove_prefix(start);
  return amount;
}

tl::expected<std::uint64_t, std::string> scale(const Amount& amount, std::span<const Unit> units, std::uint64_t max) {
  for (const Unit& unit : units) {
    if (unit.name != amount.unit) continue;
    if (amount.number > max / unit.factor) return tl::unexpected(std::string(kTooLarge));
    return amount.number * unit.factor;
  }
  return tl::unexpected(std::string("has an unknown unit"));
}

std::string format(std::uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

tl::expected<std::uint64_t, std::string> parse_count(std::string_view text) {
  auto amount = parse_amount(text, "a whole number");
  if (!amount) return tl::unexpected(std::move(amount).error());
  if (!amount->unit.empty()) return tl::unexpected(std::string("is not a whole number"));
  return amount->number;
}

tl::expected<std::uint64_t, std::string> parse_bytes(std::string_view text) {
  auto amount = parse_amount(text, "a size");
  if (!amount) return tl::unexpected(std::move(amount).error());
  if (amount->unit.empty()) return amount->number;
  return scale(*amount, kSizes, std::numeric_limits<std::size_t>::max());
}

tl::expected<std::uint64_t, std::string> parse_percent(std::string_view text) {
  auto amount = parse_amount(text, "a share");
  if (!amount) return tl::unexpected(std::move(amount).error());
  if (amount->unit.empty()) return tl::unexpected(std::string("has no %"));
  if (amount->unit != "%") return tl::unexpected(std::string("is not a share"));
  return amount->number;
}

tl::expected<std::chrono::milliseconds, std::string> parse_duration(std::string_view text) {
  auto amount = parse_amount(text, "a duration");
  if (!amount) return tl::unexpected(std::move(amount).error());
  if (amount->unit.empty()) return tl::unexpected(std::string("has no unit"));
  auto value = scale(*amount, kTimes, static_cast<std::uint64_t>(std::chrono::milliseconds::max().count()));
  if (!value) return tl::unexpected(std::move(value).error());
  return std::chrono::milliseconds(*value);
}

tl::expected<bool, std::string> parse_flag(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off"}) {
    if (text == no) return false;
  }
  return tl::unexpected(std::string("is neither true nor false"));
}

std::string format_bytes(std::uint64_t bytes) {
  std::string text = format(bytes, kSizes);
  if (!text.ends_with("iB")) text.pop_back();  // plain bytes go without a unit
  return text;
}

std::string format_duration(std::chrono::milliseconds duration) { return format(static_cast<std::uint64_t>(duration.count()), kTimes); }

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::size_t size = text.size();
  if (size > kShown) {
    size = kShown;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;  // not within a UTF-8 character
  }
  return '"' + printable(text.substr(0, size)) + (size < text.size() ? "…\"" : "\"");
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      result += "\\x";
      result += kDigits[byte >> 4U];
      result += kDigits[byte & 0xFU];
    } else {
      result += c;
    }
  }
  return result;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string result;
  for (const std::string& text : texts) {
    if (!result.empty()) result += separator;
    result += text;
  }
  return result;
}

}  // namespace hookfleet::config
