// What a Redis knows that was killed in the midst of writing its log, and was then started the way we start it (deploy/fleet/redis_start).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using support::Process;
using support::read_file;
using support::RedisServer;
using testing::HasSubstr;

const char* const kAck =
    "#!lua flags=allow-oom\n"
    "if redis.call('XDEL', KEYS[1], '1-1') == 0 then return 'g' end\n"
    "redis.call('HINCRBY', KEYS[2], 'n', 1) redis.call('SET', KEYS[3], 'seen') return 'w'";

struct TornLog : testing::Test {
  std::string ack() { return server.text({"EVAL", kAck, "3", "s", "counts", "mark"}); }
  /// An acknowledgement of which the log holds the first two writes of three.
  void half_an_ack() {
    server.call({"XADD", "s", "1-1", "b", "x"});
    ASSERT_EQ(ack(), "w");
    server.kill();
    server.tear_log("SET");
    server.start();
  }
  /// redis_start's exit code, which has no Redis to start then.
  int start(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {}) {
    arguments.insert(arguments.begin(), HOOKFLEET_SOURCE_DIR "/deploy/fleet/redis_start");
    Process process({.argv = arguments, .environment = environment, .output = dir / "out"});
    return process.wait(support::kSoon).value_or(-1);
  }
  std::string said() const { return read_file(dir / "out"); }
  /// The files of what was cut off.
  std::set<std::string> pieces() const {
    std::set<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(server.directory() + "/appendonlydir")) {
      if (file.path().string().find(".torn") != std::string::npos) names.insert(file.path().filename());
    }
    return names;
  }
  support::TempDir dir;
  RedisServer server;
};

TEST_F(TornLog, AScriptsWritesAreThereAsAWholeOrNotAtAll) {
  half_an_ack();
  EXPECT_EQ(server.text({"XLEN", "s"}), "1");
  EXPECT_EQ(server.text({"EXISTS", "counts", "mark"}), "0");
  EXPECT_EQ(ack(), "w");
  server.restart();
  EXPECT_EQ(server.text({"HGET", "counts", "n"}), "1") << "the torn half must not come back";
  EXPECT_EQ(server.text({"XLEN", "s"}), "0");
}

TEST_F(TornLog, WhatIsAcknowledgedAfterwardsSurvivesTheNextKill) {
  half_an_ack();
  for (int entry = 2; entry <= 6; ++entry) server.call({"XADD", "s", std::to_string(entry) + "-1", "b", "x"});
  server.restart();
  EXPECT_EQ(server.text({"XLEN", "s"}), "6");
}

TEST_F(TornLog, AnUnfinishedCommandGoesAloneAndIsKept) {
  for (int entry = 1; entry <= 3; ++entry) server.call({"XADD", "s", std::to_string(entry) + "-1", "b", "x"});
  server.kill();
  server.tear_log("XADD");
  server.start();
  EXPECT_EQ(server.text({"XLEN", "s"}), "2");
  ASSERT_EQ(pieces().size(), 1U);
  EXPECT_NE(read_file(server.directory() + "/appendonlydir/" + *pieces().begin()), "");
}

// What follows the damage was acknowledged.
TEST_F(TornLog, ALogDamagedBeforeItsEndIsLeftAlone) {
  for (int entry = 1; entry <= 100; ++entry) server.call({"XADD", "s", std::to_string(entry) + "-1", "b", std::string(300, 'x')});
  server.kill();
  const std::string log = server.append_only_file(), whole = read_file(log);
  const std::size_t middle = whole.find("$300", whole.size() / 2);
  const auto with = [&](std::size_t at, const std::string& bytes) { return std::string(whole).replace(at, bytes.size(), bytes); };
  const struct {
    std::string damaged, said;
  } rows[] = {
      {with(middle, std::string(4096, '\0')), "no write that a kill has cut short"},
      {with(middle, std::string(4096, '?')), "no write that a kill has cut short"},
      {with(middle, "$900"), "no write that a kill has cut short"},
      {with(whole.find("*5", middle), "+"), "no write that a kill has cut short"},
      {whole + std::string(65UL << 20, '\0'), "more than a kill tears"},
  };
  for (const auto& row : rows) {
    support::replace_file(log, row.damaged);
    EXPECT_EQ(start({server.directory(), "--port", "0"}), 1);
    EXPECT_THAT(said(), HasSubstr(row.said));
    EXPECT_TRUE(read_file(log) == row.damaged) << row.said;
    EXPECT_EQ(pieces().size(), 0U);
  }
}

// A file system that was without power may have made the log longer than what it has written of it.
TEST_F(TornLog, ZerosBehindAWriteThatWasCutShortAreNoDamage) {
  server.call({"XADD", "s", "1-1", "b", "x"});
  server.call({"XADD", "s", "2-1", "b", "x"});
  server.kill();
  const std::string whole = read_file(server.append_only_file());
  const std::string next = "*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$13\r\nx\r\n*1\r\n$1\r\n$9\r\n*1\r\n$4\r\nEXEC\r\n";
  for (std::size_t size = 0; size < next.size(); ++size) {
    support::replace_file(server.append_only_file(), whole + next.substr(0, size) + std::string(size % 3 * 7, '\0'));
    ASSERT_EQ(start({"--mend", server.directory()}), 0) << size << ": " << said();
    ASSERT_TRUE(read_file(server.append_only_file()) == whole) << size << ": " << said();
  }
  server.start();
  EXPECT_EQ(server.text({"XLEN", "s"}), "2");
}

/// A log in the midst of a write, as a start sees it that comes while Redis still writes.
TEST_F(TornLog, TheLogOfALivingRedisIsNotCut) {
  server.call({"XADD", "s", "1-1", "b", "x"});
  std::ofstream(server.append_only_file(), std::ios::app | std::ios::binary) << "*5\r\n$4\r\nXADD\r\n$1\r\ns";
  const auto size = std::filesystem::file_size(server.append_only_file());
  EXPECT_EQ(start({server.directory(), "--port", "0"}, {{"REDIS_START_WAIT", "1"}}), 1);
  EXPECT_THAT(said(), HasSubstr("stop it before this one starts"));
  EXPECT_EQ(std::filesystem::file_size(server.append_only_file()), size);
  server.restart();
  EXPECT_EQ(server.text({"XLEN", "s"}), "1") << "a killed Redis' lock is free, and its log is mended then";
}

TEST_F(TornLog, OnlyTheNewestPiecesAreKept) {
  std::string first;
  for (int kill = 1; kill <= 6; ++kill) {
    server.call({"XADD", "s", std::to_string(2 * kill) + "-1", "b", "x"});
    server.call({"XADD", "s", std::to_string(2 * kill + 1) + "-1", "b", "x"});
    server.kill();
    server.tear_log("XADD");
    server.start();
    if (kill == 1) first = *pieces().begin();
  }
  EXPECT_EQ(pieces().size(), 5U);
  EXPECT_FALSE(pieces().contains(first));
  EXPECT_EQ(server.text({"XLEN", "s"}), "6");
}

}  // namespace
}  // namespace hookfleet
