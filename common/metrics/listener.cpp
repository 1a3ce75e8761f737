#include "common/metrics/listener.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <list>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/ascii.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/thread.hpp"
#include "common/base/wakeup.hpp"
#include "common/metrics/address.hpp"

namespace hookfleet::metrics {
namespace {

using base::Descriptor;

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kConnectionsMax = 64;  // beyond it the oldest goes, so that idle ones cannot keep a probe out
constexpr std::size_t kHeadBytesMax = 8192;
constexpr std::chrono::seconds kRequestTimeout{5};
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kHealthcheckTimeout{2};

std::string error_text(int error) { return std::generic_category().message(error); }

const sockaddr* generic(const Address& address) { return reinterpret_cast<const sockaddr*>(&address.storage); }

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 431: return "Request Header Fields Too Large";
    default: return "Service Unavailable";
  }
}

constexpr std::string_view kText = "text/plain; charset=utf-8";

std::string respond(int status, std::string_view type, std::string_view body, bool head_only = false, std::string_view extra = {}) {
  std::string response = "HTTP/1.1 " + std::to_string(status) + " ";
  response.append(reason(status)).append("\r\nContent-Type: ").append(type);
  response.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  response.append("\r\nCache-Control: no-store\r\nConnection: close\r\n").append(extra).append("\r\n");
  if (!head_only) response.append(body);
  return response;
}

/// The answer to a request whose head is complete.
std::string answer(std::string_view head, const Registry& registry, const Listener::Endpoints& endpoints) {
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const std::size_t method_end = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end <= method_end || line.substr(target_end + 1).substr(0, 7) != "HTTP/1.") {
    return respond(400, kText, "bad request\n");
  }
  const std::string_view method = line.substr(0, method_end);
  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  const std::string_view path = target.substr(0, target.find('?'));
  const bool head_only = method == "HEAD";
  const auto verdict = [&](const std::function<Health()>& ask) {
    const Health health = ask();
    return respond(health.ok ? 200 : 503, kText, health.text, head_only);
  };
  if (path != "/metrics" && path != "/livez" && path != "/readyz") return respond(404, kText, "not found\n", head_only);
  if (!head_only && method != "GET") return respond(405, kText, "method not allowed\n", false, "Allow: GET, HEAD\r\n");
  if (path == "/livez") return verdict(endpoints.livez);
  if (path == "/readyz") return verdict(endpoints.readyz);
  return respond(200, "text/plain; version=0.0.4; charset=utf-8", registry.text(), head_only);
}

/// One request and its answer; then whatever else comes is read away, since a close with unread bytes would cut the answer off.
struct Connection {
  enum class Phase { kReading, kWriting, kClosing };
  Descriptor socket;
  SteadyClock::time_point deadline;
  Phase phase = Phase::kReading;
  std::string buffer{};  ///< the request's head, then what of the answer is not sent yet
};

}  // namespace

struct Listener::State {
  void run();
  void accept(std::list<Connection>& connections);
  bool go_on(Connection& connection);

  Descriptor socket;
  int port = 0;
  Registry& registry;
  Endpoints endpoints;
  SteadyClock::time_point accept_again{};
  base::Wakeup stop;
  // Last on purpose: it must stop before anything above is destroyed.
  std::jthread thread;
};

tl::expected<std::unique_ptr<Listener>, std::string> Listener::start(const std::string& address, Registry& registry, Endpoints endpoints) {
  const auto parsed = parse_address(address);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto failed = [&](int error) {
    std::string text = "cannot listen on " + parsed->text() + " for metrics and health: " + error_text(error);
    if (error == EADDRINUSE) text += "; another process has this port: stop it or choose another (server.metrics_listen)";
    if (error == EACCES) text += "; ports below 1024 need rights: choose another (server.metrics_listen)";
    if (error == EADDRNOTAVAIL) text += "; this machine has no such address (server.metrics_listen)";
    return tl::unexpected(std::move(text));
  };
  Descriptor socket(::socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failed(errno);
  const int yes = 1, no = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (parsed->storage.ss_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);  // [::] is IPv4 too
  Address bound;
  bound.size = sizeof bound.storage;
  if (::bind(socket.get(), generic(*parsed), parsed->size) != 0 || ::listen(socket.get(), 64) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
    return failed(errno);
  }
  std::unique_ptr<State> state(new State{std::move(socket), bound.port(), registry, std::move(endpoints), {}, {}, {}});
  state->thread = base::start_thread("metrics", [raw = state.get()] { raw->run(); });
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}

Listener::~Listener() { state_->stop.signal(); }

int Listener::port() const { return state_->port; }

void Listener::State::run() {
  std::list<Connection> connections;
  std::vector<pollfd> polled;
  for (;;) {
    auto now = SteadyClock::now();
    auto wake = SteadyClock::time_point::max();
    const bool accepting = now >= accept_again;
    if (!accepting) wake = accept_again;
    polled.assign({{stop.fd(), POLLIN, 0}, {accepting ? socket.get() : -1, POLLIN, 0}});
    for (const Connection& connection : connections) {
      const short events = connection.phase == Connection::Phase::kWriting ? POLLOUT : POLLIN;
      polled.push_back({connection.socket.get(), events, 0});
      wake = std::min(wake, connection.deadline);
    }
    int timeout = -1;
    if (wake != SteadyClock::time_point::max()) {
      timeout = static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(wake - now).count()));
    }
    if (::poll(polled.data(), polled.size(), timeout) < 0) continue;  // EINTR
    if (polled[0].revents != 0) return;
    now = SteadyClock::now();
    std::size_t index = 2;
    for (auto connection = connections.begin(); connection != connections.end(); ++index) {
      const bool stays = now < connection->deadline && (polled[index].revents == 0 || go_on(*connection));
      connection = stays ? std::next(connection) : connections.erase(connection);
    }
    if (polled[1].revents != 0) accept(connections);
  }
}

