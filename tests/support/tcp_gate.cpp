#include "tests/support/tcp_gate.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <limits>

#include "common/base/thread.hpp"

namespace hookfleet::support {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void reset(int fd) {
  const linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd);
}

/// Bytes on their way from one socket to another.
struct Flow {
  std::string held;
  bool ended = false;

  /// Reads once; false when the peer is gone.
  bool read(int fd, std::uint64_t& left) {
    std::array<char, 65536> buffer;
    const ssize_t received = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0) return errno == EAGAIN || errno == EINTR;
    if (received == 0) {
      ended = true;
      return true;
    }
    const auto taken = std::min<std::uint64_t>(left, static_cast<std::uint64_t>(received));
    held.append(buffer.data(), static_cast<std::size_t>(taken));
    if (left != kNoLimit) left -= taken;
    return true;
  }
  bool write(int fd) {
    while (!held.empty()) {
      const ssize_t sent = ::send(fd, held.data(), held.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR;
      held.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }
};

}  // namespace

struct TcpGate::Pair {
  int client = -1;
  int server = -1;
  Flow from_client, from_server;
  ~Pair() {
    if (client >= 0) reset(client);
    if (server >= 0) reset(server);
  }
};

TcpGate::TcpGate(int server_port) : server_port_(server_port), left_from_server_(kNoLimit), left_from_client_(kNoLimit) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 128) != 0) std::abort();
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = base::start_thread("tcp-gate", [this](const std::stop_token& stop) { run(stop); });
}

TcpGate::~TcpGate() {
  thread_.request_stop();
  wakeup_.signal();
  thread_.join();
  ::close(listener_);
}

void TcpGate::set(Mode mode) {
  {
    base::MutexLock lock(mutex_);
    mode_ = mode;
    if (mode == Mode::kRefuse || mode == Mode::kAnswer) cut_ = true;
    if (mode == Mode::kOpen) left_from_server_ = left_from_client_ = kNoLimit;
  }
  wakeup_.signal();
}

void TcpGate::refuse() { set(Mode::kRefuse); }
void TcpGate::stall() { set(Mode::kStall); }
void TcpGate::stall_replies() { set(Mode::kStallReplies); }
void TcpGate::open() { set(Mode::kOpen); }

void TcpGate::answer(std::string bytes) {
  {
    base::MutexLock lock(mutex_);
    answer_ = std::move(bytes);
  }
  set(Mode::kAnswer);
}

void TcpGate::cut() {
  {
    base::MutexLock lock(mutex_);
    cut_ = true;
  }
  wakeup_.signal();
}

void TcpGate::cut_after_from_server(std::uint64_t bytes) {
  base::MutexLock lock(mutex_);
  left_from_server_ = bytes;
}

void TcpGate::cut_after_from_client(std::uint64_t bytes) {
  base::MutexLock lock(mutex_);
  left_from_client_ = bytes;
}

void TcpGate::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  ++accepted_;
  const int on = 1;
  ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto pair = std::make_unique<Pair>();
  pair->client = client;
  base::MutexLock lock(mutex_);
  if (mode_ == Mode::kRefuse) return;
  if (mode_ == Mode::kAnswer) {
    pair->from_server.held = answer_;
  } else {
    pair->server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    if (::connect(pair->server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    ::setsockopt(pair->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  pairs_.push_back(std::move(pair));
}

bool TcpGate::pump(Pair& pair) {
  base::MutexLock lock(mutex_);
  std::uint64_t unlimited = kNoLimit;
  if (mode_ == Mode::kStall) return true;
  if (!pair.from_client.read(pair.client, pair.server < 0 ? unlimited : left_from_client_)) return false;
  if (pair.server < 0) {
    pair.from_client.held.clear();
  } else {
    if (!pair.from_client.write(pair.server)) return false;
    if (left_from_client_ == 0) {
      left_from_client_ = kNoLimit;
      return false;
    }
  }
  if (mode_ == Mode::kStallReplies) return !pair.from_client.ended;
  if (pair.server >= 0 && !pair.from_server.read(pair.server, left_from_server_)) return false;
  if (!pair.from_server.write(pair.client)) return false;
  if (left_from_server_ == 0 && pair.from_server.held.empty()) {
    left_from_server_ = kNoLimit;
    // Closed, not reset, or the last bytes might be lost on the way.
    ::shutdown(pair.client, SHUT_WR);
    ::close(std::exchange(pair.client, -1));
    return false;
  }
  return !pair.from_client.ended && !(pair.from_server.ended && pair.from_server.held.empty());
}

void TcpGate::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool reading_clients = true;
    bool reading_servers = true;
    {
      base::MutexLock lock(mutex_);
      reading_clients = mode_ != Mode::kStall;
      reading_servers = reading_clients && mode_ != Mode::kStallReplies;
    }
    std::vector<pollfd> fds{{wakeup_.fd(), POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const auto& pair : pairs_) {
      if (reading_clients) fds.push_back({pair->client, static_cast<short>(pair->from_server.held.empty() ? POLLIN : POLLIN | POLLOUT), 0});
      if (reading_servers && pair->server >= 0) {
        fds.push_back({pair->server, static_cast<short>(pair->from_client.held.empty() ? POLLIN : POLLIN | POLLOUT), 0});
      }
    }
    ::poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) wakeup_.clear();
    {
      base::MutexLock lock(mutex_);
      if (cut_) pairs_.clear();
      cut_ = false;
    }
    if (fds[1].revents != 0) accept_one();  // after the cut: whoever connects after cut() returned stays
    std::erase_if(pairs_, [this](const auto& pair) { return !pump(*pair); });
  }
}

}  // namespace hookfleet::support
