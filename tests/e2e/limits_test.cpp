// nginx's limits: they hold strangers back, never a listed sender, and the large bodies of each kind for themselves. All clients come
// through a load balancer, 127.0.0.3, which says who they are: addresses of this machine itself have no limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fleet.hpp"
#include "tests/support/front_door.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using support::Fleet;
using support::kSoon;
using support::RawClient;
using support::wait_until;
using support::front_door::post;
using support::front_door::take_stored;

const std::string kListed = "203.0.113.7", kStranger = "198.51.100.1", kAnotherStranger = "198.51.100.2";
const std::string kSmall = "small", kLarge(120'000, 'b');  // from 100,000 bytes on a stranger's are limited by rate

class Limits : public testing::Test {
 protected:
  /// A client of this address, with a connection of its own.
  std::unique_ptr<RawClient> connect() { return std::make_unique<RawClient>(fleet_.port(), "127.0.0.3"); }
  static std::string named(const std::string& address) { return "X-Forwarded-For: " + address + "\r\n"; }
  /// Sends a whole request over `client` and answers its status; 0: none came.
  int status(RawClient& client, const std::string& address, const std::string& body) {
    const std::size_t before = client.answers().size();
    client.send(post(body, named(address)));
    if (!client.await(before + 1)) return 0;
    const support::Response& answer = client.answers().back();
    if (answer.status == 200) stored_.push_back(body);
    if (answer.status == 503) {
      EXPECT_EQ(answer.headers.at("retry-after"), "1");
    }
    return answer.status;
  }
  int status(const std::string& address, const std::string& body) { return status(*connect(), address, body); }
  /// So many clients of this address whose requests lack their last byte.
  std::vector<std::unique_ptr<RawClient>> halves(std::size_t count, const std::string& address, const std::string& body) {
    std::vector<std::unique_ptr<RawClient>> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(connect());
      const std::string whole = post(body, named(address));
      EXPECT_TRUE(all.back()->send(std::string_view(whole).substr(0, whole.size() - 1)));
    }
    return all;
  }
  /// The last byte of each; all are stored.
  void finish(const std::vector<std::unique_ptr<RawClient>>& clients, const std::string& body) {
    for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
    for (const auto& client : clients) {
      EXPECT_TRUE(client->await(1));
      EXPECT_EQ(client->statuses(), std::vector{200});
      stored_.push_back(body);
    }
  }
  void expect_stored() {
    std::sort(stored_.begin(), stored_.end());
    EXPECT_TRUE(take_stored(fleet_) == stored_) << "what got a 200, and nothing else";
  }

  Fleet fleet_{{.ingresses = 1, .workers = 0, .nginx_environment = {{"NGINX_REAL_IP_FROM", "127.0.0.3"}, {"NGINX_LISTED", kListed}}}};
  std::vector<std::string> stored_;
};

TEST_F(Limits, AStrangersLargeBodiesAreSlowedDownNobodyElses) {
  const auto stranger = connect();
  std::size_t taken = 0;
  int last = 0;
  while (taken < 2000 && (last = status(*stranger, kStranger, kLarge)) == 200) ++taken;
  EXPECT_EQ(last, 503) << "after " << taken << " in a row";
  EXPECT_GE(taken, 50U) << "the burst that everybody has";
  EXPECT_EQ(status(kStranger, kSmall), 200) << "small ones aren't limited: the sender may have a new address";
  EXPECT_EQ(status(kAnotherStranger, kLarge), 200);
  const auto listed = connect();
  for (std::size_t i = 0; i < taken + 50; ++i) ASSERT_EQ(status(*listed, kListed, kLarge), 200) << i;
  expect_stored();
}

TEST_F(Limits, AStrangerHasAHundredRequestsUnderWayAListedSenderMore) {
  const auto held = halves(100, kStranger, kSmall);
  ASSERT_TRUE(wait_until(kSoon, [&] { return status(kStranger, kSmall) == 503; })) << "a hundred more would be taken";
  EXPECT_EQ(status(kAnotherStranger, kSmall), 200);
  const auto many = halves(120, kListed, kSmall);
  EXPECT_EQ(status(kListed, kSmall), 200);
  finish(many, kSmall);
  finish(held, kSmall);
  EXPECT_EQ(status(kStranger, kSmall), 200) << "there is room again";
  expect_stored();
}

TEST_F(Limits, LargeBodiesOfListedSendersAndOfStrangersHaveAHundredAndTwentyEightPlacesEach) {
  const auto held = halves(128, kListed, kLarge);
  ASSERT_TRUE(wait_until(kSoon, [&] { return status(kListed, kLarge) == 503; })) << "a place too many";
  EXPECT_EQ(status(kListed, kSmall), 200) << "small ones need no place";
  EXPECT_EQ(status(kStranger, kLarge), 200) << "strangers have their own";
  std::vector<std::unique_ptr<RawClient>> strangers;
  for (int i = 0; i < 4; ++i) {  // several: a single one is held back sooner, by rate
    for (auto& client : halves(32, "198.51.100.1" + std::to_string(i), kLarge)) strangers.push_back(std::move(client));
  }
  int next = 0;
  ASSERT_TRUE(wait_until(kSoon, [&] { return status("198.51.101." + std::to_string(next++ % 250), kLarge) == 503; })) << "a place too many";
  EXPECT_EQ(status(kListed, kLarge), 503) << "the listed ones' places are still taken";
  finish(held, kLarge);
  EXPECT_EQ(status(kListed, kLarge), 200);
  finish(strangers, kLarge);
  EXPECT_EQ(status("198.51.100.9", kLarge), 200);
  expect_stored();
}

}  // namespace
}  // namespace hookfleet
