#include "common/redis/command.hpp"

#include <charconv>

#include "common/redis/script.hpp"

namespace hookfleet::redis {

Command& Command::clear() {
  arguments_.clear();
  copies_.clear();
  return *this;
}

Command& Command::borrow(std::string_view argument) {
  // A null data() would read as "inside": an empty argument may come without an address.
  arguments_.push_back({argument.data() == nullptr ? "" : argument.data(), 0, argument.size()});
  return *this;
}

Command& Command::copy(std::string_view argument) {
  arguments_.push_back({nullptr, copies_.size(), argument.size()});
  copies_.append(argument);
  return *this;
}

Command& Command::number(std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  return copy({digits, static_cast<std::size_t>(end.ptr - digits)});
}

Command& Command::evalsha(const Script& script, std::size_t keys) {
  return borrow("EVALSHA").borrow(script.sha1).number(static_cast<std::int64_t>(keys));
}

Command& Command::append(const Command& other) {
  for (const std::string_view argument : other.argv()) borrow(argument);
  return *this;
}

Argv Command::argv() const {
  argv_.clear();
  for (const Argument& argument : arguments_) {
    argv_.emplace_back(argument.borrowed != nullptr ? argument.borrowed : copies_.data() + argument.offset, argument.size);
  }
  return argv_;
}

}  // namespace hookfleet::redis
