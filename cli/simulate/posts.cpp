#include "cli/simulate/posts.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "common/base/check.hpp"
#include "common/base/number.hpp"

namespace hookfleet::simulate {
namespace {

constexpr std::chrono::milliseconds kLookEvery{50};

bool begins_with(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && ::strncasecmp(text.data(), with.data(), with.size()) == 0;
}

/// The value of the first header of this name, in an answer's head; empty: there is none.
std::string_view header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at + 2);
    if (!begins_with(line, name) || line.size() == name.size() || line[name.size()] != ':') continue;
    line = line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    return line;
  }
  return {};
}

struct Read {
  enum class State { kMore, kWhole, kBroken } state = State::kMore;
  int status = 0;
  bool close = false;
};

/// What has come of an answer so far; `closed`: no more will come.
Read read_answer(std::string_view bytes, bool closed) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return {closed || bytes.size() > Posts::kAnswerMax ? Read::State::kBroken : Read::State::kMore};
  const std::string_view head = bytes.substr(0, end + 2);
  const auto status = head.size() > 12 && head.starts_with("HTTP/1.") ? base::to_number<int>(head.substr(9, 3)) : std::nullopt;
  if (!status) return {Read::State::kBroken};
  Read read{Read::State::kMore, *status, begins_with(header(head, "Connection"), "close")};
  const std::string_view length = header(head, "Content-Length");
  const std::string_view body = bytes.substr(end + 4);
  if (!length.empty()) {
    const auto wanted = base::to_number<std::size_t>(length);
    if (!wanted) return {Read::State::kBroken};
    if (body.size() >= *wanted) read.state = Read::State::kWhole;
  } else if (!header(head, "Transfer-Encoding").empty()) {
    if (body.ends_with("0\r\n\r\n")) read.state = Read::State::kWhole;
  } else if (closed || *status == 204) {
    read.state = Read::State::kWhole;
  }
  if (read.state == Read::State::kMore && (closed || bytes.size() > Posts::kAnswerMax)) read.state = Read::State::kBroken;
  return read;
}

}  // namespace

struct Posts::Connection {
  unsigned number = 0;
  int fd = -1;
  bool connecting = false;
  bool waits = false;       // for an answer
  bool writing = false;     // watched for it
  bool kept = false;        // it has brought an answer before
  bool tried_anew = false;  // this request, since a kept connection was closed
  std::string out, in;
  std::size_t sent = 0;
  Clock::time_point posted;
};

std::string_view to_text(Posts::Failure failure) {
  switch (failure) {
    case Posts::Failure::kNone: return "";
    case Posts::Failure::kNoConnection: return "no connection";
    case Posts::Failure::kCutOff: return "cut off";
    case Posts::Failure::kTimeout: return "no answer in time";
    case Posts::Failure::kBrokenAnswer: return "no HTTP answer";
  }
  return "";  // unreachable while the switch is exhaustive
}

Posts::Posts(Options options)
    : options_(std::move(options)),
      head_("POST " + options_.to.path + " HTTP/1.1\r\nHost: " + options_.to.host + "\r\n" + options_.headers +
            "Content-Type: application/json\r\nConnection: keep-alive\r\nContent-Length: "),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(options_.connections),
      buffer_(64UL << 10) {
  HOOKFLEET_CHECK(epoll_.get() >= 0);
  for (unsigned i = 0; i < connections_.size(); ++i) connections_[i].number = i;
}

Posts::~Posts() {
  for (Connection& connection : connections_) close(connection);
}

bool Posts::busy(unsigned connection) const { return connections_.at(connection).waits; }

void Posts::post(unsigned number, std::string_view body) {
  Connection& connection = connections_.at(number);
  HOOKFLEET_CHECK(!connection.waits);
  connection.out.assign(head_).append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  connection.in.clear();
  connection.sent = 0;
  connection.waits = true;
  connection.tried_anew = false;
  connection.posted = Clock::now();
  ++in_flight_;
  if (connection.fd < 0) open(connection);
  send(connection);
}

void Posts::open(Connection& connection) {
  const Address& to = options_.to.address;
  connection.kept = false;
  connection.fd = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection.fd < 0) return fail(connection, Failure::kNoConnection);
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!options_.from.empty()) {
    const Address& from = options_.from[connection.number % options_.from.size()];
    // The port is chosen at connect(): one may serve several targets.
    ::setsockopt(connection.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(connection.fd, from.get(), from.size) != 0) return fail(connection, Failure::kNoConnection);
  }
  connection.connecting = ::connect(connection.fd, to.get(), to.size) != 0;
  if (connection.connecting && errno != EINPROGRESS) return fail(connection, Failure::kNoConnection);
  connection.writing = connection.connecting;
  epoll_event event{connection.writing ? EPOLLIN | EPOLLOUT : EPOLLIN, {&connection}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd, &event);
}

