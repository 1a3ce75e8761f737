#include "common/lease/lease.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "common/lease/members.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::lease {
namespace {

using namespace std::chrono_literals;
using support::RedisServer;

constexpr std::chrono::milliseconds kLong = 60s;

class Lease : public testing::Test {
 protected:
  Lease() {
    auto connection = server_.connect();
    EXPECT_TRUE(redis::load(connection, scripts_.all()).has_value());
  }

  tl::expected<std::variant<Held, Refused>, redis::ReplyError> try_acquire(std::string_view owner, std::chrono::milliseconds ttl = kLong,
                                                                           std::string_view known = "", std::string_view unchanged = "",
                                                                           std::string_view stream = "") {
    acquire(command_, scripts_, {"lease", stream, owner, ttl, known, unchanged});
    return decode_acquired(server_.call(command_.argv()).view());
  }
  Held held(std::string_view owner, std::chrono::milliseconds ttl = kLong, std::string_view known = "", std::string_view unchanged = "") {
    return std::get<Held>(try_acquire(owner, ttl, known, unchanged).value());
  }
  Refused refused(std::string_view owner) { return std::get<Refused>(try_acquire(owner).value()); }
  bool renewed(const Tenure& tenure, std::chrono::milliseconds ttl = kLong) {
    renew(command_, scripts_, "lease", tenure, ttl);
    return decode_held(server_.call(command_.argv()).view()).value();
  }
  bool released(const Tenure& tenure) {
    release(command_, scripts_, "lease", tenure);
    return decode_held(server_.call(command_.argv()).view()).value();
  }
  void wait_expired() {
    ASSERT_TRUE(support::wait_until(support::kSoon, [this] {
      const std::string time =
          server_.text({"EVAL", "local t=redis.call('TIME') return string.format('%d', t[1]*1000+math.floor(t[2]/1000))", "0"});
      return std::stoll(time) > std::stoll(server_.text({"HGET", "lease", "until"}));
    }));
  }

