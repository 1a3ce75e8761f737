#include "common/greenapi/answer.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/base/ascii.hpp"
#include "common/base/number.hpp"

namespace hookfleet::greenapi {
namespace {

using nlohmann::json;

constexpr std::size_t kQuotedMax = 200;  // bytes of what the service says
// Of an error answer, or it isn't read: a receive may bring 4 MiB, and their tree could be a hundred times as large.
constexpr std::size_t kErrorBytesMax = 16UL << 10;
constexpr std::size_t kTokenLikeMin = 16;  // a word so long with a digit in it may be a token
constexpr std::size_t kStateMax = 64;
constexpr std::chrono::seconds kRetryAfterMax{3600};

bool stands_in_word(char c) { return base::is_letter_or_digit(c) || c == '-' || c == '_' || c == '%'; }

// waInstance1101000001
bool is_instance(std::string_view word) {
  static constexpr std::string_view kPrefix = "waInstance";
  return word.substr(0, kPrefix.size()) == kPrefix && base::to_number<std::uint64_t>(word.substr(kPrefix.size()));
}

// Error answers repeat the path, which holds the token: the segment that follows `waInstance…/method/` and all words that look like one
// become ***.
std::string without_tokens(std::string_view text) {
  std::string out;
  unsigned segments = 0;  // > 0: within a path of ours, how many segments ago it began
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && stands_in_word(text[end])) ++end;
    if (end == at) {
      if (text[at] != '/') segments = 0;
      out += text[at++];
      continue;
    }
    const std::string_view word = text.substr(at, end - at);
    at = end;
    if (is_instance(word)) {
      segments = 1;
      out += word;
      continue;
    }
    if (segments != 0) {
      ++segments;
    }
    const bool digit = std::ranges::any_of(word, base::is_digit);
    out += segments >= 3 || (digit && word.size() >= kTokenLikeMin) ? "***" : word;
  }
  return out;
}

std::string shortened(std::string text) {
  if (text.size() <= kQuotedMax) return text;
  std::size_t end = kQuotedMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

json parsed(std::string_view text) { return json::parse(text, nullptr, false); }

// A string member of an object; empty for everything else.
std::string member(const json& value, const char* name) {
  if (!value.is_object()) return {};
  const auto found = value.find(name);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// What an error answer says, in its own words. Pages of a gateway in between tell nothing.
std::string words_of(const web::Answer& answer) {
  if (answer.body.size() > kErrorBytesMax) return {};
  const json body = parsed(answer.body);
  std::string words;
  for (const char* name : {"message", "reason", "error", "description"}) {
    if (words.empty()) words = member(body, name);
  }
  if (body.is_object()) {
    for (const char* name : {"invokeStatus", "correspondentsStatus"}) {  // of 466
      const auto part = body.find(name);
      if (words.empty() && part != body.end()) words = member(*part, "description");
    }
  }
  if (words.empty() && body.is_string()) words = body.get<std::string>();
  if (words.empty() && body.is_discarded() && answer.body.find('<') == std::string::npos) words = answer.body;
  return shortened(without_tokens(words));
}

std::optional<std::chrono::milliseconds> retry_after(const web::Answer& answer) {
  const auto seconds = base::to_number<std::uint32_t>(answer.header("retry-after"));
  if (!seconds) return std::nullopt;
  return std::min(std::chrono::seconds(*seconds), kRetryAfterMax);
}

FailureKind kind_of(int status, std::string_view words, bool of_queue) {
  if (status >= 500 || status == 408 || status == 499) return FailureKind::kRetry;
  if (status == 429) return FailureKind::kThrottled;
  if (status == 466) return FailureKind::kQuota;
  const std::string low = base::lower(words);
  const auto says = [&](std::string_view what) { return low.find(what) != std::string::npos; };
  if (of_queue && status >= 400 && says("webhook") && says("url")) return FailureKind::kWebhookSet;
  if (status == 401 || status == 403) return FailureKind::kUnauthorized;
  if (status == 400 && (says("starting") || says("not authorized") || says("expired") || says("deleted"))) return FailureKind::kNotReady;
  return FailureKind::kRefused;
}

// The answer when it is one of success. `of_queue`: it may be refused because webhookUrl is set.
Decoded<const web::Answer*> success(const web::Result& result, bool of_queue) {
  if (!result) {
    return tl::unexpected(Failure{.kind = FailureKind::kRetry,
                                  .status = 0,
                                  .message = std::string(web::to_text(result.error().kind)) + ": " + without_tokens(result.error().message),
                                  .retry_after = std::nullopt});
  }
  const web::Answer& answer = *result;
  if (answer.status >= 200 && answer.status < 300) return &answer;
  const std::string words = words_of(answer);
  return tl::unexpected(Failure{.kind = kind_of(answer.status, words, of_queue),
                                .status = answer.status,
                                .message = "HTTP " + std::to_string(answer.status) + (words.empty() ? "" : ": " + words),
                                .retry_after = retry_after(answer)});
}

tl::unexpected<Failure> broken(const web::Answer& answer, const std::string& what, FailureKind kind = FailureKind::kRetry) {
  return tl::unexpected(Failure{
      .kind = kind,
      .status = answer.status,
      .message = "HTTP " + std::to_string(answer.status) + " with " + (answer.cut ? "an answer that is longer than is taken" : what),
      .retry_after = std::nullopt});
}

// A success's body as a JSON object.
Decoded<json> object_of(const web::Result& result, bool of_queue) {
  const auto answer = success(result, of_queue);
  if (!answer) return tl::unexpected(answer.error());
  json body = parsed((*answer)->body);
  if ((*answer)->cut || !body.is_object()) return broken(**answer, "an answer that is no JSON object");
  return body;
}

// Walks over JSON text without judging what is within: only where strings and brackets end.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }
  bool take(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // The next value's bytes; nothing when it has no end.
  std::optional<std::string_view> value() {
    skip_blanks();
    const std::size_t begin = at_;
    std::size_t depth = 0;
    do {
      if (at_ == text_.size()) return std::nullopt;
      const char c = text_[at_];
      if (c == '"') {
        if (!skip_string()) return std::nullopt;
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return std::nullopt;
        --depth;
        ++at_;
      } else if (depth != 0) {
        ++at_;
      } else if (!skip_word()) {
        return std::nullopt;
      }
    } while (depth != 0);
    return text_.substr(begin, at_ - begin);
  }

 private:
  static constexpr std::string_view kBlanks = " \t\r\n";

  void skip_blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }
  bool skip_string() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    at_ = text_.size();
    return false;
  }
  // A number, true, false, null, or whatever stands in their place.
  bool skip_word() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(" \t\r\n,:{}[]\"", at_), text_.size());
    return at_ != begin;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Members {
  std::string_view receipt_id, body;
};

