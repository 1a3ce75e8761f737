#include "tests/bench/load.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "tests/support/http.hpp"
#include "tests/support/sender.hpp"

namespace hookfleet::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Client {
  int fd = -1;
  unsigned number = 0;
  std::uint64_t sequence = 0;
  Clock::time_point sent;  ///< when it left, or should have left
  std::string request;
  std::string answer;
};

void send_next(Client& client, const Load& load, Clock::time_point due) {
  const std::string id = "B" + std::to_string(client.number) + "S" + std::to_string(client.sequence++);
  const std::string body = support::Sender::body(1'101'000'001 + client.number, std::to_string(79'000'000'000ULL + client.number) + "@c.us",
                                                 id, load.body_bytes);
  client.request = "POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer " + load.token +
                   "\r\nConnection: keep-alive\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  client.answer.clear();
  client.sent = due;
  std::string_view rest = client.request;
  while (!rest.empty()) {
    const auto sent = ::send(client.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// 0: not complete yet; otherwise the status.
int complete(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  if (end == std::string::npos || answer.size() < 12) return 0;
  auto length = answer.find("Content-Length:");
  if (length == std::string::npos) length = answer.find("content-length:");
  const auto bytes = length < end ? static_cast<std::size_t>(std::atoll(answer.c_str() + length + 15)) : 0;
  return answer.size() >= end + 4 + bytes ? std::atoi(answer.c_str() + 9) : 0;
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double LoadResult::percentile(double share) const {
  if (latency_ms.empty()) return std::nan("");
  return latency_ms[std::min(latency_ms.size() - 1, static_cast<std::size_t>(share * static_cast<double>(latency_ms.size())))];
}

LoadResult run(const Load& load, const std::function<void()>& at_start, const std::function<void()>& at_end) {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Client> clients(load.connections);
  const bool paced = load.per_second > 0;
  const auto apart = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(paced ? 1 / load.per_second : 0));
  auto due = Clock::now();  // the next request by the clock
  std::vector<Client*> free;
  const auto go_on = [&](Client& client) {
    if (paced) {
      free.push_back(&client);
    } else {
      send_next(client, load, Clock::now());
    }
  };
  const auto open = [&](Client& client) {
    client.fd = support::connect_to(load.port);
    if (client.fd < 0) return;
    epoll_event event{EPOLLIN, {&client}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, client.fd, &event);
    go_on(client);
  };
  for (unsigned i = 0; i < load.connections; ++i) {
    clients[i].number = i;
    open(clients[i]);
  }
  // epoll_wait counts in ms; this wakes it between them.
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (paced) {
    const auto ns = std::max<std::int64_t>(std::chrono::nanoseconds(apart).count(), 1);
    const timespec interval{ns / 1'000'000'000, ns % 1'000'000'000};
    const itimerspec each{interval, interval};
    ::timerfd_settime(timer, 0, &each, nullptr);
    epoll_event event{EPOLLIN, {nullptr}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  }
  LoadResult result;
  const auto begin = Clock::now() + load.warm_up;
  const auto end = begin + load.duration;
  bool counting = false;
  epoll_event events[256];
  char chunk[16384];
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    if (!counting && now >= begin) {
      counting = true;
      at_start();
    }
    while (paced && due <= now && !free.empty()) {
      Client& client = *free.back();
      free.pop_back();
      send_next(client, load, due);
      due += apart;
    }
    const int ready = ::epoll_wait(poller, events, 256, 10);
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.ptr == nullptr) {
        std::uint64_t ticks = 0;
        static_cast<void>(!::read(timer, &ticks, sizeof ticks));
        continue;
      }
      Client& client = *static_cast<Client*>(events[i].data.ptr);
      const auto got = ::recv(client.fd, chunk, sizeof chunk, 0);
      if (got <= 0) {
        ++result.refused;
        ::close(client.fd);
        std::erase(free, &client);
        open(client);
        continue;
      }
      client.answer.append(chunk, static_cast<std::size_t>(got));
      const int status = complete(client.answer);
      if (status == 0) continue;
      if (counting && status == 200) {
        ++result.answered;
        result.latency_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - client.sent).count());
      } else if (status != 200) {
        ++result.refused;
      }
      go_on(client);
    }
  }
  at_end();
  result.seconds = std::chrono::duration<double>(load.duration).count();
  for (auto& client : clients) {
    if (client.fd >= 0) ::close(client.fd);
  }
  ::close(timer);
  ::close(poller);
  std::sort(result.latency_ms.begin(), result.latency_ms.end());
  return result;
}

double cpu_us(pid_t pid) {
  double total_ns = 0;
  std::error_code ignored;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ignored)) {
    std::ifstream file(task.path() / "schedstat");
    double on_cpu_ns = 0;
    if (file >> on_cpu_ns) total_ns += on_cpu_ns;
  }
  return total_ns / 1000;
}

double cpu_us_with_children(pid_t pid) {
  double total = cpu_us(pid);
  std::ifstream children("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; children >> child;) total += cpu_us(child);
  return total;
}

}  // namespace hookfleet::bench
