#include "common/notification/envelope.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "common/base/check.hpp"
#include "common/notification/scalar.hpp"
#include "common/notification/types.hpp"

// simdjson's first stage alone is used: it proves UTF-8 and closed strings and lists where tokens start, at gigabytes a second whatever the
// CPU offers. Its DOM lost: 10 bytes of tape and strings for each of the body, integers above 64 bits refused, and the keys would have to
// be walked again. On-Demand lost: it doesn't check what is skipped, and is built for one instruction set. What comes after is a walk over
// those tokens with one bit a level, so that a deep body costs no stack.

namespace hookfleet::notification {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// --- Where the tokens are

/// Finds the tokens in bodies of at most `capacity` bytes. It works on a copy, as simdjson wants padding: its version for CPUs without
/// SSE 4.2 was seen to read behind the end.
class Scanner {
 public:
  explicit Scanner(std::size_t capacity) : bytes_(std::make_unique_for_overwrite<char[]>(capacity + simdjson::SIMDJSON_PADDING)) {
    HOOKFLEET_CHECK(simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, stage_) == simdjson::SUCCESS);
  }

  simdjson::error_code scan(std::string_view body) {
    body.copy(bytes_.get(), body.size());  // std::ranges::copy goes byte by byte here: 0.3 µs more for 1 kB
    std::fill_n(bytes_.get() + body.size(), simdjson::SIMDJSON_PADDING, '\0');
    body_ = {bytes_.get(), body.size()};
    return stage_->stage1(reinterpret_cast<const std::uint8_t*>(bytes_.get()), body.size(), simdjson::stage1_mode::regular);
  }

  // Of the last body scanned without an error.
  std::string_view body() const { return body_; }
  std::span<const std::uint32_t> tokens() const { return {stage_->structural_indexes.get(), stage_->n_structural_indexes}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_;  // holds 4 bytes for each of the capacity
  std::string_view body_;
};

/// Bodies up to this size use their thread's scanner; a larger one gets its own for the call.
constexpr std::size_t kKeptCapacity = 256 * std::size_t{1024};

// --- What is looked for

enum class Section : std::uint8_t { kRoot, kInstanceData, kSenderData, kMessageData, kOther };

constexpr std::string_view name_of(Section section) {
  switch (section) {
    case Section::kRoot: return "the root";
    case Section::kInstanceData: return "instanceData";
    case Section::kSenderData: return "senderData";
    case Section::kMessageData: return "messageData";
    case Section::kOther: break;
  }
  return "another object";
}

enum class Field : std::uint8_t {
  kTypeWebhook,
  kIdInstance,
  kSenderChatId,
  kSenderChatType,
  kChatId,
  kFrom,
  kIdMessage,
  kTypeMessage,
  kStatus,
  kStateInstance,
  kStatusInstance,
  kChatState,
  kTimestamp,
  kNone,
};
constexpr auto kFields = static_cast<std::size_t>(Field::kNone);

struct Place {
  Section section;
  std::string_view key;
  Field field;                      ///< what a scalar there is
  Section opens = Section::kOther;  ///< what an object there is
};
constexpr std::array kPlaces{
    Place{Section::kRoot, "typeWebhook", Field::kTypeWebhook},
    Place{Section::kRoot, "timestamp", Field::kTimestamp},
    Place{Section::kRoot, "idMessage", Field::kIdMessage},
    Place{Section::kRoot, "chatId", Field::kChatId},
    Place{Section::kRoot, "status", Field::kStatus},
    Place{Section::kRoot, "from", Field::kFrom},
    Place{Section::kRoot, "stateInstance", Field::kStateInstance},
    Place{Section::kRoot, "statusInstance", Field::kStatusInstance},
    Place{Section::kRoot, "chatState", Field::kChatState},
    Place{Section::kRoot, "instanceData", Field::kNone, Section::kInstanceData},
    Place{Section::kRoot, "senderData", Field::kNone, Section::kSenderData},
    Place{Section::kRoot, "messageData", Field::kNone, Section::kMessageData},
    Place{Section::kInstanceData, "idInstance", Field::kIdInstance},
    Place{Section::kSenderData, "chatId", Field::kSenderChatId},
    Place{Section::kSenderData, "chatType", Field::kSenderChatType},
    Place{Section::kMessageData, "typeMessage", Field::kTypeMessage},
};
constexpr Place kNoPlace{Section::kOther, {}, Field::kNone};

const Place& place_of(Section section, std::string_view key) {
  const auto found = std::ranges::find_if(kPlaces, [&](const Place& place) { return place.section == section && place.key == key; });
  return found == kPlaces.end() ? kNoPlace : *found;
}

/// The keys of one object whose keys must differ.
class Keys {
 public:
  void clear() { keys_.clear(); }
  void add(std::string_view key) { keys_.push_back(key); }

