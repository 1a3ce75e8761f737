#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/redis/command.hpp"
#include "common/redis/endpoint.hpp"
#include "common/redis/info.hpp"
#include "common/redis/reply.hpp"
#include "common/redis/script.hpp"
#include "common/redis/settings.hpp"

namespace hookfleet::redis {
namespace {

using namespace std::string_literals;

Reply parsed(std::string_view resp) {
  auto reply = Reply::parse(resp);
  EXPECT_TRUE(reply.has_value()) << resp;
  return *std::move(reply);
}

TEST(Endpoint, ReadsEveryDocumentedForm) {
  const struct {
    const char* url;
    Endpoint endpoint;
  } rows[] = {
      {"redis://127.0.0.1", {"127.0.0.1", 6379, "", "", "", 0}},
      {"redis://redis:6380/3", {"redis", 6380, "", "", "", 3}},
      {"redis://redis:6380/", {"redis", 6380, "", "", "", 0}},
      {"redis://:secret@h/1", {"h", 6379, "", "", "secret", 1}},
      {"redis://worker:p%40ss%2Fw%25@h:1", {"h", 1, "", "worker", "p@ss/w%", 0}},
      {"redis://:p@ss@h", {"h", 6379, "", "", "p@ss", 0}},
      {"redis://[::1]:7000/2", {"::1", 7000, "", "", "", 2}},
      {"redis://[fe80::1]", {"fe80::1", 6379, "", "", "", 0}},
      {"unix:///run/redis.sock", {"127.0.0.1", 6379, "/run/redis.sock", "", "", 0}},
      {"unix:/run/redis.sock?db=4", {"127.0.0.1", 6379, "/run/redis.sock", "", "", 4}},
      {"unix://u:p@/run/redis.sock", {"127.0.0.1", 6379, "/run/redis.sock", "u", "p", 0}},
  };
  for (const auto& row : rows) {
    const auto endpoint = Endpoint::parse(row.url);
    ASSERT_TRUE(endpoint.has_value()) << row.url << ": " << endpoint.error();
    EXPECT_EQ(*endpoint, row.endpoint) << row.url;
  }
}

TEST(Endpoint, RefusesWhatIsNoUrlAndNeverRepeatsThePassword) {
  for (const char* url : {"", "127.0.0.1:6379", "http://h", "redis://", "redis://:hunter2@", "redis://:hunter2@h:0",
                          "redis://:hunter2@h:65536", "redis://:hunter2@h:port", "redis://:hunter2@h/db", "redis://:hunter2%zz@h",
                          "redis://hunter2@h", "redis://::1:6379", "redis://:hunter2@[::1", "redis://:hunter2@[::1]6379",
                          "redis://h?password=hunter2", "unix://", "unix://run/redis.sock", "unix:///run/redis.sock?password=hunter2"}) {
    const auto endpoint = Endpoint::parse(url);
    ASSERT_FALSE(endpoint.has_value()) << url;
    EXPECT_EQ(endpoint.error().find("hunter2"), std::string::npos) << endpoint.error();
  }
}

TEST(Endpoint, RefusesTlsAndNamesTheWayOut) {
  const auto endpoint = Endpoint::parse("rediss://h");
  ASSERT_FALSE(endpoint.has_value());
  EXPECT_NE(endpoint.error().find("tunnel"), std::string::npos);
}

TEST(Endpoint, IsDisplayedWithoutThePassword) {
  EXPECT_EQ(Endpoint::parse("redis://worker:hunter2@h:1/2")->display(), "redis://worker@h:1/2");
  EXPECT_EQ(Endpoint::parse("redis://[::1]:1")->display(), "redis://[::1]:1/0");
  EXPECT_EQ(Endpoint::parse("unix://:hunter2@/run/r?db=1")->display(), "unix:///run/r?db=1");
}

TEST(RedisSettings, FillTheEndpointAndNeverPrintThePassword) {
  config::Settings settings;
  Options options;
  declare(settings, options);
  EXPECT_TRUE(settings.load("", {{"HOOKFLEET_REDIS__URL", "redis://:hunter2@h:1/2"}}, {}).empty());
  EXPECT_EQ(options.endpoint, (Endpoint{"h", 1, "", "", "hunter2", 2}));
  EXPECT_EQ(settings.print().find("hunter2"), std::string::npos) << settings.print();
  EXPECT_EQ(settings.reference().find("hunter2"), std::string::npos);
}

TEST(RedisSettings, AWrongUrlIsAProblemThatNamesTheKeyButNotThePassword) {
  config::Settings settings;
  Options options;
  declare(settings, options);
  const auto problems = settings.load("", {}, {{"redis.url", "rediss://:hunter2@h"}});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems[0].message.find("redis.url"), std::string::npos) << problems[0].message;
  EXPECT_NE(problems[0].message.find("tunnel"), std::string::npos) << problems[0].message;
  EXPECT_EQ(problems[0].message.find("hunter2"), std::string::npos) << problems[0].message;
}

TEST(RedisSettings, WithoutAnyTheLocalRedisIsMeant) {
  config::Settings settings;
  Options options;
  declare(settings, options);
  EXPECT_TRUE(settings.load("", {}, {}).empty());
  EXPECT_EQ(options.endpoint, Endpoint{});
}

TEST(Reply, TellsTypesApart) {
  EXPECT_TRUE(parsed("$-1\r\n").view().is_nil());
  EXPECT_TRUE(parsed("*-1\r\n").view().is_nil());
  EXPECT_EQ(parsed(":-42\r\n").view().integer(), -42);
  EXPECT_EQ(parsed("$2\r\n42\r\n").view().integer(), 42);
  EXPECT_EQ(parsed("+OK\r\n").view().text(), "OK");
  EXPECT_EQ(parsed("$3\r\na\0b\r\n"s).view().text(), std::string_view("a\0b", 3));
  EXPECT_EQ(parsed("*0\r\n").view().size(), 0U);
  EXPECT_TRUE(parsed("*0\r\n").view().is_array());
}

TEST(Reply, WrongTypesAndIndexesGiveEmptyValues) {
  const Reply reply = parsed("*2\r\n$1\r\nx\r\n:7\r\n");
  const ReplyView view = reply.view();
  EXPECT_EQ(view.text(), "");
  EXPECT_EQ(view.integer(), 0);
  EXPECT_EQ(view[0].integer(), 0);
  EXPECT_EQ(view[0].size(), 0U);
  EXPECT_EQ(view[1].text(), "");
  EXPECT_TRUE(view[2].is_nil());
  EXPECT_TRUE(view[1][5][5].is_nil());
  EXPECT_EQ(view.error(), ReplyError::kNone);
}

TEST(Reply, NestedArraysKeepTheirPlaces) {
  const Reply reply = parsed("*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n*2\r\n$3\r\n1-2\r\n*-1\r\n");
  const ReplyView records = reply.view()[0][1];
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0][0].text(), "1-1");
  EXPECT_EQ(records[0][1][1].text(), "v");
  EXPECT_TRUE(records[1][1].is_nil());
}

