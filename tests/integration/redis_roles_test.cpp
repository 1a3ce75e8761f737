// The roles of deploy/redis_roles.acl: what each may not do. That it may do all it needs is proved by every test of a whole fleet, since
// support::Fleet gives each program its role.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using support::make_redis_acl;
using support::RedisServer;
using Words = std::vector<std::string>;

class RedisRoles : public testing::TestWithParam<std::string> {
 protected:
  redis::Connection connect() {
    const auto endpoint = redis::Endpoint::parse(server_.url_of(GetParam()));
    auto connection = redis::Connection::open(*endpoint, {5s, 30s});
    EXPECT_TRUE(connection) << connection.error().message;
    return *std::move(connection);
  }
  static bool refused(redis::Connection& connection, const Words& words) {
    const std::vector<std::string_view> argv(words.begin(), words.end());
    const auto reply = connection.call(argv);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply && reply->view().is_error() && reply->view().error() == redis::ReplyError::kNoPerm;
  }

  RedisServer server_{{.roles = true}};
};

TEST_P(RedisRoles, NobodyChangesTheServerOrWipesDataOrRunsScriptsOfItsOwn) {
  auto connection = connect();
  const std::vector<Words> forbidden{
      {"CONFIG", "SET", "appendonly", "no"},
      {"CONFIG", "REWRITE"},
      {"CONFIG", "RESETSTAT"},
      {"FLUSHALL"},
      {"FLUSHDB"},
      {"SHUTDOWN", "NOSAVE"},

      {"KEYS", "*"},
      {"MONITOR"},
      {"SAVE"},
      {"BGSAVE"},
      {"BGREWRITEAOF"},
      {"REPLICAOF", "127.0.0.1", "1"},
      {"CLUSTER", "INFO"},
      {"CLIENT", "LIST"},
      {"CLIENT", "KILL", "ID", "1"},
      {"CLIENT", "PAUSE", "1"},
      {"ACL", "SETUSER", "evil"},
      {"ACL", "LIST"},
      {"MODULE", "LIST"},
      {"SCRIPT", "FLUSH"},
      {"SCRIPT", "KILL"},
      {"EVAL", "return 1", "0"},
      {"FUNCTION", "FLUSH"},
      {"MIGRATE", "h", "1", "k", "0", "1"},
      {"SWAPDB", "0", "1"},
      {"SLOWLOG", "RESET"},
      {"LATENCY", "RESET"},
      {"XTRIM", "hf:x", "MAXLEN", "0"},
      {"RENAME", "hf:a", "hf:b"},
      {"EXPIRE", "hf:a", "1"},
      {"COPY", "hf:a", "hf:b"},
      {"GETDEL", "hf:a"},
      {"PERSIST", "hf:a"},
      {"OBJECT", "FREQ", "hf:a"},
      {"RANDOMKEY"},
      {"DUMP", "hf:a"},
      {"RESTORE", "hf:a", "0", "x"},
      {"SORT", "hf:a"},
      {"UNLINK", "hf:a"},
      {"PUBLISH", "channel", "x"},
      {"SUBSCRIBE", "channel"},
      {"XGROUP", "CREATE", "hf:x", "g", "$"},
      {"XSETID", "hf:x", "1-1"},
  };
  for (const Words& words : forbidden) {
    std::string text;
    for (const std::string& word : words) text += word + ' ';
    EXPECT_TRUE(refused(connection, words)) << text;
  }
}

TEST_P(RedisRoles, WhatIsNotOursIsOutOfReach) {
  auto connection = connect();
  for (const Words& words : std::vector<Words>{{"GET", "other"},
                                               {"SET", "other", "x"},
                                               {"HGETALL", "other"},
                                               {"HSET", "other", "f", "v"},
                                               {"XRANGE", "other", "-", "+"},
                                               {"XDEL", "other", "1-1"},
                                               {"DEL", "other"}}) {
    EXPECT_TRUE(refused(connection, words)) << words[0];
  }
  if (GetParam() != "worker") {  // a route's `stream` may go to any stream
    EXPECT_TRUE(refused(connection, {"XADD", "other", "*", "f", "v"}));
  }
}

TEST_P(RedisRoles, OnlyTheOperatorDeletesKeys) {
  auto connection = connect();
  EXPECT_EQ(refused(connection, {"DEL", "hf:a"}), GetParam() != "cli");
}

TEST_P(RedisRoles, OnlyThoseWhoHandleTakeEntriesOut) {
  auto connection = connect();
  EXPECT_EQ(refused(connection, {"XDEL", "hf:a", "1-1"}), GetParam() != "worker" && GetParam() != "cli");
}

TEST_P(RedisRoles, TheIngressAndTheExporterKnowNoScripts) {
  auto connection = connect();
  const bool knows_none = GetParam() == "ingress" || GetParam() == "exporter";
  EXPECT_EQ(refused(connection, {"EVALSHA", std::string(40, '0'), "0"}), knows_none);
  EXPECT_EQ(refused(connection, {"SCRIPT", "LOAD", "return 1"}), knows_none);
}

