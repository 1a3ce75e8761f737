#include "common/notification/redact.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/base/ascii.hpp"
#include "common/digest/digest.hpp"
#include "common/notification/envelope.hpp"

namespace hookfleet::notification {
namespace {

constexpr std::string_view kHidden = "…";
constexpr std::size_t kShownDigits = 4;

using base::is_digit;
using base::is_letter;
using base::is_letter_or_digit;

// --- What may stay

/// How a harmless value of a key looks.
enum class Looks : std::uint8_t {
  kWord,     ///< an identifier, as enumerated values are
  kId,       ///< of a message: letters, digits, '-', '_', '.'
  kMime,     ///< image/jpeg, audio/ogg; codecs=opus
  kVersion,  ///< 2.20.42
  kCount,    ///< a number below a million
  kTime,     ///< Unix seconds: fewer digits than a phone number with its country
  kInstance  ///< idInstance
};

struct Harmless {
  std::string_view key;
  Looks looks;
};
constexpr std::array kHarmless{
    Harmless{"typeWebhook", Looks::kWord},   Harmless{"typeMessage", Looks::kWord},
    Harmless{"typeInstance", Looks::kWord},  Harmless{"idInstance", Looks::kInstance},
    Harmless{"idMessage", Looks::kId},       Harmless{"stanzaId", Looks::kId},
    Harmless{"timestamp", Looks::kTime},     Harmless{"status", Looks::kWord},
    Harmless{"stateInstance", Looks::kWord}, Harmless{"statusInstance", Looks::kWord},
    Harmless{"chatState", Looks::kWord},     Harmless{"chatType", Looks::kWord},
    Harmless{"senderType", Looks::kWord},    Harmless{"mimeType", Looks::kMime},
    Harmless{"previewType", Looks::kWord},   Harmless{"mediaType", Looks::kWord},
    Harmless{"sourceType", Looks::kWord},    Harmless{"type", Looks::kWord},
    Harmless{"listType", Looks::kCount},     Harmless{"selectedIndex", Looks::kCount},
    Harmless{"index", Looks::kCount},        Harmless{"forwardingScore", Looks::kCount},
    Harmless{"duration", Looks::kCount},     Harmless{"inviteExpiration", Looks::kTime},
    Harmless{"low", Looks::kTime},           Harmless{"high", Looks::kTime},
    Harmless{"platform", Looks::kWord},      Harmless{"osVersion", Looks::kVersion},
    Harmless{"waVersion", Looks::kVersion},  Harmless{"battery", Looks::kCount},
    Harmless{"method", Looks::kWord},        Harmless{"used", Looks::kCount},
    Harmless{"total", Looks::kCount},
};

std::optional<Looks> looks_of(std::string_view key) {
  const auto* const found = std::ranges::find(kHarmless, key, &Harmless::key);
  return found == kHarmless.end() ? std::nullopt : std::optional(found->looks);
}

/// An identifier of at most 64 letters, digits and '_' whose digits make no phone number.
bool is_word(std::string_view text) {
  constexpr std::size_t kWordMax = 64;
  if (text.empty() || text.size() > kWordMax || is_digit(text.front())) return false;
  const bool plain = std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_'; });
  return plain && std::ranges::count_if(text, is_digit) <= static_cast<std::ptrdiff_t>(kShownDigits);
}

bool is_mime(std::string_view text) {
  constexpr std::size_t kMimeMax = 100;
  const auto plain = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '+' || c == '-'; };
  const auto all_plain = [&](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, plain) &&
           std::ranges::count_if(part, is_digit) <= static_cast<std::ptrdiff_t>(kShownDigits);
  };
  if (text.size() > kMimeMax) return false;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !all_plain(text.substr(0, slash))) return false;
  const std::size_t semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return all_plain(text.substr(slash + 1));
  std::string_view parameter = text.substr(semicolon + 1);
  if (parameter.starts_with(' ')) parameter.remove_prefix(1);
  return semicolon > slash && all_plain(text.substr(slash + 1, semicolon - slash - 1)) && parameter.starts_with("codecs=") &&
         all_plain(parameter.substr(parameter.find('=') + 1));
}

