// What good senders notice of clients that hold nginx's connections: their latency at half of the peak rate, alone and beside idle and
// dripping connections, in turn.
//   bench_front_door [--seconds N] [--pairs N] [--idle N] [--dripping N] [--connections N] [--appendfsync always|everysec]
// Requests leave by the clock, whether or not earlier ones have been answered, and latency counts from when one should have left: a stall
// shows in all that it delays. Goal: the median over the pairs of p99 beside / p99 alone is at most 1.5.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/load.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/http.hpp"

namespace {

using namespace std::chrono_literals;
using hookfleet::bench::Load;
using hookfleet::bench::LoadResult;
using hookfleet::bench::median;
using hookfleet::support::Fleet;

constexpr double kGoal = 1.5;

/// Connections that do nearly nothing: idle ones after one answered request, dripping ones that send a byte of their body each second. One
/// that nginx ends is opened again within a second.
class Beside {
 public:
  Beside(int port, std::string token, unsigned idle, unsigned dripping)
      : port_(port), token_(std::move(token)), idle_(idle, -1), dripping_(dripping, -1) {
    step();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Beside() {
    thread_.request_stop();
    thread_.join();
    for (const auto* sockets : {&idle_, &dripping_}) {
      for (const int fd : *sockets) {
        if (fd >= 0) ::close(fd);
      }
    }
  }
  /// Connections that are open, and those that had to be opened again.
  std::size_t open() {
    const std::lock_guard lock(mutex_);
    const auto count = [](const std::vector<int>& all) { return std::count_if(all.begin(), all.end(), [](int fd) { return fd >= 0; }); };
    return static_cast<std::size_t>(count(idle_) + count(dripping_));
  }
  std::size_t renewed() {
    const std::lock_guard lock(mutex_);
    return renewed_;
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, 1s, [] { return false; });
      }
      if (!stop.stop_requested()) step();
    }
  }
  void step() {
    const std::lock_guard lock(mutex_);
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const std::string head = "POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer " +
                             token_ + "\r\nContent-Length: 100000\r\n\r\n{";
    for (int& fd : idle_) renew(fd, request);
    for (int& fd : dripping_) {
      renew(fd, head);
      if (fd >= 0) static_cast<void>(::send(fd, " ", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
    }
  }
  void renew(int& fd, std::string_view first) {
    char chunk[4096];
    while (fd >= 0) {
      const auto got = ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
      if (got > 0) continue;
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      ::close(fd);
      fd = -1;
      ++renewed_;
    }
    fd = hookfleet::support::connect_to(port_);
    if (fd < 0) return;
    if (::send(fd, first.data(), first.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(first.size())) {
      ::close(fd);
      fd = -1;
    }
  }

  const int port_;
  const std::string token_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<int> idle_, dripping_;
  std::size_t renewed_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

void print(const char* name, const LoadResult& result) {
  std::printf("| %-14s | %9.0f | %8.3f | %8.3f | %8.3f | %7llu |\n", name, static_cast<double>(result.answered) / result.seconds,
              result.percentile(0.5), result.percentile(0.99), result.percentile(0.999), static_cast<unsigned long long>(result.refused));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  unsigned seconds = 5, pairs = 5, idle = 1000, dripping = 200, connections = 64;
  std::string fsync = "always";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--appendfsync") == 0) fsync = argv[i + 1];
    const auto value = static_cast<unsigned>(std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = value;
    if (std::strcmp(argv[i], "--pairs") == 0) pairs = value;
    if (std::strcmp(argv[i], "--idle") == 0) idle = value;
    if (std::strcmp(argv[i], "--dripping") == 0) dripping = value;
    if (std::strcmp(argv[i], "--connections") == 0) connections = value;
  }
  Fleet fleet({.ingresses = 1,
               .workers = 0,
               .appendfsync = fsync,
               .log_level = "warn",
               .ingress_flags = {"--durability.required", fsync},
               .redis_flags = {"--maxmemory", "4gb"}});
  Load load;
  load.port = fleet.port();
  load.token = fleet.token();
  load.connections = connections;
  load.duration = std::chrono::seconds(seconds);
  const auto measure = [&] {
    fleet.flush_streams();
    return hookfleet::bench::run(
        load, [] {}, [] {});
  };

  std::vector<double> peaks;
  for (int round = 0; round < 3; ++round) peaks.push_back(static_cast<double>(measure().answered) / seconds);
  load.per_second = median(peaks) / 2;
  std::printf("appendfsync %s, 1 kB bodies, %u connections; peak %.0f/s (median of 3), paced at half of it; %u s each\n\n", fsync.c_str(),
              connections, median(peaks), seconds);
  std::printf("| %-14s | %9s | %8s | %8s | %8s | %7s |\n", "good requests", "ack/s", "p50 ms", "p99 ms", "p99.9 ms", "not 200");
  std::printf("|----------------|-----------|----------|----------|----------|---------|\n");
  std::vector<double> ratios, alone_p99, beside_p99;
  std::size_t renewed = 0;
  for (unsigned pair = 0; pair < pairs; ++pair) {
    LoadResult alone, beside;
    for (unsigned turn = 0; turn < 2; ++turn) {
      if ((turn + pair) % 2 == 0) {
        alone = measure();
        print("alone", alone);
      } else {
        Beside others(load.port, load.token, idle, dripping);
        beside = measure();
        if (others.open() < (idle + dripping) * 9 / 10) {
          std::fprintf(stderr, "bench_front_door: only %zu connections stayed open beside it\n", others.open());
          return 1;
        }
        renewed += others.renewed();
        print("beside others", beside);
      }
    }
    alone_p99.push_back(alone.percentile(0.99));
    beside_p99.push_back(beside.percentile(0.99));
    ratios.push_back(beside_p99.back() / alone_p99.back());
  }
  std::printf("\np99 beside %u idle and %u dripping connections / p99 alone, %u pairs in turn:", idle, dripping, pairs);
  for (const double ratio : ratios) std::printf(" %.2f", ratio);
  std::printf("\nmedian %.2f (goal: at most %.1f); p99 %.3f ms alone, %.3f ms beside; %zu connections were ended and opened again\n",
              median(ratios), kGoal, median(alone_p99), median(beside_p99), renewed);
}
