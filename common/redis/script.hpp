#pragma once

#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/redis/connection.hpp"

namespace hookfleet::redis {

/// A Lua script, named by its content: old and new versions live side by side in a rollout.
struct Script {
  std::string_view name;    ///< for logs and metrics
  std::string_view source;  ///< static storage
  std::string sha1;         ///< what EVALSHA takes

  Script(std::string_view name, std::string_view source);
};

/// SCRIPT LOAD of each, one round trip a script. The Reply of a refused load, or an Error, as a text.
tl::expected<void, std::string> load(Connection& connection, std::span<const Script* const> scripts);

}  // namespace hookfleet::redis
