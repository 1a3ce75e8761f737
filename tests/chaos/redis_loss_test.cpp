// What senders see when Redis is lost or broken in one of many ways, and what became of what they were told: never a 200 for what a restart
// of Redis forgets, an answer by the deadline, and 200 again within 2 s of Redis being well. docs/reliability.md holds the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "common/stream/keys.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/sender.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::chaos {
namespace {

using namespace std::chrono_literals;
using support::HttpClient;
using support::kSoon;
using support::Process;
using support::RedisServer;
using support::Sender;
using support::TcpGate;
using support::wait_until;
using Clock = std::chrono::steady_clock;

constexpr auto kDeadline = 2s;
constexpr auto kLate = 2s;       // what a machine that is busy with other tests may add
constexpr auto kWellAgain = 4s;  // the promise is 2 s

/// One ingress, and a gate between it and Redis.
struct Site {
  explicit Site(std::vector<std::string> redis_flags, const std::vector<std::string>& ingress_flags)
      : server(std::make_unique<RedisServer>(RedisServer::Options{
            .arguments = std::move(redis_flags), .password = "right", .unix_socket = false, .started = true, .faulty_disk = true})),
        gate(server->port()) {
    std::vector<std::string> argv{HOOKFLEET_BIN_DIR "/hookfleet-ingress",
                                  "--redis.url",
                                  "redis://:right@127.0.0.1:" + std::to_string(gate.port()),
                                  "--server.listen",
                                  "127.0.0.1:" + std::to_string(port),
                                  "--server.metrics_listen",
                                  "127.0.0.1:" + std::to_string(metrics_port),
                                  "--auth.tokens",
                                  token,
                                  "--append.deadline",
                                  "2s"};
    argv.insert(argv.end(), ingress_flags.begin(), ingress_flags.end());
    ingress = std::make_unique<Process>(Process::Options{.argv = argv, .environment = {}, .output = log});
  }
  ~Site() {
    if (testing::Test::HasFailure()) std::fprintf(stderr, "%s\n%s\n", support::read_file(log).c_str(), server->log().c_str());
  }

  bool ready() const {
    const auto response = HttpClient(metrics_port, 2s).get("/readyz");
    return response && response->status == 200;
  }
  bool says(const std::string& text) const {
    return wait_until(kSoon, [&] { return support::read_file(log).find(text) != std::string::npos; });
  }
  bool info_says(RedisServer& redis, const char* line) const {
    return wait_until(kSoon, [&] { return redis.text({"INFO"}).find(line) != std::string::npos; });
  }

