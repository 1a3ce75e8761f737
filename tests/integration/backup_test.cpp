// deploy/fleet/redis_backup and what is restored from it, while Redis writes and rewrites its log.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using support::Process;
using support::RedisServer;

const std::string kScripts = std::string(HOOKFLEET_SOURCE_DIR) + "/deploy/fleet/";

/// The script's exit code; the backup goes to `file`.
int back_up(const std::string& data, const std::string& file) {
  Process backup({.argv = {"/bin/sh", "-c", R"(exec "$0" "$1" >"$2")", kScripts + "redis_backup", data, file},
                  .environment = {},
                  .output = file + ".log"});
  return backup.wait(60s).value_or(-1);
}

/// Starts it on what `file` holds.
void restore(RedisServer& server, const std::string& file) {
  Process tar({.argv = {"tar", "-xzf", file, "-C", server.directory()}, .environment = {}, .output = file + ".log"});
  EXPECT_EQ(tar.wait(60s), 0) << support::read_file(file + ".log");
  server.start();
}

class Backup : public testing::Test {
 protected:
  ~Backup() override {
    stop_ = true;
    if (sender_.joinable()) sender_.join();
  }
  /// Appends entries 1-1, 2-1, … for as long as the test takes, each after the reply to the one before.
  void send() {
    sender_ = std::thread([this] {
      auto connection = server_.connect();
      const std::string body(2000, 'b');
      while (!stop_) {
        const std::string id = std::to_string(acknowledged_ + 1) + "-1";
        if (connection.call({"XADD", "s", id, "b", body}) && !stop_) ++acknowledged_;
      }
    });
  }
  std::uint64_t rewrites() {
    const std::string info = server_.text({"INFO", "persistence"});
    const auto at = info.find("aof_rewrites:");
    return at == std::string::npos ? 0 : std::stoull(info.substr(at + 13));
  }

  support::TempDir directory_;
  RedisServer server_;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread sender_;
};

TEST_F(Backup, HoldsAllThatWasAcknowledgedBeforeItBegan) {
  send();
  for (int round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    const std::uint64_t rewrites_before = rewrites();
    ASSERT_TRUE(support::wait_until(support::kSoon, [&, wanted = acknowledged_ + 200] { return acknowledged_ >= wanted; }));
    server_.call({"BGREWRITEAOF"});  // files come and go meanwhile
    const std::uint64_t before = acknowledged_;
    const std::string file = directory_ / (std::to_string(round) + ".tar.gz");
    ASSERT_EQ(back_up(server_.directory(), file), 0) << support::read_file(file + ".log");
    const std::uint64_t after = acknowledged_ + 1;
    RedisServer copy({.started = false});
    restore(copy, file);
    const auto length = static_cast<std::uint64_t>(copy.call({"XLEN", "s"}).view().integer());
    EXPECT_GE(length, before);
    EXPECT_LE(length, after);
    const redis::Reply last = copy.call({"XREVRANGE", "s", "+", "-", "COUNT", "1"});
    EXPECT_EQ(last.view()[0][0].text(), std::to_string(length) + "-1") << "a gap";
    ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return rewrites() > rewrites_before; })) << "no rewrite ran";
  }
  for (const auto& left : std::filesystem::directory_iterator(server_.directory())) {
    EXPECT_EQ(left.path().filename().string().find(".backup-"), std::string::npos) << left.path();
  }
}

TEST_F(Backup, WhatIsNoDataOfRedisIsRefused) {
  const support::TempDir empty;
  EXPECT_EQ(back_up(empty.path(), directory_ / "none"), 1);
  EXPECT_NE(support::read_file(directory_ / "none.log").find("appendonly"), std::string::npos);
}

}  // namespace
}  // namespace hookfleet
