#include "tests/support/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "common/base/ascii.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::support {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in address_of(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) std::abort();
  return address;
}

// Bytes that the server's socket of a connection holds and its program has not read; nothing when there is no such socket (any more).
std::optional<unsigned long> unread(int server_port, int client_port) {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);  // names of the columns
  while (std::getline(table, line)) {
    unsigned local = 0, remote = 0, state = 0;
    unsigned long queued = 0;
    if (std::sscanf(line.c_str(), " %*u: %*8x:%x %*8x:%x %x %*x:%lx", &local, &remote, &state, &queued) != 4) continue;
    if (static_cast<int>(local) == server_port && static_cast<int>(remote) == client_port) return queued;
  }
  return std::nullopt;
}

}  // namespace

RawClient::RawClient(int port, const std::string& from) : port_(port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in own = address_of(from, 0);
  const sockaddr_in server = address_of("127.0.0.1", port);
  socklen_t length = sizeof own;
  if (fd_ < 0 || ::bind(fd_, reinterpret_cast<sockaddr*>(&own), length) != 0 ||
      ::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0 ||
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    std::perror("RawClient: connect");
    std::abort();
  }
  own_port_ = ntohs(own.sin_port);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawClient::~RawClient() {
  if (fd_ >= 0) ::close(fd_);
}

bool RawClient::send(std::string_view bytes, std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  while (!bytes.empty() && fd_ >= 0 && !closed_ && Clock::now() < until) {
    wait(POLLIN | POLLOUT, until);
    read();
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {  // closed; what it said before may still be there
      read();
      closed_ = true;
    }
  }
  return bytes.empty();
}

bool RawClient::taken(std::chrono::milliseconds timeout) {
  return wait_until(timeout, [this] { return unread(port_, own_port_).value_or(0) == 0; });
}

void RawClient::half_close() { ::shutdown(fd_, SHUT_WR); }

void RawClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd_);
  fd_ = -1;
}

bool RawClient::await(std::size_t count, std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  while (answers_.size() < count && !closed_ && fd_ >= 0) {
    if (Clock::now() >= until) return false;
    wait(POLLIN, until);
    read();
  }
  return true;
}

bool RawClient::await_close(std::chrono::milliseconds timeout) {
  await(~std::size_t{0}, timeout);
  return closed_;
}

std::vector<int> RawClient::statuses() const {
  std::vector<int> all;
  for (const auto& answer : answers_) all.push_back(answer.status);
  return all;
}

void RawClient::wait(short events, Clock::time_point until) const {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd ready{fd_, events, 0};
  ::poll(&ready, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000)));
}

void RawClient::read() {
  char chunk[65536];
  while (fd_ >= 0 && !closed_) {
    const auto got = ::recv(fd_, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      closed_ = true;
      break;
    }
    rest_.append(chunk, static_cast<std::size_t>(got));
    all_.append(chunk, static_cast<std::size_t>(got));
  }
  while (parse()) {
  }
}

bool RawClient::parse() {
  const std::size_t end = rest_.find("\r\n\r\n");
  if (end == std::string::npos || !rest_.starts_with("HTTP/1.")) return false;
  Response response;
  response.status = std::atoi(rest_.c_str() + 9);
  for (std::size_t start = rest_.find("\r\n") + 2; start < end;) {
    const std::size_t stop = rest_.find("\r\n", start);
    const std::string line = rest_.substr(start, stop - start);
    start = stop + 2;
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    response.headers[base::lower(line.substr(0, colon))] = line.substr(colon + 2);
  }
  std::size_t length = 0;
  if (const auto named = response.headers.find("content-length"); bodies_ && named != response.headers.end()) {
    length = static_cast<std::size_t>(std::atoll(named->second.c_str()));
  }
  if (rest_.size() < end + 4 + length) return false;
  response.body = rest_.substr(end + 4, length);
  rest_.erase(0, end + 4 + length);
  answers_.push_back(std::move(response));
  return true;
}

}  // namespace hookfleet::support