// Where the two members of the outer object stand; nothing when it isn't one, is incomplete, or has one of them twice.
std::optional<Members> members_of(std::string_view text) {
  Walker walker(text);
  Members members;
  if (!walker.take('{')) return std::nullopt;
  if (walker.take('}')) return walker.at_end() ? std::optional(members) : std::nullopt;
  do {
    const auto key = walker.value();
    if (!key || key->front() != '"' || !walker.take(':')) return std::nullopt;
    const auto value = walker.value();
    if (!value) return std::nullopt;
    for (const auto& [name, place] : {std::pair(std::string_view("\"receiptId\""), &members.receipt_id), {"\"body\"", &members.body}}) {
      if (*key != name) continue;
      if (!place->empty()) return std::nullopt;
      *place = *value;
    }
  } while (walker.take(','));
  if (!walker.take('}') || !walker.at_end()) return std::nullopt;
  return members;
}

// What is within quotes, if there are any.
std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

std::string_view to_text(FailureKind kind) {
  switch (kind) {
    case FailureKind::kRetry: return "retry";
    case FailureKind::kThrottled: return "throttled";
    case FailureKind::kUnauthorized: return "unauthorized";
    case FailureKind::kWebhookSet: return "webhook_set";
    case FailureKind::kQuota: return "quota";
    case FailureKind::kUnreadable: return "unreadable";
    case FailureKind::kNotReady: return "not_ready";
    case FailureKind::kRefused: return "refused";
  }
  return "";
}

std::optional<FailureKind> failure_kind(std::string_view text) {
  for (std::size_t i = 0; i < kFailureKinds; ++i) {
    if (const auto kind = static_cast<FailureKind>(i); text == to_text(kind)) return kind;
  }
  return std::nullopt;
}

bool passes_by_itself(FailureKind kind) { return kind == FailureKind::kRetry || kind == FailureKind::kThrottled; }

