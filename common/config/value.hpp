#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace hookfleet::config {

/// The value, or what is wrong with the text: "is not a whole number". Blanks around are not allowed, between number and unit they are.
tl::expected<std::uint64_t, std::string> parse_count(std::string_view text);
tl::expected<std::uint64_t, std::string> parse_bytes(std::string_view text);
tl::expected<std::uint64_t, std::string> parse_percent(std::string_view text);
tl::expected<std::chrono::milliseconds, std::string> parse_duration(std::string_view text);
tl::expected<bool, std::string> parse_flag(std::string_view text);

/// In the largest unit that keeps it whole: `4MiB`, `1536`, `25h`, `1500ms`.
std::string format_bytes(std::uint64_t bytes);
std::string format_duration(std::chrono::milliseconds duration);

/// For a message: in quotes, control characters escaped, cut after 60 bytes.
std::string in_quotes(std::string_view text);
/// With control characters as \x1b: what comes from a file must not act on a terminal.
std::string printable(std::string_view text);

/// The parts between separators; an empty text is one empty part.
std::vector<std::string> split(std::string_view text, char separator);
/// The texts in one, `separator` between them.
std::string joined(const std::vector<std::string>& texts, std::string_view separator);

/// `text` with every ${NAME} replaced by `variable(NAME)` and every $${ by ${, or what is wrong.
template <class Variable>
tl::expected<std::string, std::string> expand(std::string_view text, const Variable& variable) {
  std::string result;
  while (true) {
    const std::size_t start = text.find("${");
    if (start == std::string_view::npos) return result.append(text);
    if (start > 0 && text[start - 1] == '$') {
      result.append(text.substr(0, start)).append("{");
      text.remove_prefix(start + 2);
      continue;
    }
    const std::size_t end = text.find('}', start);
    const std::string name(text.substr(start + 2, end == std::string_view::npos ? 0 : end - start - 2));
    if (name.empty() || name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
      return tl::unexpected(std::string("has a ${ that doesn't begin ${NAME}; write $${ for a plain ${"));
    }
    const std::optional<std::string> value = variable(name);
    if (!value) return tl::unexpected("needs the environment variable " + name + ", which is not set; set it, or write $${ for a plain ${");
    result.append(text.substr(0, start)).append(*value);
    text.remove_prefix(end + 1);
  }
}

}  // namespace hookfleet::config
