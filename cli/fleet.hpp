#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verb.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::cli {

/// The Redis connection ended, or could not be made. What was asked last may have happened, unless nothing was sent.
struct ConnectionLost : Failed {
  bool sent = true;  ///< false: nothing was sent
};

/// One command, copied.
using Words = std::vector<std::string>;

/// Where the fleet's Redis is: what every verb that talks to it may be told.
struct FleetOptions {
  std::string redis, config, prefix;

  void declare(config::Arguments& arguments);
};

/// The fleet as it lies in Redis: a connection, the layout that stands there, and the keys. Throws Failed for all that goes wrong, with
/// the cause and the way out.
/// Threads: one.
class Fleet {
 public:
  /// Connects (at most 2 s, 10 s a reply) and reads the layout; where none is stored the settings' one is taken.
  Fleet(const FleetOptions& options, const Environment& environment);

  const stream::Layout& layout() const { return layout_; }
  const stream::Keys& keys() const { return keys_; }
  /// What hf:meta holds; empty when it is missing (no program of the fleet has run yet).
  const std::string& stored_layout() const { return stored_layout_; }
  /// The layout that settings and environment name.
  const stream::Layout& settings_layout() const { return settings_layout_; }
  /// The server without a password, escaped.
  std::string server() const;
  unsigned partitions() const { return keys_.partitions(); }

  /// One command and its reply; an error reply is a Failed that names command and key. May throw ConnectionLost,
  /// also while Redis reads its data after a start.
  redis::Reply call(redis::Argv argv);
  redis::Reply call(std::initializer_list<std::string_view> argv) { return call(redis::Argv(argv.begin(), argv.size())); }
  /// The same, but an error reply is handed to the caller.
  redis::Reply ask(redis::Argv argv);
  redis::Reply ask(std::initializer_list<std::string_view> argv) { return ask(redis::Argv(argv.begin(), argv.size())); }
  /// Many commands in one go; error replies are handed to the caller.
  std::vector<redis::Reply> ask_all(const std::vector<Words>& commands);
  /// A new connection after ConnectionLost. Throws ConnectionLost when there is none.
  void reconnect();

  /// Redis' clock, Unix ms.
  std::int64_t now_ms();

  /// A page of a stream: at most `count` records of `key` from `from` to `to` ("-", "+", "(id" and ids).
  redis::Reply range(const std::string& key, std::string_view from, std::string_view to, std::size_t count);

 private:
  struct Settings;
  Fleet(const Settings& settings);

  redis::Reply receive(redis::Argv argv);

  redis::Endpoint endpoint_;
  redis::Pipeline pipeline_;
  base::BootTime asked_{};
  stream::Layout settings_layout_;
  std::string stored_layout_;
  stream::Layout layout_;
  stream::Keys keys_;
};

/// The next id after `id`, exclusive: "(1-2".
std::string after(stream::StreamId id);

}  // namespace hookfleet::cli
