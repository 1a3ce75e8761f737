#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hookfleet::notification {

inline constexpr std::size_t kDepthMax = 64;         ///< nesting of objects and arrays
inline constexpr std::size_t kKeysMax = 10'000;      ///< object keys in one body
inline constexpr std::size_t kTypeWebhookMax = 128;  ///< bytes kept of typeWebhook; a longer one is malformed
inline constexpr std::size_t kChatMax = 256;         ///< bytes of a chat id; a longer one counts as none

/// Why a body is not a notification's JSON at all (class `malformed`). Where several apply, the first that the reader meets.
enum class Malformed {
  kNo,
  kEmpty,         ///< nothing but blanks
  kSyntax,        ///< not RFC 8259's JSON in UTF-8; also a lone surrogate (\ud800) and a number beyond a double (1e999): no DOM takes them
  kNotAnObject,   ///< JSON, but an array or a scalar
  kTooDeep,       ///< over kDepthMax
  kTooManyKeys,   ///< over kKeysMax
  kDuplicateKey,  ///< a key twice in the root, instanceData, senderData or messageData
  kTypeTooLong,   ///< typeWebhook over kTypeWebhookMax
};
std::string_view to_text(Malformed reason);

/// What both doors and the worker need to know of a body, read in one pass over the raw bytes. A field that is absent, null or of
/// another type is empty: whether that is an error is the schema's business, not the envelope's. Strings are unescaped and may hold any
/// byte, NUL and line ends too. Integers are plain ones: neither 1e3 nor 1.0 nor "1".
struct Envelope {
  Malformed malformed = Malformed::kNo;
  std::string malformed_at;  ///< for people: what and where, e.g. the key given twice; may be empty

  std::string type_webhook;
  std::optional<std::uint64_t> id_instance;  ///< instanceData.idInstance, 1 … 2^63-1
  std::string chat;                          ///< senderData.chatId, else chatId, else (calls) from; without a `:device` suffix
  std::string chat_type;                     ///< senderData.chatType (Telegram, MAX)
  std::string id_message;
  std::string type_message;               ///< messageData.typeMessage
  std::string status;                     ///< the root's: of outgoingMessageStatus and calls
  std::string state;                      ///< by type: stateInstance, statusInstance or (incomingBlock) chatState
  std::optional<std::int64_t> timestamp;  ///< Unix seconds

  bool operator==(const Envelope&) const = default;
};

/// Reads the envelope. The limits hold before any DOM exists: a 100,000-deep body costs no stack and a huge one no tree. The time is linear
/// in the body, but n log n in the keys of an object that must not repeat one. What passes is read by nlohmann::json too. A byte order mark
/// at the start is skipped. Nothing behind the body is read: it needs no padding.
///
/// Any thread, each keeping at most 2 MiB from call to call (a body above 256 KiB gets 5 times its size for the call alone). Never throws
/// but for want of memory. Of a malformed body the fields are empty.
Envelope read_envelope(std::string_view body);

/// `79001234567:12@c.us` → `79001234567@c.us`: the part from ':' to '@' names a device, not a chat.
std::string without_device(std::string_view chat);

}  // namespace hookfleet::notification