void Listener::State::accept(std::list<Connection>& connections) {
  const int fd = ::accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    // Out of descriptors or memory: poll would report the same connection again and again.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) accept_again = SteadyClock::now() + kAcceptPause;
    return;
  }
  if (connections.size() >= kConnectionsMax) connections.pop_front();
  connections.push_back({Descriptor(fd), SteadyClock::now() + kRequestTimeout});
}

/// Does what can be done without waiting; false when the connection is over.
bool Listener::State::go_on(Connection& connection) {
  const int fd = connection.socket.get();
  if (connection.phase != Connection::Phase::kWriting) {
    std::array<char, 4096> bytes;
    const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    if (connection.phase == Connection::Phase::kClosing) return true;
    std::string& head = connection.buffer;
    head.append(bytes.data(), static_cast<std::size_t>(n));
    if (head.find("\r\n\r\n") == std::string::npos && head.find("\n\n") == std::string::npos) {
      if (head.size() < kHeadBytesMax) return true;
      head = respond(431, kText, "request too large\n");
    } else {
      head = answer(head, registry, endpoints);
    }
    connection.phase = Connection::Phase::kWriting;
  }
  const ssize_t n = ::send(fd, connection.buffer.data(), connection.buffer.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  connection.buffer.erase(0, static_cast<std::size_t>(n));
  if (connection.buffer.empty()) {
    ::shutdown(fd, SHUT_WR);
    connection.phase = Connection::Phase::kClosing;
  }
  return true;
}

namespace {

// Headers and as many bytes as Content-Length says. Without one the end of the connection ends the response; but Pistache, which we also
// ask, says "Connection: Close" and leaves the connection open.
bool is_complete(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  constexpr std::string_view kLength = "\r\ncontent-length:";
  const auto found = std::search(response.begin(), response.begin() + static_cast<std::ptrdiff_t>(end), kLength.begin(), kLength.end(),
                                 [](char text, char wanted) { return base::lower(text) == wanted; });
  if (found == response.begin() + static_cast<std::ptrdiff_t>(end)) return false;
  const std::size_t length = std::strtoull(&*found + kLength.size(), nullptr, 10);
  return response.size() - (end + 4) >= length;
}

}  // namespace

bool healthcheck(const std::string& address, const std::string& path, std::string& detail) {
  const auto parsed = parse_address(address);
  if (!parsed) {
    detail = parsed.error();
    return false;
  }
  const Address target = parsed->reachable();
  const auto deadline = SteadyClock::now() + kHealthcheckTimeout;
  const auto failed = [&](std::string why) {
    detail = "no answer from http://" + target.text() + path + ": " + std::move(why);
    return false;
  };
  Descriptor socket(::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failed(error_text(errno));
  const auto wait = [&](short events) {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
      pollfd ready{socket.get(), events, 0};
      const int n = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
      if (n > 0) return true;
      if (n == 0) return false;
      if (errno != EINTR) return false;
    }
  };

  if (::connect(socket.get(), generic(target), target.size) != 0) {
    if (errno != EINPROGRESS) return failed(error_text(errno));
    if (!wait(POLLOUT)) return failed("timed out");
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return failed(error_text(error));
  }
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + target.text() + "\r\nConnection: close\r\n\r\n";
  std::size_t sent = 0;
  while (sent < request.size()) {
    if (!wait(POLLOUT)) return failed("timed out");
    const ssize_t n = ::send(socket.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno != EAGAIN && errno != EINTR) {
      return failed(error_text(errno));
    }
  }
  std::string response;
  while (response.size() < (1U << 20) && !is_complete(response)) {
    if (!wait(POLLIN)) return failed("timed out");
    std::array<char, 4096> bytes;
    const ssize_t n = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (n == 0) break;
    if (n > 0) {
      response.append(bytes.data(), static_cast<std::size_t>(n));
    } else if (errno != EAGAIN && errno != EINTR) {
      return failed(error_text(errno));
    }
  }
  if (response.compare(0, 7, "HTTP/1.") != 0 || response.size() < 12) return failed("what came back is not HTTP");
  const std::size_t body = response.find("\r\n\r\n");
  detail = response.substr(9, response.find("\r\n") - 9);
  if (body != std::string::npos && body + 4 < response.size()) detail += "\n" + response.substr(body + 4);
  return response.compare(9, 3, "200") == 0;
}

}  // namespace hookfleet::metrics
