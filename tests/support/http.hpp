#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookfleet::support {

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A TCP connection to 127.0.0.1 that sends at once (TCP_NODELAY), for the caller to close; -1 when nobody takes it.
int connect_to(int port);

/// A keep-alive HTTP/1.1 client for 127.0.0.1, one request at a time. Connects when needed and again after a lost connection, also one that
/// the server ended while it was idle, but never repeats a request by itself.
class HttpClient {
 public:
  explicit HttpClient(int port, std::chrono::milliseconds timeout = std::chrono::seconds(30)) : port_(port), timeout_(timeout) {}
  ~HttpClient() { close(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Nothing: no connection, cut off, timed out, or no HTTP came back.
  std::optional<Response> request(std::string_view method, std::string_view target, const Headers& headers = {},
                                  std::string_view body = {});
  std::optional<Response> get(std::string_view target) { return request("GET", target); }
  std::optional<Response> post(std::string_view target, std::string_view token, std::string_view body);

  /// Sends bytes as they are and reads one response; `expect_body` false for HEAD.
  std::optional<Response> raw(std::string_view bytes, bool expect_body = true);
  void close();
  /// Whether the last request could not be sent at all, because nobody accepted the connection.
  bool refused() const { return refused_; }

 private:
  bool connect();
  bool send(std::string_view bytes);
  bool receive(std::chrono::steady_clock::time_point deadline);
  std::optional<Response> read_response(bool expect_body);

  int port_;
  std::chrono::milliseconds timeout_;
  int fd_ = -1;
  bool refused_ = false;
  std::string buffer_;
};

/// Makes the event thread of the ingress on this port of 127.0.0.1 spin for ever: Pistache 0.0.5 does when the CR and the LF behind a chunk
/// come in two reads (nginx sends no chunks). False when it still turns.
bool spin_event_thread(int port);

}  // namespace hookfleet::support