  support::TempDir dir;
  const std::string log = dir / "ingress.log", token = "loss-token";
  const int port = support::free_port(), metrics_port = support::free_port();
  std::unique_ptr<RedisServer> server;   ///< that the gate leads to
  std::unique_ptr<RedisServer> replica;  ///< of some rows
  TcpGate gate;
  std::unique_ptr<Process> ingress;
};

/// A way to lose Redis.
struct Loss {
  const char* label;
  const char* said = "";                        ///< what the ingress logs of it
  std::set<int> seen;                           ///< what senders see besides 200 while it lasts: one of these at least
  std::function<void(Site&)> strike;            ///< under load
  std::function<void(Site&)> mend;              ///< returns when Redis is well
  std::vector<std::string> redis_flags = {};    ///< besides the durable ones
  std::vector<std::string> ingress_flags = {};  ///< besides the deadline
  bool quiet = false;                           ///< strikes while nobody sends: what a replica lacks was promised by nobody
  bool slow_promise = false;                    ///< what was acknowledged may need a second to the disk (everysec)
};

void PrintTo(const Loss& loss, std::ostream* out) { *out << loss.label; }

class RedisLoss : public testing::TestWithParam<Loss> {};

/// The bodies of all entries in all streams.
std::string stored_bodies(RedisServer& server) {
  const stream::Keys keys{stream::Layout{}};
  std::string bodies;
  for (unsigned partition = 0; partition < keys.partitions(); ++partition) {
    const auto reply = server.call({"XRANGE", keys.stream(partition), "-", "+"});
    for (std::size_t at = 0; at < reply.view().size(); ++at) bodies.append(reply.view()[at][1].field("b").text());
  }
  return bodies;
}

TEST_P(RedisLoss, NeverAFalse200TheDeadlineIsKeptAndAllIsWellSoonAfterRedisIs) {
  const Loss& loss = GetParam();
  Site site(loss.redis_flags, loss.ingress_flags);
  ASSERT_TRUE(wait_until(kSoon, [&] { return site.ready(); }));
  Sender sender({.port = site.port, .token = site.token, .instances = 6, .chats = 2, .pause = 5ms, .repeat_percent = 0});
  if (loss.quiet) {
    loss.strike(site);
    sender.start();
  } else {
    sender.start();
    ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > 300; }));
    loss.strike(site);
  }
  ASSERT_TRUE(wait_until(kSoon, [&] {
    const auto seen = sender.tally().by_status;
    return std::any_of(loss.seen.begin(), loss.seen.end(), [&](int status) { return seen.contains(status); });
  }));

  EXPECT_TRUE(site.says(loss.said)) << loss.said;

  loss.mend(site);
  const auto well = Clock::now();
  HttpClient client(site.port);
  int answer = 0;
  ASSERT_TRUE(wait_until(kSoon, [&] {
    const auto response = client.post("/webhook", site.token, Sender::body(7, "7@c.us", "AFTER", 600));
    answer = response ? response->status : 0;
    return answer == 200;
  }));
  const auto again = Clock::now() - well;
  std::printf("%-28s well again after %.2f s; slowest answer %.2f s;", loss.label, std::chrono::duration<double>(again).count(),
              std::chrono::duration<double>(sender.tally().slowest).count());
  for (const auto& [status, count] : sender.tally().by_status) std::printf(" %d: %llu", status, static_cast<unsigned long long>(count));
  std::printf("\n");
  EXPECT_LT(again, kWellAgain);

  sender.stop();
  const auto tally = sender.tally();
  EXPECT_THAT(tally.given_up, testing::IsEmpty());
  EXPECT_LT(tally.slowest, kDeadline + kLate);
  for (const auto& [status, count] : tally.by_status) {
    EXPECT_TRUE(status == 200 || loss.seen.contains(status)) << status << ", " << count << " times";
  }
  // What was answered 200 is on the disk.
  if (loss.slow_promise) {
    site.server->stop();
    site.server->start();
  } else {
    site.server->restart();
  }
  const std::string stored = stored_bodies(*site.server);
  std::vector<std::string> lost;
  for (const auto& [chat, ids] : sender.acknowledged()) {
    for (const auto& id : ids) {
      if (stored.find("\"" + id + "\"") == std::string::npos) lost.push_back(id);
    }
  }
  EXPECT_THAT(lost, testing::IsEmpty()) << lost.size() << " of " << sender.acknowledged_count();
}

const auto kStart = [](Site& site) { site.server->start(); };

