#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/redis/error.hpp"

struct redisReply;

namespace hookfleet::redis {

/// A typed look at one reply; borrowed from the Reply that owns it. Asking for the wrong type gives an empty value, never undefined
/// behaviour: what a server sends is input.
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply) : reply_(reply) {}

  bool is_nil() const;
  bool is_integer() const;
  bool is_text() const;  ///< bulk string or status
  bool is_array() const;
  bool is_error() const { return error() != ReplyError::kNone; }

  ReplyError error() const;         ///< kNone when this is no error reply
  std::string_view text() const;    ///< bulk string, status or error text; empty otherwise
  std::int64_t integer() const;     ///< an integer reply, or a text that holds one; 0 otherwise
  std::size_t size() const;         ///< elements of an array; 0 otherwise
  ReplyView operator[](std::size_t index) const;  ///< nil when out of range

 private:
  const redisReply* reply_;
};

/// Owns a reply.
class Reply {
 public:
  explicit Reply(redisReply* reply) : reply_(reply) {}
  ReplyView view() const { return ReplyView(reply_.get()); }

 private:
  struct Free {
    void operator()(redisReply* reply) const noexcept;
  };
  std::unique_ptr<redisReply, Free> reply_;
};

}  // namespace hookfleet::redis
