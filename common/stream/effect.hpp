#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hookfleet::stream {

/// One change to a hash of the notification's own partition, or a copy of the notification on a stream of the user's. It runs inside `ack`,
/// in the same transaction that removes the entry from the stream: exactly once.
struct Effect {
  enum class Op : std::uint8_t {
    kIncrement,  ///< the field grows by `value`, a whole decimal number that may be negative
    kSet,        ///< the field becomes `value`
    kAdvance,    ///< as kSet, but only if the whole number at the start of `value` is greater than the one at the start of the field:
                 ///< "2 delivered" follows "1 sent" and never the reverse
    kAppend,     ///< the notification is added to the stream kStream: `ack` copies it from its entry. `value`: about how many entries that
                 ///< stream keeps (MAXLEN ~); `field`: what the copy's idempotencyKey says. Its fields: kCopyFields
  };
  enum class On : std::uint8_t {
    kCounts,     ///< hf:{t}:cnt
    kInstances,  ///< hf:{t}:inst
    kMessage,    ///< hf:{t}:msg:<part>
    kChat,       ///< hf:{t}:chat:<part>
    kStream,     ///< <part>, whatever its name: with kAppend only. Not of the partition's slot: not for a Redis Cluster
  };

  Op op = Op::kIncrement;
  On on = On::kCounts;
  std::string part;  ///< kMessage and kChat: 16 bytes that name the message or the chat; kStream: the key; otherwise empty
  std::string field;
  std::string value;
  std::chrono::milliseconds expiry{0};  ///< of the whole hash, counted from this effect; 0: none is set

  bool operator==(const Effect&) const = default;
};

/// What a copy on a user's stream consists of, in this order. Consumers in other languages read it: fields are added at the end, never
/// renamed. `received` is in Unix ms, `body` the bytes as received, `chatId` and `trace` may be empty.
inline constexpr std::array<std::string_view, 8> kCopyFields{"id",          "idempotencyKey", "idInstance", "chatId",
                                                             "typeWebhook", "received",       "trace",      "body"};

}  // namespace hookfleet::stream
