#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hookfleet::notification {

inline constexpr std::size_t kDepthMax = 64;           ///< nesting of objects and arrays
inline constexpr std::size_t kKeysMax = 10'000;        ///< object keys in one body
inline constexpr std::size_t kTypeWebhookMax = 128;    ///< bytes kept of typeWebhook; a longer one is malformed
inline constexpr std::size_t kChatMax = 256;           ///< bytes of a chat id; a longer one counts as none

/// Why a body is not a notification's JSON at all (class `malformed`).
enum class Malformed {
  kNo,
  kEmpty,
  kSyntax,        ///< not JSON, or not UTF-8
  kNotAnObject,
  kTooDeep,       ///< over kDepthMax
  kTooManyKeys,   ///< over kKeysMax
  kDuplicateKey,  ///< a key twice in the root, instanceData, senderData or messageData
  kTypeTooLong,   ///< typeWebhook over kTypeWebhookMax
};
std::string_view to_text(Malformed reason);

/// What both doors and the worker need to know of a body, read in one pass over the raw bytes. A field that is absent, null or of
/// another type is empty: whether that is an error is the schema's business, not the envelope's.
struct Envelope {
  Malformed malformed = Malformed::kNo;
  std::string malformed_at;                  ///< for people: what and where, e.g. the key given twice; may be empty

  std::string type_webhook;
  std::optional<std::uint64_t> id_instance;  ///< instanceData.idInstance, 1 … 2^63-1
  std::string chat;                          ///< senderData.chatId, else chatId, else (calls) from; without a `:device` suffix
  std::string id_message;
  std::string type_message;                  ///< messageData.typeMessage
  std::string status;                        ///< status of outgoingMessageStatus and calls
  std::string state;                         ///< stateInstance, statusInstance or chatState
  std::optional<std::int64_t> timestamp;     ///< Unix seconds

  bool operator==(const Envelope&) const = default;
};

/// Reads the envelope. The limits hold before any DOM exists: a 100,000-deep body costs no stack and a huge one no tree.
/// Only user of simdjson. Any thread; never throws. Of a malformed body the fields are empty.
Envelope read_envelope(std::string_view body);

/// `79001234567:12@c.us` → `79001234567@c.us`: the part from ':' to '@' names a device, not a chat.
std::string without_device(std::string_view chat);

}  // namespace hookfleet::notification