class PollerRole : public RedisRoles {};
INSTANTIATE_TEST_SUITE_P(Role, PollerRole, testing::Values("poller"));

TEST_P(PollerRole, WritesNothingButItsOwn) {
  auto connection = connect();
  for (const Words& words : std::vector<Words>{{"HSET", "hf:meta", "layout", "1 16 chat"},
                                               {"HSET", "hf:control", "log.level.worker", "debug"},
                                               {"HSET", "hf:alerts:lease", "owner", "me"},
                                               {"HSET", "hf:{0.0}:ctl", "owner", "me"},
                                               {"HSET", "hf:{0.0}:att", "f", "v"},
                                               {"HSET", "hf:{0.0}:inst", "f", "v"},
                                               {"HSET", "hf:pollers", "f", "v"},
                                               {"HSETNX", "hf:control", "f", "v"},
                                               {"HSETNX", "hf:poll:1", "f", "v"},
                                               {"ZADD", "hf:members", "1", "me"},
                                               {"ZREM", "hf:members", "other"},
                                               {"ZADD", "hf:poll:1", "1", "me"},
                                               {"XADD", "hf:{0.0}:dlq", "*", "f", "v"},
                                               {"XADD", "hf:audit", "*", "f", "v"},
                                               {"SET", "hf:meta", "v"},
                                               {"SET", "hf:{0.0}:m:x", "v"},
                                               {"EVALSHA", std::string(40, '0'), "1", "hf:meta"},
                                               {"EVALSHA", std::string(40, '0'), "2", "hf:poll:1", "hf:{0.0}:s"}}) {
    EXPECT_TRUE(refused(connection, words)) << words[0] << ' ' << words[1];
  }
  for (const Words& words : std::vector<Words>{{"HSETNX", "hf:meta", "layout", "1 32 chat"},
                                               {"HSET", "hf:poll:1101000001", "owner", "me"},
                                               {"HMGET", "hf:poll:1101000001", "owner"},
                                               {"ZADD", "hf:pollers", "1", "me"},
                                               {"ZREM", "hf:pollers", "me"},
                                               {"ZADD", "hf:pollers:instances", "1", "1101000001"},
                                               {"ZREM", "hf:pollers:instances", "1101000001"},
                                               {"ZREMRANGEBYSCORE", "hf:pollers:instances", "-inf", "0"},
                                               {"XADD", "hf:{0.0}:s", "*", "f", "v"},
                                               {"XADD", "hf:alerts", "*", "f", "v"},
                                               {"XLEN", "hf:{0.0}:dlq"},
                                               {"HGETALL", "hf:control"},
                                               {"EVALSHA", std::string(40, '0'), "1", "hf:poll:1101000001"}}) {
    EXPECT_FALSE(refused(connection, words)) << words[0] << ' ' << words[1];
  }
}

TEST_P(RedisRoles, TheExporterSeesNumbersAndNoKey) {
  auto connection = connect();
  EXPECT_FALSE(refused(connection, {"INFO", "all"}));
  EXPECT_EQ(refused(connection, {"HGET", "hf:meta", "layout"}), GetParam() == "exporter");
  EXPECT_EQ(refused(connection, {"SLOWLOG", "LEN"}), GetParam() != "exporter");
}

INSTANTIATE_TEST_SUITE_P(Each, RedisRoles, testing::Values("ingress", "poller", "worker", "cli", "exporter"),
                         [](const auto& given) { return given.param; });

/// A server with what deploy/redis_acl writes when nothing else is wanted; the test is who checks its health.
class RedisAcl : public testing::Test {
 protected:
  static std::string made(const support::TempDir& directory) {
    EXPECT_EQ(make_redis_acl(directory / "passwords", {{"ingress", "secret-of-ingress"}}, directory / "users.acl"), 0);
    return directory / "users.acl";
  }
  static redis::Connection open(const std::string& url) { return redis::Connection::open(*redis::Endpoint::parse(url), {5s, 30s}).value(); }

  const support::TempDir directory_;
  RedisServer server_{{.arguments = {"--aclfile", made(directory_)}, .password = "any", .user = "health"}};
};

TEST_F(RedisAcl, NobodyIsServedWithoutANameAndTheHealthCheckMayPingOnly) {
  auto stranger = open("redis://127.0.0.1:" + std::to_string(server_.port()));
  EXPECT_TRUE(stranger.call({"PING"})->view().is_error());
  EXPECT_TRUE(stranger.call({"GET", "hf:a"})->view().is_error());
  EXPECT_FALSE(server_.call({"PING"}).view().is_error());
  EXPECT_EQ(server_.call({"GET", "hf:a"}).view().error(), redis::ReplyError::kNoPerm);
  EXPECT_EQ(server_.call({"INFO"}).view().error(), redis::ReplyError::kNoPerm);
}

