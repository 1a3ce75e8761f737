#pragma once

#include <cstddef>
#include <cstdint>

#include "common/redis/reply.hpp"

namespace hookfleet::redis {

/// One value of a reply. Lies, like the text and the elements it points to, in the reply's blocks.
struct Node {
  enum class Type : std::uint8_t { kNil, kInteger, kBulk, kStatus, kError, kArray };
  Type type;
  std::size_t size;  ///< bytes of the text, or number of elements
  union {
    std::int64_t integer;
    const char* text;
    const Node* elements;
  };
};

/// Memory of one reply: freed as a whole.
struct Reply::Block {
  Block* next;
  std::size_t capacity;
  std::size_t used;
};

}  // namespace hookfleet::redis
