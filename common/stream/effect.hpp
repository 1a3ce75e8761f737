#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hookfleet::stream {

/// One change to a hash of the notification's own partition. It runs inside `ack`, in the same transaction that removes the entry from
/// the stream: exactly once.
struct Effect {
  enum class Op : std::uint8_t {
    kIncrement,  ///< the field grows by `value`, a whole decimal number that may be negative
    kSet,        ///< the field becomes `value`
    kAdvance,    ///< as kSet, but only if the whole number at the start of `value` is greater than the one at the start of the field:
                 ///< "2 delivered" follows "1 sent" and never the reverse
  };
  enum class On : std::uint8_t {
    kCounts,     ///< hf:{t}:cnt
    kInstances,  ///< hf:{t}:inst
    kMessage,    ///< hf:{t}:msg:<part>
    kChat,       ///< hf:{t}:chat:<part>
  };

  Op op = Op::kIncrement;
  On on = On::kCounts;
  std::string part;  ///< kMessage and kChat: 16 bytes that name the message or the chat; otherwise empty
  std::string field;
  std::string value;
  std::chrono::milliseconds expiry{0};  ///< of the whole hash, counted from this effect; 0: none is set

  bool operator==(const Effect&) const = default;
};

}  // namespace hookfleet::stream