  /// A key that is there twice. Sorts, as comparing each with each would let 10,000 keys cost 50 million comparisons.
  std::optional<std::string_view> duplicate() {
    constexpr std::size_t kFew = 12;
    if (keys_.size() <= kFew) {
      for (auto key = keys_.begin(); key != keys_.end(); ++key) {
        if (std::find(keys_.begin(), key, *key) != key) return *key;
      }
      return std::nullopt;
    }
    std::ranges::sort(keys_, [](std::string_view a, std::string_view b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
    const auto found = std::ranges::adjacent_find(keys_);
    return found == keys_.end() ? std::nullopt : std::optional(*found);
  }

 private:
  std::vector<std::string_view> keys_;
};

/// What a thread keeps from body to body: 5 bytes for each of kKeptCapacity and 16 for each of kKeysMax keys, twice.
struct Kept {
  Scanner scanner{kKeptCapacity};
  Keys root, second;  // of the objects at level 1 and 2
};

// --- The walk

/// A key for people: quoted, cut between characters.
std::string shown(std::string_view key) {
  constexpr std::size_t kShown = 64;
  std::size_t size = std::min(key.size(), kShown);
  while (size < key.size() && size > 0 && (key[size] & 0xc0) == 0x80) --size;
  return std::string("\"").append(key.substr(0, size)).append(size < key.size() ? "…\"" : "\"");
}

struct Problem {
  Malformed reason;
  std::string where;
};

/// A JSON text between two tokens: either a string's inside or a number.
struct Scalar {
  enum class Kind : std::uint8_t { kAbsent, kString, kEscapedString, kNumber, kLiteral };
  Kind kind = Kind::kAbsent;
  std::string_view text;

  std::string string() const {
    if (kind == Kind::kString) return std::string(text);
    return kind == Kind::kEscapedString ? unescape(text) : std::string();
  }

  template <class Integer>
  std::optional<Integer> integer() const {
    Integer value{};
    if (kind != Kind::kNumber) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  }
};

class Walk {
 public:
  Walk(const Scanner& scanner, Kept& kept) : body_(scanner.body()), tokens_(scanner.tokens()), kept_(kept) { kept_.root.clear(); }

  std::optional<Problem> run() {
    for (next_ = 0; next_ < tokens_.size() && !problem_;) token(tokens_[next_++]);
    if (!problem_ && expect_ != Expect::kEnd) syntax(body_.size(), "it ends too early");
    if (!problem_ && !root_is_object_) problem_ = {Malformed::kNotAnObject, {}};
    return std::move(problem_);
  }

  const Scalar& operator[](Field field) const { return found_[static_cast<std::size_t>(field)]; }

 private:
  enum class Expect : std::uint8_t { kValue, kValueOrClose, kKey, kKeyOrClose, kColon, kCommaOrClose, kEnd };

  void syntax(std::size_t at, std::string_view what) {
    problem_ = {Malformed::kSyntax, "byte " + std::to_string(at) + ": " + std::string(what)};
  }

  void token(std::size_t at) {
    const char c = body_[at];
    switch (expect_) {
      case Expect::kKeyOrClose:
        if (c == '}') return close();
        [[fallthrough]];
      case Expect::kKey:
        if (c != '"') return syntax(at, "expected a key");
        return key(at);
      case Expect::kColon:
        if (c != ':') return syntax(at, "expected ':'");
        expect_ = Expect::kValue;
        return;
      case Expect::kValueOrClose:
        if (c == ']') return close();
        [[fallthrough]];
      case Expect::kValue: return value(at);
      case Expect::kCommaOrClose:
        if (c == (in_object() ? '}' : ']')) return close();
        if (c != ',') return syntax(at, in_object() ? "expected ',' or '}'" : "expected ',' or ']'");
        expect_ = in_object() ? Expect::kKey : Expect::kValue;
        return;
      case Expect::kEnd: return syntax(at, "something follows the end");
    }
  }

  void key(std::size_t at) {
    if (++keys_ > kKeysMax) {
      problem_ = {Malformed::kTooManyKeys, "byte " + std::to_string(at)};
      return;
    }
    const Scalar scalar = string(at);
    if (problem_) return;
    if (const Section where = section(); where != Section::kOther) {
      std::string_view name = scalar.text;
      if (scalar.kind == Scalar::Kind::kEscapedString) name = unescaped_.emplace_back(unescape(name));
      keys_of(where).add(name);
      place_ = &place_of(where, name);
    }
    expect_ = Expect::kColon;
  }

  void value(std::size_t at) {
    const Place& place = *std::exchange(place_, &kNoPlace);
    const char c = body_[at];
    if (c == '{' || c == '[') return open(at, c == '{', place.opens);
    const Scalar scalar = c == '"' ? string(at) : number_or_literal(at);
    if (problem_) return;
    if (place.field != Field::kNone) found_[static_cast<std::size_t>(place.field)] = scalar;
    expect_after_value();
  }

  void open(std::size_t at, bool object, Section section) {
    if (depth_ == kDepthMax) {
      problem_ = {Malformed::kTooDeep, "byte " + std::to_string(at)};
      return;
    }
    ++depth_;
    objects_ = objects_ << 1 | (object ? 1U : 0U);
    if (depth_ == 1) root_is_object_ = object;
    if (depth_ == 2) {
      second_ = object ? section : Section::kOther;
      kept_.second.clear();
    }
    expect_ = object ? Expect::kKeyOrClose : Expect::kValueOrClose;
  }

  void close() {
    if (const Section where = section(); where != Section::kOther) {
      if (const auto twice = keys_of(where).duplicate()) {
        problem_ = {Malformed::kDuplicateKey, shown(*twice).append(" twice in ").append(name_of(where))};
        return;
      }
    }
    --depth_;
    objects_ >>= 1;
    expect_after_value();
  }

  bool in_object() const { return (objects_ & 1) != 0; }
  void expect_after_value() { expect_ = depth_ == 0 ? Expect::kEnd : Expect::kCommaOrClose; }

  /// Of the innermost object or array.
  Section section() const {
    if (depth_ == 1 && root_is_object_) return Section::kRoot;
    return depth_ == 2 ? second_ : Section::kOther;
  }
  Keys& keys_of(Section section) { return section == Section::kRoot ? kept_.root : kept_.second; }

  /// The bytes from a token's start to the last non-blank before the next token.
  std::string_view extent(std::size_t at) const {
    std::size_t end = next_ < tokens_.size() ? tokens_[next_] : body_.size();
    while (is_blank(body_[end - 1])) --end;  // the token itself is none
    return body_.substr(at, end - at);
  }

  /// After a string's closing quote each non-blank starts a token: the last byte of its extent is that quote.
  Scalar string(std::size_t at) {
    const std::string_view token = extent(at);
    if (token.size() < 2 || token.back() != '"') {
      syntax(at, "unclosed string");
      return {};
    }
    const std::string_view text = token.substr(1, token.size() - 2);
    if (backslash_ < at) backslash_ = std::min(body_.find('\\', at), body_.size());
    if (backslash_ >= at + token.size()) return {Scalar::Kind::kString, text};
    if (!has_good_escapes(text)) {
      syntax(at, "bad escape in a string");
      return {};
    }
    return {Scalar::Kind::kEscapedString, text};
  }

  Scalar number_or_literal(std::size_t at) {
    const std::string_view text = extent(at);
    if (text == "true" || text == "false" || text == "null") return {Scalar::Kind::kLiteral, text};
    if (is_number(text)) return {Scalar::Kind::kNumber, text};
    syntax(at, "expected a value");
    return {};
  }

  const std::string_view body_;
  const std::span<const std::uint32_t> tokens_;
  Kept& kept_;
  std::list<std::string> unescaped_;  // what kept_ views of keys with escapes

  std::size_t next_ = 0;
  Expect expect_ = Expect::kValue;
  std::size_t depth_ = 0;
  std::uint64_t objects_ = 0;  // a bit a level, the innermost lowest: object or array
  static_assert(kDepthMax <= std::numeric_limits<decltype(objects_)>::digits);
  bool root_is_object_ = false;
  Section second_ = Section::kOther;  // of what is open at level 2
  const Place* place_ = &kNoPlace;    // of the value that comes next
  std::size_t keys_ = 0;
  std::size_t backslash_ = 0;  // no backslash lies between the last string looked at and here
  std::array<Scalar, kFields> found_;
  std::optional<Problem> problem_;
};

std::string chat_from(const Scalar& scalar) {
  std::string chat = without_device(scalar.string());
  return chat.size() <= kChatMax ? chat : std::string();
}

/// The state that the type tells; the other two fields are none of its.
Field state_of(std::optional<TypeWebhook> type) {
  if (type == TypeWebhook::kStateInstanceChanged) return Field::kStateInstance;
  if (type == TypeWebhook::kStatusInstanceChanged) return Field::kStatusInstance;
  return type == TypeWebhook::kIncomingBlock ? Field::kChatState : Field::kNone;
}

Envelope malformed(Problem problem) {
  Envelope out;
  out.malformed = problem.reason;
  out.malformed_at = std::move(problem.where);
  return out;
}

Envelope read(std::string_view body, Kept& kept) {
  std::optional<Scanner> own;
  Scanner& scanner = body.size() <= kKeptCapacity ? kept.scanner : own.emplace(body.size());
  if (const auto error = scanner.scan(body); error != simdjson::SUCCESS)
    return malformed({Malformed::kSyntax, simdjson::error_message(error)});
  Walk walk(scanner, kept);
  if (auto problem = walk.run()) return malformed(*std::move(problem));

  Envelope out;
  out.type_webhook = walk[Field::kTypeWebhook].string();
  if (out.type_webhook.size() > kTypeWebhookMax) return malformed({Malformed::kTypeTooLong, {}});
  const auto type = find_type_webhook(out.type_webhook);
  if (const auto id = walk[Field::kIdInstance].integer<std::int64_t>(); id && *id > 0) out.id_instance = static_cast<std::uint64_t>(*id);
  out.chat = chat_from(walk[Field::kSenderChatId]);
  if (out.chat.empty()) out.chat = chat_from(walk[Field::kChatId]);
  if (out.chat.empty() && (type == TypeWebhook::kIncomingCall || type == TypeWebhook::kOutgoingCall))
    out.chat = chat_from(walk[Field::kFrom]);
  out.chat_type = walk[Field::kSenderChatType].string();
  out.id_message = walk[Field::kIdMessage].string();
  out.type_message = walk[Field::kTypeMessage].string();
  out.status = walk[Field::kStatus].string();
  if (const Field state = state_of(type); state != Field::kNone) out.state = walk[state].string();
  out.timestamp = walk[Field::kTimestamp].integer<std::int64_t>();
  return out;
}

}  // namespace

std::string_view to_text(Malformed reason) {
  switch (reason) {
    case Malformed::kNo: return "no";
    case Malformed::kEmpty: return "empty";
    case Malformed::kSyntax: return "syntax";
    case Malformed::kNotAnObject: return "not_an_object";
    case Malformed::kTooDeep: return "too_deep";
    case Malformed::kTooManyKeys: return "too_many_keys";
    case Malformed::kDuplicateKey: return "duplicate_key";
    case Malformed::kTypeTooLong: return "type_too_long";
  }
  return "no";  // unreachable while the switch is exhaustive
}

Envelope read_envelope(std::string_view body) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  constexpr std::size_t kBytesMax = std::numeric_limits<std::uint32_t>::max();  // the scanner counts in 32 bits
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  if (body.find_first_not_of(kBlanks) == std::string_view::npos) return malformed({Malformed::kEmpty, {}});
  if (body.size() > kBytesMax) return malformed({Malformed::kSyntax, "over 4 GiB"});
  thread_local Kept kept;
  return read(body, kept);
}

std::string without_device(std::string_view chat) {
  const auto at = chat.find('@');
  const auto colon = chat.substr(0, at).find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos) return std::string(chat);
  return std::string(chat.substr(0, colon)).append(chat.substr(at));
}

}  // namespace hookfleet::notification