bool has_looks(Looks looks, std::string_view text) {
  constexpr std::size_t kIdMax = 64;
  constexpr std::size_t kVersionMax = 20;
  constexpr std::size_t kCountDigitsMax = 6;
  switch (looks) {
    case Looks::kWord: return is_word(text);
    case Looks::kId:
      return text.size() <= kIdMax && std::ranges::any_of(text, is_digit) &&
             std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
    case Looks::kMime: return is_mime(text);
    case Looks::kVersion: return text.size() <= kVersionMax && std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; });
    case Looks::kCount: return text.size() <= kCountDigitsMax && std::ranges::all_of(text, is_digit);
    case Looks::kTime:
    case Looks::kInstance: return false;  // they come as numbers
  }
  return false;
}

bool has_looks(Looks looks, std::int64_t number) {
  switch (looks) {
    case Looks::kCount: return number > -1'000'000 && number < 1'000'000;
    case Looks::kTime: return number >= 0 && number < 10'000'000'000;
    case Looks::kInstance: return number >= 0;
    case Looks::kWord:
    case Looks::kId:
    case Looks::kMime:
    case Looks::kVersion: return false;
  }
  return false;
}

// --- What becomes of the rest

/// Followed by what makes a chat id of a number; empty for a number alone.
constexpr std::array<std::string_view, 8> kChatEnds{"", "@c.us", "@g.us", "@lid", "@s.whatsapp.net", "@broadcast", "@newsletter", "@bot"};

/// "…4567@c.us", if `text` is a phone number, however it is written, or a chat id.
std::optional<std::string> as_number(std::string_view text) {
  const std::size_t end = std::min(text.find('@'), text.size());
  const std::string_view domain = text.substr(end);
  if (std::ranges::find(kChatEnds, domain) == kChatEnds.end()) return std::nullopt;
  constexpr std::size_t kNumberMax = 64;
  if (end > kNumberMax) return std::nullopt;
  std::string digits;
  for (const char c : text.substr(0, end)) {
    if (is_digit(c)) {
      digits += c;
    } else if (std::string_view("+-() :").find(c) == std::string_view::npos) {
      return std::nullopt;
    }
  }
  if (domain.empty() && digits.size() <= kShownDigits) return std::nullopt;
  std::string shown(kHidden);
  if (digits.size() > kShownDigits) shown.append(digits, digits.size() - kShownDigits);
  return shown.append(domain);
}

bool is_link(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme != std::string_view::npos && scheme > 0 && std::ranges::all_of(text.substr(0, scheme), is_letter)) return true;
  return text.starts_with("www.") || text.starts_with("data:");
}

/// The first bytes of SHA-256 in hexadecimal. Four of a text: enough to tell a few million apart, too few to name one of all phone numbers.
std::string hash(std::string_view text, std::size_t bytes) {
  const digest::Sha256 whole = digest::sha256(text);
  return digest::to_hex(digest::as_bytes(whole).substr(0, bytes));
}

std::string as_text(std::string_view text) {
  const auto characters = std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
  const bool letters = std::ranges::any_of(text, [](char c) { return is_letter(c) || static_cast<unsigned char>(c) >= 0x80; });
  std::string shown = "[" + std::to_string(characters);
  if (letters) shown.append(" #").append(hash(text, 4));
  return shown + "]";
}

