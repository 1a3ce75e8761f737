#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"

namespace hookfleet::simulate {

/// The headers of a whole HTTP head, from its first line to the end of its last: names in lower case, of several the last. What is no
/// header is passed over.
std::map<std::string, std::string> headers_of(const std::string& head);

/// A keep-alive HTTP/1.1 server on 127.0.0.1 that answers what it is told, at once or later: somebody's receiver, or the provider's API.
/// Thousands of requests may wait for their answer at a time. For tests and simulations: it trusts who connects and bounds no request.
///
/// Threads: its own, `http-server`; the methods any.
/// Errors:  the constructors throw std::system_error when the port can't be had.
class HttpServer {
 public:
  using RequestId = std::uint64_t;
  using Headers = std::vector<std::pair<std::string, std::string>>;
  struct Request {
    RequestId id = 0;  ///< unique in this server
    std::string method, target;
    std::map<std::string, std::string> headers;  ///< names in lower case; of several the last
    std::string body;
  };
  struct Reply {
    enum class Way {
      kAnswer,
      kHang,   ///< never answers, unless finish() does
      kClose,  ///< closes the connection instead
      kRaw,    ///< sends `body` as it is and closes
    };
    Way way = Way::kAnswer;
    int status = 200;
    Headers headers;
    std::string body;
    std::size_t padding = 0;  ///< bytes behind the body, made while they are sent
    std::chrono::milliseconds delay{0};

    static Reply hang() { return with(Way::kHang); }
    static Reply close() { return with(Way::kClose); }
    static Reply raw(std::string bytes) {
      Reply reply = with(Way::kRaw);
      reply.body = std::move(bytes);
      return reply;
    }
    static Reply of(int status, Headers headers = {}) {
      Reply reply;
      reply.status = status;
      reply.headers = std::move(headers);
      return reply;
    }

   private:
    static Reply with(Way way) {
      Reply reply;
      reply.way = way;
      return reply;
    }
  };
  /// Called on the server's thread, one request after the other.
  using Handler = std::function<Reply(const Request&)>;
  /// A request is over: its answer is about to be sent, or its connection has ended before. On the server's thread.
  using Ended = std::function<void(RequestId)>;

  /// Answers 200.
  HttpServer();
  /// `port` 0: a free one.
  explicit HttpServer(Handler handler, int port = 0, Ended ended = nullptr);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& target = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + target; }

  /// From now on.
  void answer(Handler handler);
  /// Answers a request that still waits, instead of what its handler said; its delay counts from now. A request that is over stays as it
  /// is.
  void finish(RequestId request, Reply reply);
  /// Calls `what` on the server's thread; never when the server ends before.
  void later(std::chrono::milliseconds delay, std::function<void()> what);
  /// All requests in the order they were complete.
  std::vector<Request> requests() const;
  std::size_t count() const;
  /// Don't keep requests any more, only count them.
  void forget_requests();
  std::size_t connections() const;   ///< accepted so far
  std::size_t most_at_once() const;  ///< requests that waited for their answer at the same time, at most
  std::uint64_t bytes_sent() const;  ///< of answers

 private:
  struct Connection;
  using Time = std::chrono::steady_clock::time_point;
  void run(const std::stop_token& stop);
  void accept_all();
  bool read(Connection& connection);
  void parse(Connection& connection);
  bool write(Connection& connection);
  void end_request(Connection& connection);
  void drop(int fd);
  void schedule(Connection& connection);
  void take_in();
  void answer_due(Time now);
  void send_reply(int fd);
  void watch(const Connection& connection, unsigned events, bool add) const;

  int listener_ = -1;
  int epoll_ = -1;
  int port_ = 0;
  base::Wakeup wakeup_;
  mutable base::Mutex mutex_;
  Handler handler_ HOOKFLEET_GUARDED_BY(mutex_);
  std::vector<Request> requests_ HOOKFLEET_GUARDED_BY(mutex_);
  bool keep_ HOOKFLEET_GUARDED_BY(mutex_) = true;
  std::size_t count_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::size_t connections_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::size_t most_at_once_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::uint64_t bytes_sent_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::vector<std::pair<RequestId, Reply>> finished_ HOOKFLEET_GUARDED_BY(mutex_);
  std::vector<std::pair<Time, std::function<void()>>> wanted_ HOOKFLEET_GUARDED_BY(mutex_);

  // The server's thread only
  const Ended ended_;
  RequestId last_request_ = 0;
  std::unordered_map<int, std::unique_ptr<Connection>> open_;  // by descriptor
  std::unordered_map<RequestId, int> waiting_for_;             // descriptor of the request's connection
  std::multimap<Time, int> due_;                               // descriptors of connections that are to be answered
  std::multimap<Time, std::function<void()>> timers_;

  std::jthread thread_;  // last: stops before anything above goes
};

}  // namespace hookfleet::simulate
