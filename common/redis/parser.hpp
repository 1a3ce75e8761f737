#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include <tl/expected.hpp>

#include "common/redis/error.hpp"
#include "common/redis/reply.hpp"

struct redisReader;
struct redisReadTask;

namespace hookfleet::redis {

/// Bytes from the socket → replies: hiredis' reader, building our nodes. What comes is input, perhaps garbage: nesting, elements and
/// unfinished bytes are bounded, and anything odd is kProtocol, after which the parser is done for.
class Parser {
 public:
  static constexpr std::size_t kElementsMax = 1U << 20U;             ///< of one array; we never ask for more
  static constexpr std::size_t kUnfinishedMax = 80UL * 1024 * 1024;  ///< bytes of one text; an entry's body is far below

  Parser();
  ~Parser();

  /// Takes in what was received. False: over kUnfinishedMax, or no memory.
  bool feed(std::string_view bytes);
  /// The next complete reply, or nothing yet.
  tl::expected<std::optional<Reply>, Error> next();
  /// True when nothing of an unfinished reply is held.
  bool empty() const;

 private:
  struct Functions;  // what hiredis calls
  void* allocate(std::size_t bytes, std::size_t alignment);
  Node* place(const redisReadTask* task);

  struct FreeReader {
    void operator()(redisReader* reader) const noexcept;
  };
  std::unique_ptr<redisReader, FreeReader> reader_;
  Reply::Blocks blocks_;  ///< of the reply under construction
};

}  // namespace hookfleet::redis