bool contains(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

/// Writes the redacted body while nlohmann's parser reads it: that parser keeps its levels in a vector, not on the stack.
class Redactor final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return put("null"); }
  bool boolean(bool yes) override { return put(yes ? "true" : "false"); }
  bool number_integer(number_integer_t number) override { return integer(number, std::to_string(number)); }
  bool number_unsigned(number_unsigned_t number) override {
    const bool huge = number > static_cast<number_unsigned_t>(INT64_MAX);
    return integer(huge ? INT64_MAX : static_cast<std::int64_t>(number), std::to_string(number));
  }
  bool number_float(number_float_t, const string_t&) override { return put_quoted(kHidden); }
  bool string(string_t& text) override { return put_quoted(redact_field(last_key(), text)); }
  bool binary(binary_t&) override { return false; }  // not of JSON

  bool start_object(std::size_t) override { return open('{'); }
  bool end_object() override { return close('}'); }
  bool start_array(std::size_t) override { return open('['); }
  bool end_array() override { return close(']'); }
  bool key(string_t& text) override {
    if (++keys_ > kKeysMax) return false;
    Level& level = levels_.back();
    level.key = is_word(text) ? std::move(text) : redact_text(text);
    if (level.filled) out_ += ',';
    level.filled = false;  // the value that follows has no comma before it
    quote(level.key);
    out_ += ':';
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

  std::string take() { return std::move(out_); }

 private:
  struct Level {
    bool filled = false;
    std::string key;  ///< of an object the last one, of an array that under which it stands
  };

  const std::string& last_key() const {
    static const std::string kNone;
    return levels_.empty() ? kNone : levels_.back().key;
  }
  void begin_value() {
    if (levels_.empty()) return;
    if (levels_.back().filled) out_ += ',';
    levels_.back().filled = true;
  }
  bool put(std::string_view value) {
    begin_value();
    out_ += value;
    return true;
  }
  bool put_quoted(std::string_view text) {
    begin_value();
    quote(text);
    return true;
  }
  /// What is written is a harmless value, an identifier or made here: it holds nothing that needs an escape.
  void quote(std::string_view text) { out_.append(1, '"').append(text).append(1, '"'); }
  bool integer(std::int64_t number, const std::string& digits) {
    const auto looks = looks_of(last_key());
    if (looks && has_looks(*looks, number)) return put(digits);
    return put_quoted(as_number(digits).value_or(std::string(kHidden)));
  }
  bool open(char bracket) {
    if (levels_.size() >= kDepthMax) return false;
    std::string inherited = bracket == '[' ? last_key() : std::string();
    begin_value();
    out_ += bracket;
    levels_.push_back({false, std::move(inherited)});
    return true;
  }
  bool close(char bracket) {
    levels_.pop_back();
    out_ += bracket;
    return true;
  }

  std::string out_;
  std::vector<Level> levels_;
  std::size_t keys_ = 0;
};

}  // namespace

std::string redact(std::string_view body) {
  Redactor redactor;
  if (nlohmann::json::sax_parse(body.begin(), body.end(), &redactor)) return redactor.take();
  constexpr std::size_t kDigestBytes = 8;
  return R"({"bytes":)" + std::to_string(body.size()) + R"(,"digest":")" + hash(body, kDigestBytes) + R"("})";
}

std::string redact_field(std::string_view key, std::string_view text) {
  const auto looks = looks_of(key);
  if (text.empty() || (looks && has_looks(*looks, text))) return std::string(text);
  if (contains(key, "humbnail")) return "[thumbnail]";
  if (contains(key, "url") || contains(key, "Url")) return "[url]";
  return redact_text(text);
}

std::string redact_text(std::string_view text) {
  if (text.empty()) return {};
  if (is_link(text)) return "[url]";
  if (auto number = as_number(text)) return *std::move(number);
  return as_text(text);
}

std::string redact_numbers(std::string_view sentence) {
  std::string out;
  out.reserve(sentence.size());
  for (std::size_t at = 0; at < sentence.size();) {
    std::size_t end = at;
    while (end < sentence.size() && is_digit(sentence[end])) ++end;
    if (end - at > kShownDigits) {
      out += kHidden;
      at = end - kShownDigits;
    }
    out.append(sentence, at, std::max<std::size_t>(end - at, 1));
    at = std::max(end, at + 1);
  }
  return out;
}

}  // namespace hookfleet::notification
