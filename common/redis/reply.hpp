#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <tl/expected.hpp>

#include "common/redis/error.hpp"

namespace hookfleet::redis {

struct Node;   ///< internal to reply.cpp
class Parser;  ///< internal to this folder

/// A typed look at one reply; borrowed from the Reply that owns it. Asking for the wrong type gives an empty value, never undefined
/// behaviour: what a server sends is input.
class ReplyView {
 public:
  explicit ReplyView(const Node* node) : node_(node) {}

  bool is_nil() const;
  bool is_integer() const;
  bool is_text() const;  ///< bulk string or status
  bool is_array() const;
  bool is_error() const { return error() != ReplyError::kNone; }

  ReplyError error() const;                       ///< kNone when this is no error reply
  std::string_view text() const;                  ///< bulk string, status or error text; empty otherwise
  std::int64_t integer() const;                   ///< an integer reply, or a text that holds one; 0 otherwise
  std::size_t size() const;                       ///< elements of an array; 0 otherwise
  ReplyView operator[](std::size_t index) const;  ///< nil when out of range
  /// Value of a field in a flat list of names and values (HGETALL, XINFO); nil when it isn't there.
  ReplyView field(std::string_view name) const;

 private:
  const Node* node_;
};

/// Owns a reply; all of it lies in a few blocks of memory.
class Reply {
 public:
  /// A reply from its bytes in RESP2, for tests and tools; an error for what isn't exactly one reply.
  static tl::expected<Reply, Error> parse(std::string_view resp);

  ReplyView view() const { return ReplyView(root_); }

 private:
  friend class Parser;
  struct Block;
  struct Free {
    void operator()(Block* block) const noexcept;
  };
  using Blocks = std::unique_ptr<Block, Free>;
  Reply(Blocks blocks, const Node* root) : blocks_(std::move(blocks)), root_(root) {}

  Blocks blocks_;
  const Node* root_;
};

}  // namespace hookfleet::redis
