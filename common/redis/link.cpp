#include "common/redis/link.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "common/base/clock.hpp"

namespace hookfleet::redis {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadSize = 128UL * 1024;         // one recv(2)
constexpr std::size_t kOutputKept = 4UL * 1024 * 1024;  // an output buffer grown beyond this is given back when it has been sent

std::string reason(int code) { return std::generic_category().message(code); }

int whole_ms(std::chrono::nanoseconds left) {
  const auto ms = std::chrono::ceil<milliseconds>(left).count();
  return static_cast<int>(std::clamp<milliseconds::rep>(ms, 0, INT_MAX));
}

void set(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

/// A socket that is connected before `deadline`, or -1 and errno.
int connect_to(const sockaddr* address, socklen_t length, base::BootTime deadline) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int code = ::connect(fd, address, length) == 0 ? 0 : errno;
  if (code == EINPROGRESS) {
    pollfd writable{fd, POLLOUT, 0};
    int ready = 0;
    do {
      ready = ::poll(&writable, 1, whole_ms(deadline - base::BootClock::now()));
    } while (ready < 0 && errno == EINTR);
    socklen_t size = sizeof code;
    if (ready > 0) {
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
    } else {
      code = ready == 0 ? ETIMEDOUT : errno;
    }
  }
  if (code == 0) return fd;
  ::close(fd);
  errno = code;
  return -1;
}

int connect_unix(const std::string& path, base::BootTime deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  path.copy(address.sun_path, path.size());
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
}

tl::expected<int, std::string> connect_tcp(const Endpoint& endpoint, base::BootTime deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found); code != 0) {
    return tl::unexpected(std::string(::gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int fd = connect_to(address->ai_addr, address->ai_addrlen, deadline);
    if (fd < 0) continue;
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);  // finds a peer that vanished while a connection is idle: 15 + 3 × 5 s
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    return fd;
  }
  return tl::unexpected(reason(errno));
}

void append_header(std::string& out, char sign, std::size_t number) {
  char text[24];
  text[0] = sign;
  char* end = std::to_chars(text + 1, text + sizeof text, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text, static_cast<std::size_t>(end - text));
}

}  // namespace

Link::Link(int fd) : fd_(fd), in_(kReadSize) {}

Link::~Link() { ::close(fd_); }

tl::expected<std::unique_ptr<Link>, Error> Link::connect(const Endpoint& endpoint, milliseconds timeout) {
  const base::BootTime deadline = base::BootClock::now() + timeout;
  tl::expected<int, std::string> fd = tl::unexpected(std::string());
  if (endpoint.unix_path.empty()) {
    fd = connect_tcp(endpoint, deadline);
  } else if (const int connected = connect_unix(endpoint.unix_path, deadline); connected >= 0) {
    fd = connected;
  } else {
    fd = tl::unexpected(reason(errno));
  }
  if (!fd) return tl::unexpected(Error{ErrorKind::kConnect, "no connection to " + endpoint.display() + ": " + fd.error()});
  return std::unique_ptr<Link>(new Link(*fd));
}

void Link::append(Argv argv) {
  append_header(out_, '*', argv.size());
  for (const std::string_view argument : argv) {
    append_header(out_, '$', argument.size());
    out_.append(argument);
    out_.append("\r\n", 2);
  }
}

void Link::send() {
  while (unsent() > 0 && !broken_) {
    const ssize_t sent = ::send(fd_, out_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      broken_ = Error{ErrorKind::kClosed, "connection to Redis lost while sending: " + reason(errno)};
      return;
    }
    sent_ += static_cast<std::size_t>(sent);
    if (unsent() > 0) break;  // the socket's buffer is full
  }
  if (unsent() == 0) {
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > kOutputKept) out_.shrink_to_fit();
  } else if (sent_ > kReadSize && sent_ > unsent()) {
    out_.erase(0, std::exchange(sent_, 0));  // a buffer that is filled as fast as it drains must not keep what it has sent
  }
}

bool Link::receive() {
  for (;;) {
    const ssize_t received = ::recv(fd_, in_.data(), in_.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0 && errno == EAGAIN) return false;
    if (received > 0) {
      if (!parser_.feed({in_.data(), static_cast<std::size_t>(received)})) {
        broken_ = Error{ErrorKind::kProtocol, "not a Redis reply: over " + std::to_string(Parser::kUnfinishedMax) + " bytes in one text"};
      }
      return true;
    }
    const std::string why = received == 0 ? "closed by the server" : reason(errno);
    if (!broken_) broken_ = Error{ErrorKind::kClosed, "connection to Redis lost: " + why};
    return false;
  }
}

void Link::parse_ahead() {
  if (ready_ || (broken_ && broken_->kind == ErrorKind::kProtocol)) return;
  auto reply = parser_.next();
  if (reply) {
    ready_ = *std::move(reply);
  } else {
    broken_ = std::move(reply).error();
  }
}

tl::expected<Link::Progress, Error> Link::turn(milliseconds timeout, base::Wakeup* wakeup) {
  send();
  parse_ahead();
  if (ready_) return Progress::kNothing;
  // A send that failed still leaves replies to be read: what the server said before it closed.
  if (broken_ && broken_->kind == ErrorKind::kProtocol) return tl::unexpected(*broken_);
  pollfd fds[2] = {{fd_, static_cast<short>(unsent() > 0 && !broken_ ? POLLIN | POLLOUT : POLLIN), 0}, {-1, POLLIN, 0}};
  if (wakeup != nullptr) fds[1].fd = wakeup->fd();
  const int ready = ::poll(fds, wakeup != nullptr ? 2 : 1, broken_ ? 0 : whole_ms(timeout));
  if (ready > 0 && fds[1].revents != 0) wakeup->clear();
  bool came = false;
  if (ready > 0 && (fds[0].revents & ~POLLOUT) != 0) {
    came = receive();
    parse_ahead();
  }
  if (ready > 0 && (fds[0].revents & POLLOUT) != 0) send();
  if (broken_ && !ready_) return tl::unexpected(*broken_);
  return came ? Progress::kSome : Progress::kNothing;
}

tl::expected<std::optional<Reply>, Error> Link::next() {
  parse_ahead();
  if (ready_) return std::exchange(ready_, std::nullopt);
  if (broken_) return tl::unexpected(*broken_);
  return std::nullopt;
}

}  // namespace hookfleet::redis