void Posts::close(Connection& connection) {
  if (connection.fd >= 0) ::close(connection.fd);
  connection.fd = -1;
  connection.connecting = false;
}

void Posts::watch(Connection& connection, bool for_writing) {
  if (connection.writing == for_writing) return;
  connection.writing = for_writing;
  epoll_event event{for_writing ? EPOLLIN | EPOLLOUT : EPOLLIN, {&connection}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd, &event);
}

void Posts::fail(Connection& connection, Failure why) {
  close(connection);
  failed_.emplace_back(connection.number, why);
}

/// The connection has ended while a request waits.
void Posts::lost(Connection& connection, Failure why) {
  if (!connection.kept || connection.tried_anew || !connection.in.empty()) return fail(connection, why);
  close(connection);
  connection.tried_anew = true;
  connection.sent = 0;
  open(connection);
  send(connection);
}

void Posts::send(Connection& connection) {
  if (connection.fd < 0 || connection.connecting) return;
  while (connection.sent < connection.out.size()) {
    const auto sent = ::send(connection.fd, connection.out.data() + connection.sent, connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return watch(connection, true);
      if (errno == EINTR) continue;
      // An answer may have come before the connection ended (413): what there is to read says it.
      return watch(connection, false);
    }
    connection.sent += static_cast<std::size_t>(sent);
  }
  watch(connection, false);
}

void Posts::receive(Connection& connection, const Answered& answered) {
  const auto got = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  const bool closed = got <= 0;
  if (!connection.waits) {
    // Nothing is wanted of it: it ended, or it speaks unasked.
    close(connection);
    return;
  }
  if (!closed) connection.in.append(buffer_.data(), static_cast<std::size_t>(got));
  if (closed && connection.in.empty()) return lost(connection, Failure::kCutOff);
  const Read read = read_answer(connection.in, closed);
  switch (read.state) {
    case Read::State::kMore: return;
    case Read::State::kBroken: return fail(connection, closed ? Failure::kCutOff : Failure::kBrokenAnswer);
    case Read::State::kWhole:
      // An answer before all was sent leaves the rest of the request in the way.
      if (closed || read.close || connection.sent < connection.out.size()) close(connection);
      connection.kept = true;
      return answer(connection, read.status, Failure::kNone, answered);
  }
}

void Posts::answer(Connection& connection, int status, Failure failure, const Answered& answered) {
  connection.waits = false;
  --in_flight_;
  answered({connection.number, status, failure, Clock::now() - connection.posted});
}

void Posts::expire(Clock::time_point now) {
  if (now - looked_ < kLookEvery) return;
  looked_ = now;
  for (Connection& connection : connections_) {
    if (connection.waits && connection.fd >= 0 && now - connection.posted >= options_.answer_timeout) fail(connection, Failure::kTimeout);
  }
}

void Posts::wait(Clock::duration at_most, const Answered& answered) {
  const auto end = Clock::now() + at_most;
  std::array<epoll_event, 256> events;
  for (;;) {
    const auto now = Clock::now();
    if (in_flight_ > 0) expire(now);
    if (!failed_.empty()) {
      std::vector<std::pair<unsigned, Failure>> failed;
      failed.swap(failed_);
      for (const auto& [number, why] : failed) answer(connections_[number], 0, why, answered);
      return;
    }
    auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(std::max(end - now, Clock::duration::zero()));
    if (in_flight_ > 0) left = std::min<std::chrono::nanoseconds>(left, kLookEvery);
    int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    if (ready == 0 && left.count() > 0) {
      // epoll_wait counts in ms.
      pollfd one{epoll_.get(), POLLIN, 0};
      const timespec time{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
      if (::ppoll(&one, 1, &time, nullptr) < 0) return;  // a signal: the caller looks what it was
      ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    }
    const unsigned before = in_flight_;
    bool any = false;
    for (int i = 0; i < ready; ++i) {
      Connection& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
      if (connection.fd < 0) continue;
      if (connection.connecting) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
          fail(connection, Failure::kNoConnection);
          continue;
        }
        connection.connecting = false;
      }
      if ((what & EPOLLOUT) != 0) send(connection);
      if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        receive(connection, [&](const Answer& one) {
          any = true;
          answered(one);
        });
    }
    if (any || in_flight_ != before) return;
    if (failed_.empty() && Clock::now() >= end) return;
  }
}

}  // namespace hookfleet::simulate