TEST(Reply, ErrorsAreToldByTheirFirstWordAlone) {
  EXPECT_EQ(parsed("-OOM command not allowed\r\n").view().error(), ReplyError::kOom);
  EXPECT_EQ(parsed("-NOSCRIPT No matching script\r\n").view().error(), ReplyError::kNoScript);
  EXPECT_EQ(parsed("-ERR OOM\r\n").view().error(), ReplyError::kOther);
  EXPECT_EQ(parsed("-\r\n").view().error(), ReplyError::kOther);
  EXPECT_EQ(parsed("+OOM\r\n").view().error(), ReplyError::kNone);
  EXPECT_TRUE(is_refusal(ReplyError::kMisconf));
  EXPECT_FALSE(is_refusal(ReplyError::kNoScript));
}

TEST(Reply, GarbageIsAnErrorNeverACrash) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "*1\r\n";
  for (const std::string& resp : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("$-7\r\n"), std::string("*-7\r\n"),
                                  std::string(":x\r\n"), std::string("$x\r\n"), std::string("*9999999999999\r\n"),
                                  std::string("*2147483647\r\n:1\r\n"), std::string("$99999999999999999999\r\n"), std::string("*1\r\n"),
                                  std::string("$5\r\nab"), deep, std::string(1000, '\0'), std::string("+a\r\n+b\r\n")}) {
    EXPECT_FALSE(Reply::parse(resp).has_value()) << resp.substr(0, 40);
  }
}

