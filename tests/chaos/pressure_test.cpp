// More than the front door can take: many large bodies at once while Redis takes nothing, and no file descriptor left. What can't be taken
// is told so, memory stays bounded, and all is well again without a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/fleet.hpp"
#include "tests/support/http.hpp"
#include "tests/support/sender.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::chaos {
namespace {

using namespace std::chrono_literals;
using support::connect_to;
using support::Fleet;
using support::HttpClient;
using support::kSoon;
using support::Sender;
using support::wait_until;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMega = 1UL << 20;
constexpr std::size_t kLargeAtOnce = 128;  // of nginx.conf.in

/// A line of /proc/<pid>/status in bytes: VmRSS, VmHWM (the highest so far).
std::size_t memory_of(pid_t pid, const std::string& name) {
  std::istringstream lines(support::read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

/// Many posts side by side, each on a connection of its own, from one thread.
class Flood {
 public:
  Flood(int port, const std::string& token, std::size_t count, std::size_t bytes) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string body = Sender::body(1'101'000'001 + i, "1@c.us", "F" + std::to_string(i), bytes);
      Post post;
      post.fd = connect_to(port);
      post.left = "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token +
                  "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      posts_.push_back(std::move(post));
    }
  }
  ~Flood() {
    for (const Post& post : posts_) {
      if (post.fd >= 0) ::close(post.fd);
    }
  }
  /// Sends and reads until all are answered or `timeout` has passed.
  bool run(std::chrono::milliseconds timeout) {
    const auto end = Clock::now() + timeout;
    while (Clock::now() < end) {
      std::vector<pollfd> fds;
      std::vector<Post*> of;
      for (Post& post : posts_) {
        if (post.fd < 0) continue;
        fds.push_back({post.fd, static_cast<short>(post.sent < post.left.size() ? POLLIN | POLLOUT : POLLIN), 0});
        of.push_back(&post);
      }
      if (fds.empty()) return true;
      ::poll(fds.data(), fds.size(), 100);
      for (std::size_t i = 0; i < fds.size(); ++i) turn(*of[i], fds[i].revents);
    }
    return false;
  }
  /// 0: none.
  std::map<int, std::size_t> statuses() const {
    std::map<int, std::size_t> found;
    for (const Post& post : posts_) ++found[post.answer.size() > 12 ? std::stoi(post.answer.substr(9, 3)) : 0];
    return found;
  }
  bool all_of(int status, const std::string& contain) const {
    return std::all_of(posts_.begin(), posts_.end(), [&](const Post& post) {
      return !post.answer.starts_with("HTTP/1.1 " + std::to_string(status)) || post.answer.find(contain) != std::string::npos;
    });
  }

 private:
  struct Post {
    int fd = -1;
    std::string left, answer;
    std::size_t sent = 0;
  };
  static void turn(Post& post, short ready) {
    if ((ready & POLLOUT) != 0) {
      const auto sent = ::send(post.fd, post.left.data() + post.sent, std::min<std::size_t>(65536, post.left.size() - post.sent),
                               MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) post.sent += static_cast<std::size_t>(sent);
    }
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) {
      char chunk[4096];
      const auto got = ::recv(post.fd, chunk, sizeof chunk, MSG_DONTWAIT);
      if (got > 0) {
        post.answer.append(chunk, static_cast<std::size_t>(got));
      } else if (got == 0 || errno != EAGAIN) {
        ::close(post.fd);
        post.fd = -1;
        post.left.clear();
      }
    }
  }
  std::vector<Post> posts_;
};

int post_one(const Fleet& fleet, const std::string& id) {
  HttpClient client(fleet.port());
  const auto response = client.post("/webhook", fleet.token(), Sender::body(7, "7@c.us", id, 600));
  return response ? response->status : 0;
}

TEST(Pressure, AThousandBodiesOfAMegabyteWhileRedisTakesNothingStayWithinTheBound) {
  constexpr std::size_t kQueueBytes = 32 * kMega;
  Fleet fleet({.ingresses = 1, .workers = 0, .ingress_flags = {"--append.queue_bytes_max", "32MiB", "--append.deadline", "10s"}});
  ASSERT_EQ(post_one(fleet, "BEFORE"), 200);
  const std::size_t before = memory_of(fleet.ingress_pid(0), "VmHWM");
  fleet.redis().freeze();
  Flood flood(fleet.port(), fleet.token(), 1000, kMega);
  EXPECT_TRUE(flood.run(90s));
  const std::size_t highest = memory_of(fleet.ingress_pid(0), "VmHWM");
  std::printf("ingress: %zu MiB before, %zu MiB at most;", before / kMega, highest / kMega);
  for (const auto& [status, count] : flood.statuses()) std::printf(" %d: %zu", status, count);
  std::printf("\n");
  // Each large body on its way is a buffer of the connection, which grows by doubling; what is queued is bounded by bytes.
  EXPECT_LT(highest, before + kQueueBytes + kLargeAtOnce * 2 * kMega);
  const auto statuses = flood.statuses();
  EXPECT_EQ(statuses.size(), 2U) << "503 for what isn't taken, 504 for what was tried";
  EXPECT_GT(flood.statuses()[503], 800U);
  EXPECT_GT(flood.statuses()[504], 10U);
  EXPECT_TRUE(flood.all_of(503, "Retry-After: "));
  fleet.redis().thaw();
  EXPECT_TRUE(wait_until(kSoon, [&] { return post_one(fleet, "AFTER") == 200; }));
}

/// The most files that a process may have open from now on; those that it has stay.
void limit_files(pid_t pid, rlim_t files) {
  const rlimit limit{files, files};
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr), 0);
}