std::string_view advice(FailureKind kind) {
  switch (kind) {
    case FailureKind::kRetry: return "try again; if it stays, look at the API address and the network";
    case FailureKind::kThrottled: return "another program calls for this instance too: find it, or call more rarely";
    case FailureKind::kUnauthorized: return "compare the instance's id, API address and API token with what its console shows";
    case FailureKind::kWebhookSet:
      return "webhookUrl is set, so the service pushes: clear it with `hookfleet connect --poll`, or receive at that URL";
    case FailureKind::kQuota: return "the plan's quota is used up: change the plan in the console";
    case FailureKind::kUnreadable:
      return "the service gives a notification that can't be deleted, and holds back those behind it until it expires (24 h): show its "
             "support this, or give up the whole queue with clearWebhooksQueue";
    case FailureKind::kNotReady: return "look at the instance in its console: it may be starting, not authorized, expired or deleted";
    case FailureKind::kRefused: return "compare the API address with what the instance's console shows";
  }
  return "";
}

Decoded<std::optional<Received>> decode_received(const web::Result& result) {
  const auto answer = success(result, true);
  if (!answer) return tl::unexpected(answer.error());
  if ((*answer)->cut) return broken(**answer, "", FailureKind::kUnreadable);
  const std::string_view text = trimmed((*answer)->body);
  if (text.empty() || text == "null") return std::nullopt;
  const auto members = members_of(text);
  if (!members) return broken(**answer, "an answer that is no whole JSON object");
  if (members->receipt_id.empty() && members->body.empty()) return broken(**answer, "an answer without receiptId and body");
  const auto receipt_id = base::to_number<std::int64_t>(unquoted(members->receipt_id));
  if (!receipt_id || members->body.empty()) {
    return broken(**answer, receipt_id ? "a notification without body" : "a notification whose receiptId is no number",
                  FailureKind::kUnreadable);
  }
  return Received{.receipt_id = *receipt_id, .body = std::string(members->body)};
}

Decoded<Removed> decode_removed(const web::Result& result) {
  const auto body = object_of(result, true);
  if (!body) return tl::unexpected(body.error());
  const auto removed = body->find("result");
  if (removed == body->end() || !removed->is_boolean()) return broken(*result, "an answer without result");
  return Removed{.removed = removed->get<bool>(), .reason = shortened(without_tokens(member(*body, "reason")))};
}

Decoded<std::uint64_t> decode_count(const web::Result& result) {
  const auto body = object_of(result, true);
  if (!body) return tl::unexpected(body.error());
  for (const char* name : {"count", "\u0441ount"}) {  // one page of the documents spells it with the Cyrillic letter es
    const auto count = body->find(name);
    if (count != body->end() && count->is_number_unsigned()) return count->get<std::uint64_t>();
  }
  return broken(*result, "an answer without count");
}

Decoded<std::string> decode_state(const web::Result& result) {
  const auto body = object_of(result, false);
  if (!body) return tl::unexpected(body.error());
  std::string state = member(*body, "stateInstance");
  if (state.empty() || state.size() > kStateMax || !std::all_of(state.begin(), state.end(), base::is_letter_or_digit)) {
    return broken(*result, "an answer without stateInstance");
  }
  return state;
}

Decoded<Settings> decode_settings(const web::Result& result) {
  const auto body = object_of(result, false);
  if (!body) return tl::unexpected(body.error());
  Settings settings;
  for (const auto& [name, value] : body->items()) {
    if (value.is_string()) {
      settings.emplace(name, value.get<std::string>());
    } else if (value.is_null()) {
      settings.emplace(name, "");
    } else if (value.is_primitive()) {
      settings.emplace(name, value.dump());
    }
  }
  if (settings.empty()) return broken(*result, "an answer without settings");
  return settings;
}

Decoded<void> decode_set(const web::Result& result) {
  const auto body = object_of(result, false);
  if (!body) return tl::unexpected(body.error());
  const auto saved = body->find("saveSettings");
  if (saved == body->end() || !saved->is_boolean()) return broken(*result, "an answer without saveSettings");
  if (!saved->get<bool>()) {
    const std::string words = words_of(*result);
    return tl::unexpected(Failure{.kind = FailureKind::kRefused,
                                  .status = result->status,
                                  .message = "the settings were not saved" + (words.empty() ? "" : ": " + words),
                                  .retry_after = std::nullopt});
  }
  return {};
}

}  // namespace hookfleet::greenapi
