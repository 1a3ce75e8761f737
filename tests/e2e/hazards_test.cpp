// Hazards of the HTTP library that no single request shows: what it takes with many clients, with Redis away, with no descriptor left.
// docs/reliability.md names the test of every hazard.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fleet.hpp"
#include "tests/support/front_door.hpp"
#include "tests/support/http.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using support::Fleet;
using support::HttpClient;
using support::kSoon;
using support::RawClient;
using support::wait_until;
using support::front_door::kHost;
using support::front_door::post;
using support::front_door::request;
using support::front_door::take_stored;

double sample(Fleet& fleet, const std::string& name) {
  const auto text = fleet.ingress_metrics(0).value_or("");
  const auto at = text.find("\n" + name + " ");
  EXPECT_NE(at, std::string::npos) << name;
  return at == std::string::npos ? -1 : std::atof(text.c_str() + at + name.size() + 2);
}

std::vector<std::unique_ptr<RawClient>> clients(int port, std::size_t count) {
  std::vector<std::unique_ptr<RawClient>> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<RawClient>(port));
  return all;
}

// The library keeps answers by the number of a descriptor: whoever gets it next gets the answer. Through nginx nobody who leaves while his
// answer is awaited frees a descriptor.
TEST(Hazards, ClientsWhoLeaveWhileRedisIsAwaitedCostNobodyElseHisOwnAnswer) {
  constexpr std::size_t kEach = 15;
  Fleet fleet({.ingresses = 1, .workers = 0});
  fleet.redis().freeze();
  const auto leaving = clients(fleet.port(), kEach), staying = clients(fleet.port(), kEach);
  std::vector<std::string> bodies;
  for (const auto* some : {&leaving, &staying}) {
    for (const auto& client : *some) {
      bodies.push_back(std::to_string(1000 + bodies.size()));
      ASSERT_TRUE(client->send(post(bodies.back(), "X-Request-Id: r" + bodies.back() + "\r\n")));
    }
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample(fleet, "hookfleet_ingress_in_flight") == 2 * kEach; }));
  for (const auto& client : leaving) client->reset();
  // They come after the resets and need connections of their own: the answer to each must be the one to his request.
  const auto late = clients(fleet.port(), kEach);
  for (const auto& client : late) ASSERT_TRUE(client->send(request("POST /webhook HTTP/1.1", kHost, "no token")));
  for (const auto& client : late) {
    ASSERT_TRUE(client->await(1));
    EXPECT_EQ(client->statuses(), std::vector{401});
  }
  EXPECT_EQ(sample(fleet, "hookfleet_ingress_in_flight"), 2 * kEach) << "all are still awaited";
  fleet.redis().thaw();
  for (std::size_t i = 0; i < kEach; ++i) {
    ASSERT_TRUE(staying[i]->await(1));
    ASSERT_EQ(staying[i]->statuses(), std::vector{200});
    EXPECT_EQ(staying[i]->answers()[0].headers.at("x-request-id"), "r" + bodies[kEach + i]) << "somebody else's answer";
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample(fleet, "hookfleet_ingress_in_flight") == 0; }));
  EXPECT_EQ(sample(fleet, "hookfleet_ingress_answers_dropped_total"), 0) << "nginx has closed a connection with an answer pending";
  for (const auto& client : late) {
    client->look();
    EXPECT_EQ(client->answers().size(), 1U) << "an answer too many";
  }
  EXPECT_EQ(take_stored(fleet), bodies);
}

// The library answers 408 by itself when its timeouts end first, nginx 504: both without knowing what became of the notification.
TEST(Hazards, TheLongestDeadlineEndsBeforeAnyTimeoutOfNginxOrTheLibrary) {
  Fleet fleet({.ingresses = 1, .workers = 0, .ingress_flags = {"--append.deadline", "22s"}});
  fleet.redis().freeze();
  const auto before = std::chrono::steady_clock::now();
  const auto answer = HttpClient(fleet.port(), 60s).post("/webhook", fleet.token(), "x");
  EXPECT_GE(std::chrono::steady_clock::now() - before, 21s) << "it did not try for the whole deadline";
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 504);
  EXPECT_TRUE(answer->headers.contains("x-request-id")) << "not the ingress's answer: " << answer->body;
  fleet.redis().thaw();
  EXPECT_TRUE(wait_until(kSoon, [&] { return HttpClient(fleet.port()).post("/webhook", fleet.token(), "y")->status == 200; }));
}

// backlog() is ignored by the library: never more than 128 wait to be accepted.
TEST(Hazards, FiveHundredClientsAtOnceAreAllServed) {
  Fleet fleet({.ingresses = 1, .workers = 0});
  const auto all = clients(fleet.port(), 500);
  for (const auto& client : all) ASSERT_TRUE(client->send(post()));
  for (const auto& client : all) {
    ASSERT_TRUE(client->await(1));
    EXPECT_EQ(client->statuses(), std::vector{200});
  }
  EXPECT_EQ(take_stored(fleet).size(), all.size());
}

// The library's accepting thread spins while there is no descriptor left.
TEST(Hazards, AnIngressWithoutDescriptorsServesWhomItHasAndEverybodyAfterwards) {
  Fleet fleet({.ingresses = 1, .workers = 0, .nginx = false});
  HttpClient known(fleet.port());
  ASSERT_EQ(known.post("/webhook", fleet.token(), "before")->status, 200);
  const std::string descriptors = "/proc/" + std::to_string(fleet.ingress_pid(0)) + "/fd";
  const auto open = [&] {
    const std::filesystem::directory_iterator begin(descriptors), end;
    return static_cast<std::size_t>(std::distance(begin, end));
  };
  const std::size_t few = open() + 10;
  const rlimit limit{.rlim_cur = few, .rlim_max = few};
  ASSERT_EQ(::prlimit(fleet.ingress_pid(0), RLIMIT_NOFILE, &limit, nullptr), 0);
  {
    const auto crowd = clients(fleet.port(), 60);
    ASSERT_TRUE(wait_until(kSoon, [&] { return open() >= few; }));
    EXPECT_EQ(known.post("/webhook", fleet.token(), "meanwhile")->status, 200);
  }
  EXPECT_TRUE(wait_until(kSoon, [&] {
    const auto answer = HttpClient(fleet.port(), 1s).post("/webhook", fleet.token(), "after");
    return answer && answer->status == 200;
  }));
  EXPECT_TRUE(fleet.ingress(0).running());
}

}  // namespace
}  // namespace hookfleet