std::size_t files_of(pid_t pid) {
  const std::filesystem::directory_iterator open("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

/// Connections that take the files of the process at `port`; closed with the object.
class Crowd {
 public:
  Crowd(int port, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (const int fd = connect_to(port); fd >= 0) fds_.push_back(fd);
    }
  }
  ~Crowd() {
    for (const int fd : fds_) ::close(fd);
  }

 private:
  std::vector<int> fds_;
};

TEST(Pressure, AnIngressWithoutAFileDescriptorLeftIsWellAgainWhenConnectionsEnd) {
  Fleet fleet({.ingresses = 1, .workers = 0});
  ASSERT_EQ(post_one(fleet, "BEFORE"), 200);
  const std::size_t files = files_of(fleet.ingress_pid(0));
  limit_files(fleet.ingress_pid(0), files + 20);
  {
    const Crowd crowd(fleet.ingress_port(0), 100);
    ASSERT_TRUE(wait_until(kSoon, [&] { return files_of(fleet.ingress_pid(0)) >= files + 20; }));
    EXPECT_TRUE(fleet.ingress(0).running());
    // nginx' kept connection still serves; a new one waits.
    HttpClient blocked(fleet.ingress_port(0), 500ms);
    EXPECT_FALSE(blocked.get("/livez").has_value());
    EXPECT_TRUE(fleet.ingress(0).running());
  }
  EXPECT_TRUE(wait_until(kSoon, [&] { return post_one(fleet, "AFTER") == 200; }));
  EXPECT_TRUE(fleet.ingress(0).running());
}

TEST(Pressure, NginxWithoutAFileDescriptorLeftIsWellAgainWhenConnectionsEnd) {
  Fleet fleet({.ingresses = 1, .workers = 0});
  ASSERT_EQ(post_one(fleet, "BEFORE"), 200);
  const pid_t worker = fleet.nginx_workers().at(0);
  const std::size_t files = files_of(worker);
  limit_files(worker, files + 20);
  {
    const Crowd crowd(fleet.port(), 100);
    ASSERT_TRUE(wait_until(kSoon, [&] { return files_of(worker) >= files + 20; }));
    HttpClient blocked(fleet.port(), 500ms);
    EXPECT_FALSE(blocked.get("/healthz").has_value());
  }
  EXPECT_TRUE(wait_until(kSoon, [&] { return post_one(fleet, "AFTER") == 200; }));
  EXPECT_EQ(fleet.nginx_workers().at(0), worker) << "the same worker";
}

}  // namespace
}  // namespace hookfleet::chaos