const Loss kLosses[] = {
    {.label = "Down", .said = "redis.lost", .seen = {504}, .strike = [](Site& site) { site.server->kill(); }, .mend = kStart},
    {.label = "Frozen",
     .seen = {504},
     .strike = [](Site& site) { site.server->freeze(); },
     .mend = [](Site& site) { site.server->thaw(); }},
    // Each fsync takes as long as the deadline is.
    {.label = "SlowDisk",
     .seen = {504},
     .strike = [](Site& site) { site.server->slow_disk(3s); },
     .mend =
         [](Site& site) {
           site.server->slow_disk(0s);
           site.server->call({"PING"});
         }},
    {.label = "SlowDiskAndKilled",
     .seen = {504},
     .strike = [](Site& site) { site.server->slow_disk(3s); },
     .mend =
         [](Site& site) {
           site.server->kill();
           site.server->slow_disk(0s);
           site.server->start();
         }},
    // Redis ends itself: with `always` it can't keep its word.
    {.label = "FullDisk",
     .said = "redis.lost",
     .seen = {504},
     .strike =
         [](Site& site) {
           site.server->full_disk(true);
           ASSERT_TRUE(wait_until(kSoon, [&] { return !site.server->running(); }));
         },
     .mend =
         [](Site& site) {
           site.server->full_disk(false);
           site.server->start();
         }},
    // Redis lives and answers MISCONF.
    {.label = "FullDiskEverysec",
     .said = "MISCONF",
     .seen = {504},
     .strike = [](Site& site) { site.server->full_disk(true); },
     .mend =
         [](Site& site) {
           site.server->full_disk(false);
           ASSERT_TRUE(site.info_says(*site.server, "aof_last_write_status:ok"));
         },
     .redis_flags = {"--appendfsync", "everysec"},
     .ingress_flags = {"--durability.required", "everysec"},
     .slow_promise = true},
    // MISCONF of a server that makes snapshots and can't.
    {.label = "SnapshotFails",
     .said = "MISCONF",
     .seen = {504},
     .strike =
         [](Site& site) {
           site.server->config_set("save", "3600 1000000");
           std::filesystem::create_directory(site.server->directory() + "/a-folder");
           ASSERT_TRUE(site.info_says(*site.server, "aof_rewrite_in_progress:0"));
           site.server->call({"BGSAVE"});
           ASSERT_TRUE(site.info_says(*site.server, "rdb_last_bgsave_status:err"));
         },
     .mend = [](Site& site) { site.server->config_set("stop-writes-on-bgsave-error", "no"); },
     .redis_flags = {"--dbfilename", "a-folder"}},
    {.label = "OutOfMemory",
     .said = "redis.memory_high",
     .seen = {503, 504},
     .strike = [](Site& site) { site.server->config_set("maxmemory", "500kb"); },
     .mend = [](Site& site) { site.server->config_set("maxmemory", "256mb"); }},
    {.label = "ReadOnly",
     .said = "role: is slave",
     .seen = {504},
     .strike =
         [](Site& site) {
           site.server->call({"REPLICAOF", "127.0.0.1", "1"});
         },
     .mend =
         [](Site& site) {
           site.server->call({"REPLICAOF", "NO", "ONE"});
         }},
    // 2,000 keys at 2 ms each.
    {.label = "Loading",
     .said = "LOADING",
     .seen = {504},
     .strike =
         [](Site& site) {
           for (int key = 0; key < 2000; ++key) site.server->call({"SET", "key" + std::to_string(key), "x"});
           site.server->kill();
           site.server->launch();
         },
     .mend = [](Site& site) { site.server->await(); },
     .redis_flags = {"--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"}},
    {.label = "WrongPassword",
     .said = "refused AUTH",
     .seen = {504},
     .strike =
         [](Site& site) {
           site.server->config_set("requirepass", "another");
           site.gate.cut();
         },
     .mend = [](Site& site) { site.server->config_set("requirepass", "right"); }},
    {.label = "Garbage",
     .said = "redis.lost",
     .seen = {504},
     .strike = [](Site& site) { site.gate.answer("HTTP/1.1 400 Bad Request\r\n\r\n"); },
     .mend = [](Site& site) { site.gate.open(); }},
    {.label = "PacketsVanish",
     .seen = {504},
     .strike = [](Site& site) { site.gate.stall(); },
     .mend = [](Site& site) { site.gate.open(); }},
    {.label = "PacketsVanishForLong",
     .said = "no byte from Redis for",
     .seen = {504},
     .strike =
         [](Site& site) {
           site.gate.stall();
           ASSERT_TRUE(site.says("no byte from Redis for"));
         },
     .mend = [](Site& site) { site.gate.open(); }},
    {.label = "NobodyConfirms",
     .seen = {504},
     .strike = [](Site& site) { site.gate.stall_replies(); },
     .mend = [](Site& site) { site.gate.open(); }},
    {.label = "Refused",
     .said = "redis.lost",
     .seen = {504},
     .strike = [](Site& site) { site.gate.refuse(); },
     .mend = [](Site& site) { site.gate.open(); }},
    {.label = "NoSyncDuringRewrites",
     .said = "no-appendfsync-on-rewrite: is yes",
     .seen = {504},
     .strike = [](Site& site) { site.server->config_set("no-appendfsync-on-rewrite", "yes"); },
     .mend = [](Site& site) { site.server->config_set("no-appendfsync-on-rewrite", "no"); }},
    // Well is a replica that was promoted only when its log holds everything: the first rewrite has ended.
    {.label = "ReplicaWithoutAofPromoted",
     .said = "appendonly: is no",
     .seen = {504},
     .strike =
         [](Site& site) {
           site.replica = std::make_unique<RedisServer>(
               RedisServer::Options{.arguments = {"--appendonly", "no", "--masterauth", "right", "--replicaof", "127.0.0.1",
                                                  std::to_string(site.server->port())},
                                    .password = "right",
                                    .unix_socket = false,
                                    .started = true});
           ASSERT_TRUE(site.info_says(*site.replica, "master_link_status:up"));
           site.server->kill();
           site.replica->call({"REPLICAOF", "NO", "ONE"});
           site.server.swap(site.replica);
           site.gate.redirect(site.server->port());
           site.gate.cut();
         },
     .mend =
         [](Site& site) {
           site.server->config_set("appendonly", "yes");
           site.server->set_arguments({});
           ASSERT_TRUE(site.info_says(*site.server, "aof_rewrite_in_progress:0"));
         },
     .quiet = true},
};

INSTANTIATE_TEST_SUITE_P(Rows, RedisLoss, testing::ValuesIn(kLosses), [](const auto& row) { return std::string(row.param.label); });

}  // namespace
}  // namespace hookfleet::chaos
