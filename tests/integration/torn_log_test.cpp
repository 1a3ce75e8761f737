// What a Redis knows that was killed in the midst of writing its log, and was then started the way we start it (deploy/fleet/redis_start).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

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
  std::size_t kept = 0;
  for (const auto& file : std::filesystem::directory_iterator(server.directory() + "/appendonlydir")) {
    if (file.path().string().find(".torn-at-") != std::string::npos) kept += file.file_size();
  }
  EXPECT_GT(kept, 0U);
}

TEST_F(TornLog, ALogDamagedBeforeItsEndIsLeftAlone) {
  server.kill();
  std::filesystem::resize_file(server.append_only_file(),
                               std::filesystem::file_size(server.append_only_file()) + (65UL << 20));  // zeros are no commands
  const auto size = std::filesystem::file_size(server.append_only_file());
  const support::TempDir dir;
  Process start({.argv = {HOOKFLEET_SOURCE_DIR "/deploy/fleet/redis_start", server.directory(), "--port", "0"},
                 .environment = {},
                 .output = dir / "out"});
  EXPECT_EQ(start.wait(support::kSoon), 1);
  EXPECT_THAT(read_file(dir / "out"), HasSubstr("more than a kill tears"));
  EXPECT_EQ(std::filesystem::file_size(server.append_only_file()), size);
}

/// A log in the midst of a write, as a start sees it that comes while Redis still writes.
TEST_F(TornLog, TheLogOfALivingRedisIsNotCut) {
  server.call({"XADD", "s", "1-1", "b", "x"});
  std::ofstream(server.append_only_file(), std::ios::app | std::ios::binary) << "*5\r\n$4\r\nXADD\r\n$1\r\ns";
  const auto size = std::filesystem::file_size(server.append_only_file());
  const support::TempDir dir;
  Process second({.argv = {HOOKFLEET_SOURCE_DIR "/deploy/fleet/redis_start", server.directory(), "--port", "0"},
                  .environment = {{"REDIS_START_WAIT", "1"}},
                  .output = dir / "out"});
  EXPECT_EQ(second.wait(support::kSoon), 1);
  EXPECT_THAT(read_file(dir / "out"), HasSubstr("stop it before this one starts"));
  EXPECT_EQ(std::filesystem::file_size(server.append_only_file()), size);
  server.restart();
  EXPECT_EQ(server.text({"XLEN", "s"}), "1") << "a killed Redis' lock is free, and its log is mended then";
}

TEST_F(TornLog, OnlyTheNewestPiecesAreKept) {
  const auto pieces = [&] {
    std::set<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(server.directory() + "/appendonlydir")) {
      if (file.path().string().find(".torn-at-") != std::string::npos) names.insert(file.path().filename());
    }
    return names;
  };
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
