// deploy/fleet/redis_backup, while Redis writes and rewrites its log, and redis_restore.
#include <gmock/gmock.h>
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
using support::kSoon;
using support::Process;
using support::RedisServer;
using testing::HasSubstr;
using testing::Not;

const std::string kScripts = std::string(HOOKFLEET_SOURCE_DIR) + "/deploy/fleet/";

/// The exit code of `script DATA`, e.g. "redis_restore" and "<from"; what it says goes to `log`.
int run(const std::string& script, const std::string& data, const std::string& redirection, const std::string& log) {
  Process process(
      {.argv = {"/bin/sh", "-c", "exec \"$0\" \"$1\" " + redirection, kScripts + script, data}, .environment = {}, .output = log});
  return process.wait(kSoon).value_or(-1);
}

int back_up(const std::string& data, const std::string& file) {
  return run("redis_backup", data, "2>" + file + ".log >" + file, file + ".log");
}
int restore(const std::string& data, const std::string& file) { return run("redis_restore", data, "<" + file, file + ".log"); }

/// Starts it on what `file` holds.
void start_on(RedisServer& server, const std::string& file) {
  EXPECT_EQ(restore(server.directory(), file), 0) << support::read_file(file + ".log");
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
    ASSERT_TRUE(support::wait_until(kSoon, [&, wanted = acknowledged_ + 200] { return acknowledged_ >= wanted; }));
    server_.call({"BGREWRITEAOF"});  // files come and go meanwhile
    const std::uint64_t before = acknowledged_;
    const std::string file = directory_ / (std::to_string(round) + ".tar.gz");
    ASSERT_EQ(back_up(server_.directory(), file), 0) << support::read_file(file + ".log");
    const std::uint64_t after = acknowledged_ + 1;
    RedisServer copy({.started = false});
    start_on(copy, file);
    const auto length = static_cast<std::uint64_t>(copy.call({"XLEN", "s"}).view().integer());
    EXPECT_GE(length, before);
    EXPECT_LE(length, after);
    const redis::Reply last = copy.call({"XREVRANGE", "s", "+", "-", "COUNT", "1"});
    EXPECT_EQ(last.view()[0][0].text(), std::to_string(length) + "-1") << "a gap";
    ASSERT_TRUE(support::wait_until(kSoon, [&] { return rewrites() > rewrites_before; })) << "no rewrite ran";
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

// What the server holds is replaced by a whole backup only, and never under a Redis that runs.
TEST_F(Backup, ReplacesNothingUnlessAllOfItIsThere) {
  const auto said = [&](const std::string& file) { return support::read_file(file + ".log"); };
  server_.call({"SET", "key", "in the backup"});
  const std::string file = directory_ / "backup.tar.gz";
  ASSERT_EQ(back_up(server_.directory(), file), 0) << said(file);
  server_.call({"SET", "key", "later"});
  EXPECT_EQ(restore(server_.directory(), file), 1);
  EXPECT_THAT(said(file), HasSubstr("stop it first; nothing was replaced"));
  server_.stop();

  const std::string whole = support::read_file(file);
  const std::string half = directory_ / "half", none = directory_ / "none", other = directory_ / "other", lacking = directory_ / "lacking",
                    damaged = directory_ / "damaged";
  support::replace_file(half, whole.substr(0, whole.size() / 2));
  support::replace_file(none, "");
  const std::string make = "cd " + directory_.path() +
                           " && mkdir x && tar -xzf backup.tar.gz -C x && tar -czf other -C x/appendonlydir . && " +
                           "printf ? | dd of=$(ls x/appendonlydir/*.incr.aof) conv=notrunc && tar -czf damaged -C x appendonlydir && " +
                           "rm x/appendonlydir/*.base.rdb && tar -czf lacking -C x appendonlydir";
  Process made({.argv = {"/bin/sh", "-c", make}, .environment = {}, .output = directory_ / "made.log"});
  ASSERT_EQ(made.wait(kSoon), 0) << support::read_file(directory_ / "made.log");
  for (const std::string& wrong : {half, none, other, lacking, damaged}) {
    EXPECT_EQ(restore(server_.directory(), wrong), 1) << wrong;
    EXPECT_THAT(said(wrong), HasSubstr("nothing was replaced")) << wrong;
  }
  server_.start();
  EXPECT_EQ(server_.text({"GET", "key"}), "later");
  server_.stop();

  start_on(server_, file);
  EXPECT_EQ(server_.text({"GET", "key"}), "in the backup");
  server_.stop();
  namespace fs = std::filesystem;
  const fs::path data = server_.directory(), before = data / "before" / "appendonlydir";
  ASSERT_TRUE(fs::exists(before)) << said(file);
  fs::remove_all(data / "appendonlydir");
  fs::rename(before, data / "appendonlydir");
  server_.start();
  EXPECT_EQ(server_.text({"GET", "key"}), "later") << "what was there is kept";
  for (const auto& left : fs::directory_iterator(data)) EXPECT_THAT(left.path().filename().string(), Not(HasSubstr(".restore-")));
}

}  // namespace
}  // namespace hookfleet