TEST(Reply, AFieldOfAFlatListIsFoundByItsName) {
  const auto reply = Reply::parse("*5\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nb\r\n:7\r\n$3\r\nodd\r\n");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->view().field("a").text(), "b");
  EXPECT_EQ(reply->view().field("b").integer(), 7) << "a value is no name";
  EXPECT_TRUE(reply->view().field("odd").is_nil());
  EXPECT_TRUE(reply->view().field("c").is_nil());
  EXPECT_TRUE(reply->view()[0].field("a").is_nil()) << "no list";
}

TEST(Reply, LargeTextsBesideSmallOnesSurvive) {
  const std::string large(300'000, 'x');
  std::string resp = "*200\r\n";
  for (int i = 0; i < 100; ++i) {
    const std::string& text = i % 10 == 3 ? large : "small";
    resp += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n:" + std::to_string(i) + "\r\n";
  }
  const Reply reply = parsed(resp);
  for (std::size_t i = 0; i < 100; ++i) {
    ASSERT_EQ(reply.view()[2 * i].text(), i % 10 == 3 ? large : "small") << i;
    ASSERT_EQ(reply.view()[2 * i + 1].integer(), static_cast<std::int64_t>(i));
  }
}

TEST(Command, KeepsCopiesAndBorrowsTheRest) {
  const Script script("t", "return 1");
  Command keys;
  Command command;
  for (int round = 0; round < 2; ++round) {
    keys.clear().copy(std::string("k") + std::string(100, 'x')).borrow({});
    command.clear().evalsha(script, 2).append(keys).number(-5).copy(std::string("a\0b", 3));
    const Argv argv = command.argv();
    ASSERT_EQ(argv.size(), 7U);
    EXPECT_EQ(argv[0], "EVALSHA");
    EXPECT_EQ(argv[1], "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");  // redis-cli SCRIPT LOAD "return 1"
    EXPECT_EQ(argv[2], "2");
    EXPECT_EQ(argv[3].size(), 101U);
    EXPECT_EQ(argv[4], "");
    EXPECT_EQ(argv[5], "-5");
    EXPECT_EQ(argv[6], std::string_view("a\0b", 3));
  }
}

TEST(Info, IsReadLineByLine) {
  std::string seen;
  for_each_info("# Server\r\nrun_id:aa\r\n\r\nlast:b:c\nempty:\r\n:x\nno colon\nend:1",
                [&](auto name, auto value) { seen.append(name).append("=").append(value).append(";"); });
  EXPECT_EQ(seen, "run_id=aa;last=b:c;empty=;=x;end=1;");
}

TEST(Info, ValuesAreTakenOnlyWhenTheyAreWhatTheyShouldBe) {
  EXPECT_EQ(info_number("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", "-1", "1.5", "1 ", "18446744073709551616"}) EXPECT_EQ(info_number(text), std::nullopt) << text;
  EXPECT_EQ(info_flag("1"), true);
  EXPECT_EQ(info_flag("0"), false);
  EXPECT_EQ(info_flag("yes"), std::nullopt);
  EXPECT_EQ(info_part("calls=3,usec=49", "calls"), "3");
  EXPECT_EQ(info_part("p99=1,p99.9=2", "p99.9"), "2");
  EXPECT_EQ(info_part("p99.9=2,p99=", "p99"), "");
  EXPECT_EQ(info_part("calls,usec", "calls"), std::nullopt);
}

}  // namespace
}  // namespace hookfleet::redis
