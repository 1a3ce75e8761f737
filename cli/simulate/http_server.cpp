#include "cli/simulate/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "common/base/ascii.hpp"
#include "common/base/check.hpp"
#include "common/base/thread.hpp"

namespace hookfleet::simulate {

struct HttpServer::Connection {
  int fd = -1;
  RequestId request = 0;  // 0: none waits for its answer
  std::string in;
  std::string out;
  std::size_t padding = 0;  // to be sent behind `out`
  Reply reply;
  std::multimap<Time, int>::iterator due{};
  bool scheduled = false;  // `due` is valid
  bool blocked = false;    // waits until more can be sent
  bool close_when_sent = false;
  ~Connection() { ::close(fd); }
};

HttpServer::HttpServer() : HttpServer([](const Request&) { return Reply{}; }) {}

HttpServer::HttpServer(Handler handler, int port, Ended ended)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      handler_(std::move(handler)),
      ended_(std::move(ended)) {
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 4096) != 0) {
    const int error = errno;
    ::close(listener_);
    ::close(epoll_);
    throw std::system_error(error, std::generic_category(), "cannot listen on 127.0.0.1:" + std::to_string(port));
  }
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

void HttpServer::finish(RequestId request, Reply reply) {
  {
    base::MutexLock lock(mutex_);
    finished_.emplace_back(request, std::move(reply));
  }
  wakeup_.signal();
}

void HttpServer::later(std::chrono::milliseconds delay, std::function<void()> what) {
  {
    base::MutexLock lock(mutex_);
    wanted_.emplace_back(std::chrono::steady_clock::now() + delay, std::move(what));
  }
  wakeup_.signal();
}

void HttpServer::run(const std::stop_token& stop) {
  std::array<epoll_event, 256> events;
  while (!stop.stop_requested()) {
    Time wake = Time::max();
    if (!due_.empty()) wake = due_.begin()->first;
    if (!timers_.empty()) wake = std::min(wake, timers_.begin()->first);
    int timeout = -1;
    if (wake != Time::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - std::chrono::steady_clock::now()).count();
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
        if (!alive) drop(event.data.fd);
      }
    }
    take_in();
    answer_due(std::chrono::steady_clock::now());
  }
  open_.clear();
}

// Takes in what finish() and later() wish.
void HttpServer::take_in() {
  std::vector<std::pair<RequestId, Reply>> finished;
  {
    base::MutexLock lock(mutex_);
    finished.swap(finished_);
    for (auto& [time, what] : wanted_) timers_.emplace(time, std::move(what));
    wanted_.clear();
  }
  for (auto& [request, reply] : finished) {
    const auto found = waiting_for_.find(request);
    if (found == waiting_for_.end()) continue;
    Connection& connection = *open_.at(found->second);
    connection.reply = std::move(reply);
    schedule(connection);
  }
}

void HttpServer::schedule(Connection& connection) {
  if (connection.scheduled) due_.erase(connection.due);
  connection.scheduled = connection.reply.way != Reply::Way::kHang;
  if (connection.scheduled) connection.due = due_.emplace(std::chrono::steady_clock::now() + connection.reply.delay, connection.fd);
}

void HttpServer::end_request(Connection& connection) {
  if (connection.request == 0) return;
  if (connection.scheduled) due_.erase(connection.due);
  connection.scheduled = false;
  waiting_for_.erase(connection.request);
  const RequestId request = std::exchange(connection.request, 0);
  {
    base::MutexLock lock(mutex_);
    --waiting_;
  }
  if (ended_) ended_(request);
}

void HttpServer::drop(int fd) {
  const auto found = open_.find(fd);
  end_request(*found->second);
  open_.erase(found);
}

void HttpServer::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    connection->fd = fd;
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

std::map<std::string, std::string> headers_of(const std::string& head) {
  std::map<std::string, std::string> headers;
  for (std::size_t start = head.find("\r\n") + 2; start < head.size();) {
    const std::size_t stop = head.find("\r\n", start);
    const std::string line = head.substr(start, stop - start);
    start = stop + 2;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    headers[base::lower(line.substr(0, colon))] = value == std::string::npos ? "" : line.substr(value);
  }
  return headers;
}

void HttpServer::parse(Connection& connection) {
  if (connection.request != 0) return;
  const std::size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string head = connection.in.substr(0, end + 2);
  Request request;
  const std::size_t space = head.find(' ');
  request.method = head.substr(0, space);
  request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  request.headers = headers_of(head);
  const auto length = request.headers.find("content-length");
  const std::size_t bytes = length == request.headers.end() ? 0 : static_cast<std::size_t>(std::atoll(length->second.c_str()));
  if (connection.in.size() < end + 4 + bytes) return;
  request.body = connection.in.substr(end + 4, bytes);
  connection.in.erase(0, end + 4 + bytes);
  request.id = connection.request = ++last_request_;
  waiting_for_.emplace(request.id, connection.fd);

  Handler handler;
  {
    base::MutexLock lock(mutex_);
    ++count_;
    most_at_once_ = std::max(most_at_once_, ++waiting_);
    if (keep_) requests_.push_back(request);
    handler = handler_;
  }
  connection.reply = handler(request);
  schedule(connection);
}

void HttpServer::answer_due(Time now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto timer = timers_.extract(timers_.begin());
    timer.mapped()();
  }
  while (!due_.empty() && due_.begin()->first <= now) send_reply(due_.begin()->second);
}

void HttpServer::send_reply(int fd) {
  Connection& connection = *open_.at(fd);
  end_request(connection);
  Reply reply = std::move(connection.reply);
  if (reply.way == Reply::Way::kClose) return drop(fd);
  if (reply.way == Reply::Way::kRaw) {
    connection.out = std::move(reply.body);
    connection.close_when_sent = true;
  } else {
    connection.out = "HTTP/1.1 " + std::to_string(reply.status) + " Status\r\n";
    for (const auto& [name, value] : reply.headers) connection.out.append(name).append(": ").append(value).append("\r\n");
    connection.out += "Content-Length: " + std::to_string(reply.body.size() + reply.padding) + "\r\n\r\n" + reply.body;
    connection.padding = reply.padding;
  }
  if (!write(connection)) drop(fd);
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
      if (!std::exchange(connection.blocked, true)) watch(connection, EPOLLIN | EPOLLOUT, false);
      return true;
    }
    if (sent < 0) return false;
    connection.out.erase(0, static_cast<std::size_t>(sent));
    base::MutexLock lock(mutex_);
    bytes_sent_ += static_cast<std::uint64_t>(sent);
  }
  if (connection.close_when_sent) return false;
  if (std::exchange(connection.blocked, false)) watch(connection, EPOLLIN, false);
  parse(connection);  // the next request may be there already
  return true;
}

}  // namespace hookfleet::simulate
