#include "common/log/escape.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hookfleet::log {
namespace {

enum class Inside { kString, kValue };

constexpr std::uint64_t kOnes = 0x0101010101010101U;
constexpr std::uint64_t kHighs = 0x8080808080808080U;

/// The high bit of some byte is set when one of the eight bytes is `byte` (exact in "any or none"; Hacker's Delight 6-1).
constexpr std::uint64_t any_equal(std::uint64_t word, unsigned char byte) {
  const std::uint64_t difference = word ^ (kOnes * byte);
  return (difference - kOnes) & ~difference & kHighs;
}

/// Eight bytes at a time: none of them needs a closer look.
template <Inside kInside>
bool eight_plain(const unsigned char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  std::uint64_t special = (word & kHighs) | ((word - kOnes * 0x20) & ~word & kHighs) | any_equal(word, 0x7F);
  if constexpr (kInside == Inside::kString) special |= any_equal(word, '"') | any_equal(word, '\\');
  return special == 0;
}

constexpr bool continues(unsigned char byte) { return (byte & 0xC0) == 0x80; }

/// Length of the well-formed UTF-8 sequence (Unicode table 3-7) that starts with a byte >= 0x80, or 0.
std::size_t sequence_length(const unsigned char* at, const unsigned char* end) {
  const auto left = static_cast<std::size_t>(end - at);
  const unsigned char lead = at[0];
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return left >= 2 && continues(at[1]) ? 2 : 0;
  if (lead < 0xF0) {
    if (left < 3 || !continues(at[1]) || !continues(at[2])) return 0;
    if (lead == 0xE0 && at[1] < 0xA0) return 0;   // overlong
    if (lead == 0xED && at[1] >= 0xA0) return 0;  // surrogates
    return 3;
  }
  if (left < 4 || !continues(at[1]) || !continues(at[2]) || !continues(at[3])) return 0;
  if (lead == 0xF0 && at[1] < 0x90) return 0;   // overlong
  if (lead == 0xF4 && at[1] >= 0x90) return 0;  // beyond U+10FFFF
  return 4;
}

void append_unicode_escape(std::string& out, unsigned code) {
  if (code > 0xFFFF) {
    append_unicode_escape(out, 0xD800 + ((code - 0x10000) >> 10U));
    code = 0xDC00 + (code & 0x3FFU);
  }
  constexpr char kHex[] = "0123456789abcdef";
  const char escape[] = {'\\', 'u', kHex[code >> 12 & 15U], kHex[code >> 8 & 15U], kHex[code >> 4 & 15U], kHex[code & 15U]};
  out.append(escape, sizeof escape);
}

template <Inside kInside>
void append_special(std::string& out, unsigned char byte) {
  constexpr bool kValue = kInside == Inside::kValue;
  switch (byte) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += kValue ? " " : "\\n"; break;
    case '\r': out += kValue ? " " : "\\r"; break;
    case '\t': out += kValue ? " " : "\\t"; break;
    default: append_unicode_escape(out, byte);
  }
}

/// An ASCII character that must not stand as it is.
template <Inside kInside>
constexpr bool is_special(unsigned char byte) {
  return byte < 0x20 || byte == 0x7F || (kInside == Inside::kString && (byte == '"' || byte == '\\'));
}

/// The code of a well-formed sequence that acts on a terminal, ends a line for some readers, is invisible or changes the order in which the
/// rest is shown; or 0.
unsigned hidden_control(const unsigned char* at, std::size_t length) {
  if (length == 2) {
    if (at[0] == 0xC2 && (at[1] < 0xA0 || at[1] == 0xAD)) return at[1];  // C1, soft hyphen
    return at[0] == 0xD8 && at[1] == 0x9C ? 0x61C : 0;                   // Arabic letter mark
  }
  if (length == 3) {
    if (at[0] == 0xEF) return at[1] == 0xBB && at[2] == 0xBF ? 0xFEFF : 0;  // byte order mark
    if (at[0] != 0xE2 || at[1] > 0x81) return 0;
    const unsigned code = 0x2000U | (at[1] & 0x3FU) << 6U | (at[2] & 0x3FU);
    const bool hidden = (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F);
    return hidden ? code : 0;
  }
  return at[0] == 0xF3 && at[1] == 0xA0 ? 0xE0000U | (at[2] & 0x3FU) << 6U | (at[3] & 0x3FU) : 0;  // tags, variation selectors
}

template <Inside kInside>
void append_safe(std::string& out, std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  const auto* run = at;  // what was looked at and stays as it is
  const auto copy_run = [&] { out.append(reinterpret_cast<const char*>(run), static_cast<std::size_t>(at - run)); };
  while (at < end) {
    if (end - at >= 8 && eight_plain<kInside>(at)) {
      at += 8;
    } else if (*at < 0x80) {
      if (is_special<kInside>(*at)) {
        copy_run();
        append_special<kInside>(out, *at);
        run = at + 1;
      }
      ++at;
    } else if (const std::size_t length = sequence_length(at, end); length == 0) {
      copy_run();
      out += "\xEF\xBF\xBD";  // U+FFFD
      run = ++at;
    } else {
      if (const unsigned code = hidden_control(at, length)) {
        copy_run();
        append_unicode_escape(out, code);
        run = at + length;
      }
      at += length;
    }
  }
  copy_run();
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) { append_safe<Inside::kString>(out, text); }
void append_raw_json(std::string& out, std::string_view json) { append_safe<Inside::kValue>(out, json); }

}  // namespace hookfleet::log
