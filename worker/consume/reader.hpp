#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "common/base/mutex.hpp"
#include "common/redis/connection.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::consume {

/// Where to read from.
struct Position {
  unsigned partition = 0;
  stream::StreamId cursor{};
};

/// What one stream brought.
struct Delivered {
  unsigned partition = 0;
  std::vector<std::pair<stream::StreamId, tl::expected<stream::Entry, std::string>>> entries;
};

/// Reads streams with one blocking XREAD a request, on a thread and connection of its own.
/// Threads: read() any; the callbacks run on the reader's thread. Answers one request after the other with exactly one callback, but none
/// after the destructor began.
class Reader {
 public:
  struct Callbacks {
    /// Empty when nothing came in time.
    std::function<void(std::vector<Delivered>)> done;
    /// The connection was lost, or Redis refused; the next request opens another after a pause.
    std::function<void(const std::string& why)> failed;
    /// Before `done`: keys that hold no stream; the others were read without them.
    std::function<void(const std::string& why)> skipped;
  };

  /// `keys` outlives the reader.
  Reader(redis::Endpoint endpoint, redis::Timeouts timeouts, const stream::Keys& keys, Callbacks callbacks);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// At most `count` entries of each stream, beyond its cursor; `block`: how long to wait while there are none. One request at a time.
  void read(std::vector<Position> positions, std::size_t count, std::chrono::milliseconds block) HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Request {
    std::vector<Position> positions;
    std::size_t count;
    std::chrono::milliseconds block;
  };
  void run() HOOKFLEET_EXCLUDES(mutex_);
  tl::expected<std::vector<Delivered>, std::string> serve(const Request& request);
  tl::expected<std::vector<Delivered>, std::string> serve_each(const Request& request) HOOKFLEET_EXCLUDES(mutex_);

  const redis::Endpoint endpoint_;
  const redis::Timeouts timeouts_;
  const stream::Keys& keys_;
  const Callbacks callbacks_;
  std::optional<redis::Connection> connection_;  // the thread's

  base::Mutex mutex_;
  base::CondVar changed_;
  std::optional<Request> request_ HOOKFLEET_GUARDED_BY(mutex_);
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;

  // Last on purpose: it uses all of the above.
  std::jthread thread_;
};

}  // namespace hookfleet::consume
