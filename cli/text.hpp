#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "common/base/clock.hpp"

/// What the verbs show and what users type, as text. Pure. What comes from notifications or Redis goes through shown() or json_text(), so
/// that nothing in it can act on a terminal or forge a line.
namespace hookfleet::cli {

using Json = nlohmann::ordered_json;

/// The text on one line: C0, DEL, C1, U+2028/2029 and what changes the direction of writing become \uXXXX, a byte that isn't UTF-8 \xNN,
/// a backslash \\. Cut behind `columns` characters with "…"; 0: never.
std::string shown(std::string_view text, std::size_t columns = 0);

/// The value as JSON, with the same characters as \u escapes; what isn't UTF-8 becomes U+FFFD. `indent` 0: one line.
std::string json_text(const Json& value, unsigned indent = 0);

/// A body for people: JSON indented, anything else as shown(), line by line.
std::string pretty_body(std::string_view body);

bool is_utf8(std::string_view bytes);

/// `2026-11-25T23:37:15.123Z`; "-" for 0 and for what no calendar has.
std::string time_text(std::int64_t unix_ms);
/// `1.2s`, `3m05s`, `4h12m`, `2d03h`: for people. "-" when negative.
std::string age_text(std::int64_t ms);
/// `1.4 MiB`.
std::string size_text(std::uint64_t bytes);
/// `12.3`, `0.05`, `1840`.
std::string number_text(double value);

/// A moment: RFC 3339 (`2026-11-25T23:37:15Z`, date alone, offset allowed), Unix time in s or ms, or a duration (`2h`: that long ago).
/// The error says what is wrong.
tl::expected<std::int64_t, std::string> parse_time(std::string_view text, base::WallTime now);
/// `100/s`, `5/min`, `100` (a second) → a second; at least once a day, so that no time until the next one overflows.
tl::expected<double, std::string> parse_rate(std::string_view text);

/// Columns that align. Cells are escaped here (shown()).
class Table {
 public:
  /// A heading that begins with '>' is of a column aligned to the right.
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// Heading and rows, each with a line end; no blanks at their ends.
  std::string text() const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hookfleet::cli
