#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hookfleet::redis {

struct Script;

/// One command: its name and arguments, binary safe.
using Argv = std::span<const std::string_view>;

/// Gathers the arguments of one command: borrowed ones must live until argv() has been used, copied ones live inside. Kept and cleared
/// rather than made anew it allocates nothing.
class Command {
 public:
  Command& clear();
  Command& borrow(std::string_view argument);
  Command& copy(std::string_view argument);
  Command& number(std::int64_t value);
  /// EVALSHA <sha1> <number of keys>; the keys and the arguments follow.
  Command& evalsha(const Script& script, std::size_t keys);
  /// All arguments of another command; what that one copied is borrowed.
  Command& append(const Command& other);

  std::size_t size() const { return arguments_.size(); }
  bool empty() const { return arguments_.empty(); }
  /// Valid until the command changes.
  Argv argv() const;

 private:
  struct Argument {
    const char* borrowed;  ///< null: `offset` into copies_
    std::size_t offset;
    std::size_t size;
  };
  std::vector<Argument> arguments_;
  std::string copies_;
  mutable std::vector<std::string_view> argv_;
};

}  // namespace hookfleet::redis