  RedisServer server_;
  const Scripts scripts_;
  redis::Command command_;
};

TEST_F(Lease, FirstIsCleanAndAnotherIsRefusedWithOwnerAndTimeLeft) {
  const Held first = held("a");
  EXPECT_EQ(first.how, How::kClean);
  EXPECT_EQ(first.last_id, "0-0");
  const Refused other = refused("b");
  EXPECT_EQ(other.owner, "a");
  EXPECT_GT(other.remaining, 50s);
  EXPECT_LE(other.remaining, kLong);
  EXPECT_EQ(server_.text({"HGET", "lease", "v"}), "1");
  EXPECT_EQ(server_.text({"HGET", "lease", "owner"}), "a");
  EXPECT_EQ(server_.text({"HGET", "lease", "epoch"}), first.epoch);
  EXPECT_EQ(server_.text({"HGET", "lease", "how"}), "clean");
  EXPECT_EQ(server_.text({"TTL", "lease"}), "-1");
}

TEST_F(Lease, OursIsExtendedAndNeverGetsANewEpoch) {
  const Held first = held("a", 1ms);
  const Held known = held("a", kLong, first.epoch);
  EXPECT_EQ(known.how, How::kResumed);
  EXPECT_EQ(known.epoch, first.epoch);
  const Held forgotten = held("a");
  EXPECT_EQ(forgotten.how, How::kClean);
  EXPECT_EQ(forgotten.epoch, first.epoch);
  EXPECT_EQ(refused("b").owner, "a");
}

TEST_F(Lease, AnExpiredOneIsTakenAsACrashWithAGreaterEpoch) {
  const Held first = held("a", 1ms);
  wait_expired();
  const Held second = held("b");
  EXPECT_EQ(second.how, How::kCrash);
  EXPECT_GT(std::stoll(second.epoch), std::stoll(first.epoch));
  EXPECT_FALSE(renewed({"a", first.epoch}));
  EXPECT_FALSE(released({"a", first.epoch}));
  EXPECT_EQ(refused("a").owner, "b");
}

TEST_F(Lease, AReleasedOneIsTakenAsClean) {
  const Held first = held("a");
  EXPECT_TRUE(released({"a", first.epoch}));
  EXPECT_FALSE(released({"a", first.epoch}));
  const Held second = held("b");
  EXPECT_EQ(second.how, How::kClean);
  EXPECT_GT(std::stoll(second.epoch), std::stoll(first.epoch));
}

TEST_F(Lease, RenewExtendsAnExpiredOneThatNobodyTook) {
  const Held first = held("a", 1ms);
  wait_expired();
  EXPECT_TRUE(renewed({"a", first.epoch}));
  EXPECT_EQ(refused("b").owner, "a");
  EXPECT_FALSE(renewed({"a", "1"})) << "another epoch";
  EXPECT_FALSE(renewed({"b", first.epoch})) << "another owner";
}

TEST_F(Lease, WhenRedisClockStepsBackOneSeenUnchangedForATtlIsTaken) {
  const Held first = held("a");
  server_.call({"HSET", "lease", "until", "99999999999999"});  // as the clock's step back leaves it
  Sighting sighting;
  const base::BootTime now{1h};
  sighting.saw(refused("b"), now);
  EXPECT_TRUE(std::holds_alternative<Refused>(try_acquire("b", 10s, "", sighting.unchanged(10s, now + 9s)).value()));
  const std::string unchanged(sighting.unchanged(10s, now + 10s));
  ASSERT_FALSE(unchanged.empty());
  EXPECT_EQ(held("b", 10s, "", unchanged).how, How::kCrash);
  EXPECT_FALSE(renewed({"a", first.epoch}));
}

TEST_F(Lease, OneThatWasRenewedMeanwhileIsNotTakenBySighting) {
  const Held first = held("a");
  const std::string seen = refused("b").state;
  ASSERT_TRUE(renewed({"a", first.epoch}, 120s));
  EXPECT_TRUE(std::holds_alternative<Refused>(try_acquire("b", kLong, "", seen).value()));
}

TEST_F(Lease, EpochsGrowPastTheClockAndOddOnesAreReplaced) {
  server_.call({"HSET", "lease", "owner", "", "epoch", "999999999999998", "until", "99999999999999"});
  EXPECT_EQ(held("a").epoch, "999999999999999");
  for (const char* odd : {"", "x", "-5", "1e300", "99999999999999999999", "0x10"}) {
    server_.call({"HSET", "lease", "owner", "", "epoch", odd, "until", "soon"});
    EXPECT_EQ(held("a").epoch.size(), 13U) << odd;
  }
}

TEST_F(Lease, TheLastIdOfTheStreamComesWithIt) {
  server_.call({"XADD", "s", "5-1", "f", "v"});
  server_.call({"XADD", "s", "7-2", "f", "v"});
  EXPECT_EQ(std::get<Held>(try_acquire("a", kLong, "", "", "s").value()).last_id, "7-2");
}

TEST_F(Lease, AForeignKeyIsAnErrorAndStaysAsItIs) {
  server_.call({"SET", "lease", "text"});
  EXPECT_EQ(try_acquire("a").error(), redis::ReplyError::kWrongType);
  EXPECT_EQ(server_.text({"GET", "lease"}), "text");
}

TEST_F(Lease, WorksAtMaxmemoryAndAfterAScriptFlush) {
  server_.call({"SET", "ballast", std::string(2'000'000, 'x')});
  server_.config_set("maxmemory", "1mb");
  ASSERT_EQ(server_.call({"SET", "k", "v"}).view().error(), redis::ReplyError::kOom);
  server_.call({"SCRIPT", "FLUSH"});
  EXPECT_EQ(try_acquire("a").error(), redis::ReplyError::kNoScript);
  auto connection = server_.connect();
  ASSERT_TRUE(redis::load(connection, scripts_.all()).has_value()) << "scripts load at maxmemory";
  const Held first = held("a");
  EXPECT_TRUE(renewed({"a", first.epoch}));
  Members members("members", "a", 8s);
  members.heartbeat(command_, scripts_);
  EXPECT_TRUE(members.observe(server_.call(command_.argv()).view(), base::BootTime{}).has_value());
  EXPECT_TRUE(released({"a", first.epoch}));
}

TEST_F(Lease, SurvivesAKilledServer) {
  const Held first = held("a");
  server_.restart();
  auto connection = server_.connect();
  ASSERT_TRUE(redis::load(connection, scripts_.all()).has_value());
  EXPECT_TRUE(renewed({"a", first.epoch}));
}

TEST_F(Lease, MembersSeeEachOtherAndTheSilentOnesGo) {
  Members a("members", "a", 8s);
  Members b("members", "b", 8s);
  const auto beat = [this](Members& members, base::BootTime now) {
    members.heartbeat(command_, scripts_);
    return members.observe(server_.call(command_.argv()).view(), now).value();
  };
  const base::BootTime start{1h};
  server_.call({"ZADD", "members", "1", "long-ago"});
  server_.call({"ZADD", "members", "99999999999999", "from-the-future"});
  beat(a, start);
  EXPECT_EQ(a.live(), (std::vector<std::string>{"a", "from-the-future"}));
  beat(b, start);
  beat(a, start + 8s);
  EXPECT_EQ(a.live(), (std::vector<std::string>{"a", "b"}));
  beat(a, start + 9s);
  EXPECT_EQ(server_.text({"ZSCORE", "members", "from-the-future"}), "");
  b.leave(command_);
  server_.call(command_.argv());
  EXPECT_TRUE(beat(a, start + 10s));
  EXPECT_EQ(a.live(), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace hookfleet::lease
