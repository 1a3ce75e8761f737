#include "tests/support/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/thread.hpp"

namespace hookfleet::support {

struct HttpServer::Connection {
  int fd = -1;
  std::uint64_t serial = 0;
  std::string in;
  std::string out;
  std::size_t padding = 0;  // to be sent behind `out`
  Reply reply;
  bool waits = false;  // its request is complete, its answer isn't
  bool close_when_sent = false;
  ~Connection() { ::close(fd); }
};

HttpServer::HttpServer() : HttpServer([](const Request&) { return Reply{}; }) {}

HttpServer::HttpServer(Handler handler, int port)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      handler_(std::move(handler)) {
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  HOOKFLEET_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  HOOKFLEET_CHECK(::listen(listener_, 1024) == 0);
  socklen_t size = sizeof address;
  HOOKFLEET_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  for (const int fd : {listener_, wakeup_.fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    HOOKFLEET_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
  }
  thread_ = base::start_thread("http-server", [this](const std::stop_token& stop) { run(stop); });
}

HttpServer::~HttpServer() {
  thread_.request_stop();
  wakeup_.signal();
  thread_.join();
  ::close(listener_);
  ::close(epoll_);
}

void HttpServer::answer(Handler handler) {
  base::MutexLock lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<HttpServer::Request> HttpServer::requests() const {
  base::MutexLock lock(mutex_);
  return requests_;
}

std::size_t HttpServer::count() const {
  base::MutexLock lock(mutex_);
  return count_;
}

void HttpServer::forget_requests() {
  base::MutexLock lock(mutex_);
  keep_ = false;
  requests_.clear();
}

std::size_t HttpServer::connections() const {
  base::MutexLock lock(mutex_);
  return connections_;
}

std::size_t HttpServer::most_at_once() const {
  base::MutexLock lock(mutex_);
  return most_at_once_;
}

std::uint64_t HttpServer::bytes_sent() const {
  base::MutexLock lock(mutex_);
  return bytes_sent_;
}

void HttpServer::watch(const Connection& connection, unsigned events, bool add) const {
  epoll_event event{};
  event.events = events;
  event.data.fd = connection.fd;
  ::epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection.fd, &event);
}

void HttpServer::run(const std::stop_token& stop) {
  std::array<epoll_event, 256> events;
  while (!stop.stop_requested()) {
    int timeout = -1;
    if (!due_.empty()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first - std::chrono::steady_clock::now()).count();
      timeout = static_cast<int>(std::max<std::int64_t>(left, 0));
    }
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == wakeup_.fd()) {
        wakeup_.clear();
      } else if (event.data.fd == listener_) {
        accept_all();
      } else if (const auto found = open_.find(event.data.fd); found != open_.end()) {
        Connection& connection = *found->second;
        bool alive = true;
        if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) alive = read(connection);
        if (alive && (event.events & EPOLLOUT) != 0) alive = write(connection);
        if (!alive) {
          if (connection.waits) {
            base::MutexLock lock(mutex_);
            --waiting_;
          }
          open_.erase(event.data.fd);
        }
      }
    }
    answer_due(std::chrono::steady_clock::now());
  }
  open_.clear();
}

void HttpServer::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    connection->fd = fd;
    connection->serial = ++last_serial_;
    watch(*connection, EPOLLIN, true);
    open_[fd] = std::move(connection);
    base::MutexLock lock(mutex_);
    ++connections_;
  }
}

// False: the connection is done for.
bool HttpServer::read(Connection& connection) {
  std::array<char, 65536> chunk;
  for (;;) {
    const auto got = ::recv(connection.fd, chunk.data(), chunk.size(), 0);
    if (got < 0) break;
    if (got == 0) return false;
    connection.in.append(chunk.data(), static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < chunk.size()) break;
  }
  parse(connection);
  return true;
}

void HttpServer::parse(Connection& connection) {
  if (connection.waits) return;
  const std::size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string head = connection.in.substr(0, end + 2);
  Request request;
  const std::size_t space = head.find(' ');
  request.method = head.substr(0, space);
  request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  for (std::size_t start = head.find("\r\n") + 2; start < head.size();) {
    const std::size_t stop = head.find("\r\n", start);
    const std::string line = head.substr(start, stop - start);
    start = stop + 2;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    request.headers[name] = value == std::string::npos ? "" : line.substr(value);
  }
  const auto length = request.headers.find("content-length");
  const std::size_t bytes = length == request.headers.end() ? 0 : static_cast<std::size_t>(std::atoll(length->second.c_str()));
  if (connection.in.size() < end + 4 + bytes) return;
  request.body = connection.in.substr(end + 4, bytes);
  connection.in.erase(0, end + 4 + bytes);
  connection.waits = true;

  Handler handler;
  {
    base::MutexLock lock(mutex_);
    ++count_;
    most_at_once_ = std::max(most_at_once_, ++waiting_);
    if (keep_) requests_.push_back(request);
    handler = handler_;
  }
  connection.reply = handler(request);
  if (connection.reply.way != Reply::Way::kHang) {
    due_.emplace(std::chrono::steady_clock::now() + connection.reply.delay, std::pair{connection.fd, connection.serial});
  }
}

void HttpServer::answer_due(Time now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto [fd, serial] = due_.begin()->second;
    due_.erase(due_.begin());
    const auto found = open_.find(fd);
    if (found == open_.end() || found->second->serial != serial) continue;
    Connection& connection = *found->second;
    connection.waits = false;
    {
      base::MutexLock lock(mutex_);
      --waiting_;
    }
    Reply reply = std::move(connection.reply);
    if (reply.way == Reply::Way::kClose) {
      open_.erase(fd);
      continue;
    }
    if (reply.way == Reply::Way::kRaw) {
      connection.out = std::move(reply.body);
      connection.close_when_sent = true;
    } else {
      connection.out = "HTTP/1.1 " + std::to_string(reply.status) + " Status\r\n";
      for (const auto& [name, value] : reply.headers) connection.out += name + ": " + value + "\r\n";
      connection.out += "Content-Length: " + std::to_string(reply.body.size() + reply.padding) + "\r\n\r\n" + reply.body;
      connection.padding = reply.padding;
    }
    if (!write(connection)) open_.erase(fd);
  }
}

bool HttpServer::write(Connection& connection) {
  static const std::string kPadding(64UL << 10, 'x');
  for (;;) {
    if (connection.out.empty()) {
      const std::size_t more = std::min(connection.padding, kPadding.size());
      connection.out.assign(kPadding, 0, more);
      connection.padding -= more;
    }
    if (connection.out.empty()) break;
    const auto sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      watch(connection, EPOLLIN | EPOLLOUT, false);
      return true;
    }
    if (sent < 0) return false;
    connection.out.erase(0, static_cast<std::size_t>(sent));
    base::MutexLock lock(mutex_);
    bytes_sent_ += static_cast<std::uint64_t>(sent);
  }
  if (connection.close_when_sent) return false;
  watch(connection, EPOLLIN, false);
  parse(connection);  // the next request may be there already
  return true;
}

}  // namespace hookfleet::support