/// Redis reads its log as the user `default`, and leaves out transactions that this user may not run.
TEST_F(RedisAcl, WhatWasWrittenInATransactionIsThereAfterAKill) {
  auto ingress = open(server_.url_of("ingress"));
  for (const Words& words : std::vector<Words>{{"MULTI"}, {"XADD", "hf:a", "*", "f", "v"}, {"XADD", "hf:a", "*", "f", "w"}, {"EXEC"}}) {
    const std::vector<std::string_view> argv(words.begin(), words.end());
    ASSERT_FALSE(ingress.call(argv)->view().is_error()) << words[0];
  }
  server_.kill();
  server_.start();
  EXPECT_EQ(open(server_.url_of("ingress")).call({"XLEN", "hf:a"})->view().integer(), 2);
}

TEST(RedisAclFile, TakesAPrefixAndRefusesWhatItCannotWrite) {
  const support::TempDir directory;
  EXPECT_EQ(make_redis_acl(directory / "one", {{"ingress", "i"}}, directory / "users.acl", {{"REDIS_PREFIX", "mine"}}), 0);
  const std::string text = support::read_file(directory / "users.acl");
  EXPECT_NE(text.find("~mine:*"), std::string::npos);
  EXPECT_EQ(text.find("hf:"), std::string::npos);
  EXPECT_EQ(text.find('@' + std::string("PREFIX")), std::string::npos);
  EXPECT_EQ(make_redis_acl(directory / "two", {}, directory / "users.acl"), 2) << "no role";
  EXPECT_EQ(make_redis_acl(directory / "three", {{"worker", ""}}, directory / "users.acl"), 2) << "an empty password";
  EXPECT_EQ(make_redis_acl(directory / "four", {{"worker", "w"}}, directory / "users.acl", {{"REDIS_PREFIX", "a ~*"}}), 2);
}

// A secret in Kubernetes outlives the version that made it.
TEST(RedisAclFile, OfAnotherVersionKeepsItsPasswordsAndGetsTheRightsOfThisOne) {
  const support::TempDir directory;
  ASSERT_EQ(make_redis_acl(directory / "passwords", {{"ingress", "i"}, {"worker", "w"}, {"poller", "p"}, {"exporter", "e"}},
                           directory / "users.acl", {{"REDIS_PREFIX", "mine"}}),
            0);
  const std::string present = support::read_file(directory / "users.acl");
  const std::string others = "user shop on #0a ~orders +xadd\nuser poller on >by-hand ~mine:* +@all\n";
  {
    std::ofstream earlier(directory / "earlier.acl");
    std::istringstream lines(present);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("user default ")) line = "user default off";
      if (const auto rights = line.find(" -@all"); !line.starts_with("user health ") && rights != std::string::npos)
        line.resize(rights + 6);
      earlier << line << '\n';
    }
    earlier << others;
  }
  EXPECT_EQ(make_redis_acl(directory / "earlier.acl", {}, directory / "renewed.acl"), 0);
  EXPECT_EQ(support::read_file(directory / "renewed.acl"), present + others);

  // One whose poller could still write all keys.
  std::string wide = support::read_file(directory / "earlier.acl");
  const auto keys = wide.find("%R~mine:*");
  ASSERT_NE(keys, std::string::npos);
  wide.erase(keys, 2);
  std::ofstream(directory / "wide.acl") << wide;
  EXPECT_EQ(make_redis_acl(directory / "wide.acl", {}, directory / "narrowed.acl"), 0);
  EXPECT_EQ(support::read_file(directory / "narrowed.acl"), present + others);
}

TEST(RedisAclFile, TakesFurtherUsersButNoneOfOurs) {
  const support::TempDir directory;
  const std::map<std::string, std::string> passwords{{"ingress", "i"}};
  const auto made = [&](const std::string& users) {
    std::filesystem::remove(directory / "users.acl");
    return make_redis_acl(directory / "passwords", passwords, directory / "users.acl", {{"REDIS_USERS", users}});
  };
  EXPECT_EQ(made("user worker on >p ~*"), 2);
  EXPECT_EQ(made("user default on nopass ~* +@all"), 2);
  EXPECT_EQ(made("user shop on"), 2) << "what an .env leaves of it without quotes";
  EXPECT_EQ(made("user shop on >p ~orders +xack; shop on >secret"), 2);
  const std::string said = support::read_file(directory / "users.acl");
  EXPECT_NE(said.find("REDIS_USERS: rule 2"), std::string::npos) << said;
  EXPECT_EQ(said.find("secret"), std::string::npos) << said;
  ASSERT_EQ(made("user shop on >p ~orders -@all +xadd +xlen ;\n user more on >q ~more +@read;"), 0);

  RedisServer server({.arguments = {"--aclfile", directory / "users.acl"}, .password = "any", .user = "health"});
  auto shop =
      redis::Connection::open(*redis::Endpoint::parse("redis://shop:p@127.0.0.1:" + std::to_string(server.port())), {5s, 30s}).value();
  EXPECT_FALSE(shop.call({"XADD", "orders", "*", "f", "v"})->view().is_error());
  EXPECT_EQ(shop.call({"XLEN", "hf:a"})->view().error(), redis::ReplyError::kNoPerm);
}

}  // namespace
}  // namespace hookfleet
