#include "tests/support/http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/simulate/http_server.hpp"

namespace hookfleet::support {
namespace {
constexpr int kNoSignal = MSG_NOSIGNAL;
}

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

std::optional<Response> HttpClient::request(std::string_view method, std::string_view target, const Headers& headers,
                                            std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  if (method != "GET" && method != "HEAD") text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  text.append("\r\n").append(body);
  return raw(text, method != "HEAD");
}

std::optional<Response> HttpClient::post(std::string_view target, std::string_view token, std::string_view body) {
  Headers headers{{"Content-Type", "application/json"}};
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + std::string(token));
  return request("POST", target, headers, body);
}

std::optional<Response> HttpClient::raw(std::string_view bytes, bool expect_body) {
  char unread = 0;
  if (fd_ >= 0 && ::recv(fd_, &unread, 1, MSG_PEEK | MSG_DONTWAIT) == 0) close();  // the server ended it while it was idle
  refused_ = fd_ < 0 && !connect();
  if (refused_) return std::nullopt;
  buffer_.clear();
  if (!send(bytes)) {
    // The server may have answered and closed before it took all of the body (413).
    auto early = read_response(expect_body);
    close();
    return early;
  }
  auto response = read_response(expect_body);
  if (!response || response->headers["connection"] == "close" || response->headers["connection"] == "Close") close();
  return response;
}

void HttpClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool HttpClient::connect() {
  fd_ = connect_to(port_);
  return fd_ >= 0;
}

bool HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), kNoSignal);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpClient::receive(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd readable{fd_, POLLIN, 0};
  if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) <= 0) return false;
  char chunk[16384];
  const auto got = ::recv(fd_, chunk, sizeof chunk, 0);
  if (got <= 0) return false;
  buffer_.append(chunk, static_cast<std::size_t>(got));
  return true;
}

std::optional<Response> HttpClient::read_response(bool expect_body) {
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(deadline)) return std::nullopt;
  }
  Response response;
  const std::string head = buffer_.substr(0, end + 2);
  if (head.size() < 12 || head.compare(0, 5, "HTTP/") != 0) return std::nullopt;
  response.status = std::atoi(head.c_str() + 9);
  response.headers = simulate::headers_of(head);
  if (!expect_body) return response;
  if (const auto length = response.headers.find("content-length"); length != response.headers.end()) {
    const auto bytes = static_cast<std::size_t>(std::atoll(length->second.c_str()));
    while (buffer_.size() < end + 4 + bytes) {
      if (!receive(deadline)) return std::nullopt;
    }
    response.body = buffer_.substr(end + 4, bytes);
  } else if (response.headers["transfer-encoding"] == "chunked") {
    while (buffer_.find("\r\n0\r\n\r\n", end + 2) == std::string::npos && buffer_.find("0\r\n\r\n", end + 4) != end + 4) {
      if (!receive(deadline)) return std::nullopt;
    }
    std::size_t at = end + 4;
    for (;;) {
      const auto size = static_cast<std::size_t>(std::strtoul(buffer_.c_str() + at, nullptr, 16));
      if (size == 0) break;
      at = buffer_.find("\r\n", at) + 2;
      response.body.append(buffer_, at, size);
      at += size + 2;
    }
  }
  return response;
}

bool spin_event_thread(int port) {
  const int fd = connect_to(port);
  bool sent = fd >= 0;
  bool turns = true;
  for (const std::string_view part :
       {"POST /webhook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r", "\n6\r\n world\r\n0\r\n\r\n"}) {
    sent = sent && ::send(fd, part.data(), part.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(part.size());
    // Answered when the part before has been read: the next one comes in a read of its own.
    turns = HttpClient(port, std::chrono::seconds(2)).get("/livez").has_value();
  }
  if (fd >= 0) ::close(fd);
  return sent && !turns;
}

}  // namespace hookfleet::support
