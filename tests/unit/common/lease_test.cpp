#include <gtest/gtest.h>

#include <string>

#include "common/lease/lease.hpp"
#include "common/lease/members.hpp"

namespace hookfleet::lease {
namespace {

using namespace std::chrono_literals;

base::BootTime at(std::chrono::milliseconds time) { return base::BootTime(time); }

redis::Reply flat(const std::vector<std::string>& texts) {
  std::string out = "*" + std::to_string(texts.size()) + "\r\n";
  for (const auto& text : texts) out += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  return *redis::Reply::parse(out);
}

TEST(Sighting, ALeaseCountsAsAbandonedAfterAWholeTtlWithoutAnyChange) {
  Sighting sighting;
  EXPECT_EQ(sighting.unchanged(10s, at(100s)), "");
  sighting.saw({"w", 5s, "1:w:7:100"}, at(100s));
  EXPECT_EQ(sighting.unchanged(10s, at(109'999ms)), "");
  sighting.saw({"w", 5s, "1:w:7:101"}, at(110s));
  EXPECT_EQ(sighting.unchanged(10s, at(119'999ms)), "") << "it was renewed";
  sighting.saw({"w", 5s, "1:w:7:101"}, at(115s));
  EXPECT_EQ(sighting.unchanged(10s, at(120s)), "1:w:7:101");
  sighting.forget();
  EXPECT_EQ(sighting.unchanged(10s, at(200s)), "");
}

TEST(Acquired, OddRepliesAreErrorsNeverALease) {
  for (const char* resp :
       {":1\r\n", "*0\r\n", "$-1\r\n", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n", "*3\r\n:1\r\n$1\r\n2\r\n$5\r\nclean\r\n"}) {
    EXPECT_EQ(decode_acquired(redis::Reply::parse(resp)->view()).error(), redis::ReplyError::kOther) << resp;
    EXPECT_EQ(decode_held(redis::Reply::parse("*0\r\n")->view()).error(), redis::ReplyError::kOther);
  }
  EXPECT_EQ(decode_acquired(redis::Reply::parse("-LOADING x\r\n")->view()).error(), redis::ReplyError::kLoading);
}

TEST(Acquired, AnUnknownWayOfLossIsReadAsACrash) {
  const auto held = decode_acquired(redis::Reply::parse("*4\r\n:1\r\n$1\r\n7\r\n$3\r\nodd\r\n$3\r\n0-0\r\n")->view());
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(std::get<Held>(*held).how, How::kCrash);
}

TEST(Members, WeAlwaysLiveAndTheListIsSorted) {
  Members members("hf:members", "m", 8s);
  EXPECT_EQ(members.live(), std::vector<std::string>{"m"});
  EXPECT_TRUE(*members.observe(flat({"z", "1", "a", "2", "m", "3"}).view(), at(0s)));
  EXPECT_EQ(members.live(), (std::vector<std::string>{"a", "m", "z"}));
  EXPECT_FALSE(*members.observe(flat({"z", "2", "a", "3", "m", "4"}).view(), at(2s)));
}

TEST(Members, AFailedHeartbeatOrAnEmptyListChangesNothing) {
  Members members("hf:members", "m", 8s);
  ASSERT_TRUE(members.observe(flat({"a", "2", "m", "3"}).view(), at(0s)));
  EXPECT_FALSE(members.observe(redis::Reply::parse("-LOADING\r\n")->view(), at(100s)).has_value());
  EXPECT_FALSE(members.observe(flat({"b", "2"}).view(), at(100s)).has_value()) << "an answer without us is none to our heartbeat";
  EXPECT_FALSE(*members.observe(flat({}).view(), at(100s)));
  EXPECT_EQ(members.live(), (std::vector<std::string>{"a", "m"}));
}

TEST(Members, OneThatStoodStillForATtlOfOursIsGoneAndGetsRemoved) {
  const Scripts scripts;
  Members members("hf:members", "m", 8s);
  redis::Command command;
  // Redis' clock stepped back: "dead" has a heartbeat from the future that nothing outdates.
  members.observe(flat({"m", "10", "dead", "9000"}).view(), at(0s)).value();
  members.observe(flat({"m", "20", "dead", "9000"}).view(), at(7s)).value();
  EXPECT_EQ(members.live().size(), 2U);
  members.heartbeat(command, scripts);
  EXPECT_EQ(command.argv().size(), 6U);
  EXPECT_TRUE(members.observe(flat({"m", "30", "dead", "9000"}).view(), at(8s)).value());
  EXPECT_EQ(members.live(), std::vector<std::string>{"m"});
  members.heartbeat(command, scripts);
  ASSERT_EQ(command.argv().size(), 8U);
  EXPECT_EQ(command.argv()[6], "dead");
  EXPECT_EQ(command.argv()[7], "9000");
  EXPECT_TRUE(members.observe(flat({"m", "40", "dead", "35"}).view(), at(9s)).value()) << "it came back";
  EXPECT_EQ(members.live().size(), 2U);
}

}  // namespace
}  // namespace hookfleet::lease
