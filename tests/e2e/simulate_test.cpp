// `hookfleet simulate --verify` against a whole fleet of real processes: it believes a fleet that keeps its word, and no other.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/simulate/token.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/pollers.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using support::Fleet;
using support::kSoon;
using support::wait_until;

class SimulateTest : public testing::Test {
 protected:
  /// A fleet whose only route has this action.
  void start(const std::string& action, unsigned workers, bool webhook = true) {
    const std::string file = directory_ / "hookfleet.yaml";
    std::ofstream(file) << "routes:\n  - actions: [" << action << "]\n";
    Fleet::Options options;
    options.workers = workers;
    options.nginx = webhook;
    if (!webhook) options.ingresses = 0;
    options.redis_flags = redis_flags_;
    options.worker_flags = {"--config",           file, "--worker.heartbeat",   "200ms", "--worker.member_ttl",     "1500ms",
                            "--worker.lease_ttl", "2s", "--worker.lease_renew", "300ms", "--worker.lease_validity", "1500ms"};
    fleet_.emplace(options);
  }
  std::string forward() const { return "{forward: {url: \"http://127.0.0.1:" + std::to_string(port_) + "/\"}}"; }

  /// Pushes to the fleet.
  void push(std::vector<std::string> more) {
    more.insert(more.end(), {"--to", "http://127.0.0.1:" + std::to_string(fleet_->port()) + "/webhook", "--pause", "200ms"});
    simulate(more);
  }
  void simulate(const std::vector<std::string>& more) {
    std::vector<std::string> argv{HOOKFLEET_BIN_DIR "/hookfleet", "simulate", "--verify", "--settle", "120s", "--seed", "1", "-o", "json"};
    argv.insert(argv.end(), more.begin(), more.end());
    simulator_.emplace(support::Process::Options{
        argv, {{"HOOKFLEET_REDIS__URL", fleet_->redis().url()}, {"HOOKFLEET_TOKEN", fleet_->token()}}, directory_ / "simulate.out"});
  }
  /// Its exit code; 0 and 1 come with the report.
  int ended(std::chrono::milliseconds within) { return simulator_->wait(within).value_or(-1); }
  std::string output() const { return support::read_file(directory_ / "simulate.out"); }
  json report() const {
    const std::string text = output();
    return json::parse(text.substr(std::min(text.find("\n{") + 1, text.size())), nullptr, false);
  }
  /// Notifications that are handled, by their marks.
  bool handled(std::size_t count) {
    return wait_until(60s, [&] { return fleet_->redis().call({"DBSIZE"}).view().integer() >= static_cast<std::int64_t>(count); });
  }

  std::vector<std::string> redis_flags_;  // for start()
  support::TempDir directory_;
  const int port_ = support::free_port();
  std::optional<Fleet> fleet_;
  std::optional<support::Process> simulator_;
};

TEST_F(SimulateTest, ProvesThatNothingIsLostWhileAnIngressAndAWorkerAreKilled) {
  start(forward(), 2);
  push({"--receive",   std::to_string(port_),
        "--rate",      "400/s",
        "--count",     "4000",
        "--instances", "20",
        "--repeats",   "5%",
        "--changed",   "3%",
        "--unknown",   "3%",
        "--invalid",   "2%",
        "--malformed", "2%",
        "--big",       "1%",
        "--non-ascii", "10%"});
  ASSERT_TRUE(handled(300)) << output();
  fleet_->ingress(0).kill();
  ASSERT_TRUE(handled(800)) << output();
  fleet_->restart_ingress(0);
  fleet_->worker(0).kill();
  ASSERT_TRUE(handled(1600)) << output();
  fleet_->restart_worker(0);
  fleet_->ingress(1).kill();
  fleet_->worker(1).kill();
  ASSERT_TRUE(handled(2400)) << output();
  fleet_->restart_ingress(1);
  fleet_->restart_worker(1);

  ASSERT_EQ(ended(180s), 0) << output();
  const json said = report();
  const json& proof = said["proof"];
  EXPECT_EQ(said["acknowledged"], 4000) << said.dump(2);
  EXPECT_EQ(proof["lost"], 0);
  EXPECT_EQ(proof["out_of_order"], 0);
  EXPECT_EQ(proof["foreign"], 0);
  const int broken = said["kinds"]["schema-broken"].get<int>() + said["kinds"]["malformed"].get<int>();
  EXPECT_GT(broken, 50);
  EXPECT_EQ(proof["dead_letters"], broken);
  const int again = said["kinds"]["repeat"].get<int>() + said["kinds"]["changed"].get<int>();
  EXPECT_EQ(proof["received"], 4000 - broken - again);
}

TEST_F(SimulateTest, FindsAnEntryThatSomebodyTookOutOfItsStream) {
  start(forward(), 0);
  push({"--receive", std::to_string(port_), "--rate", "200/s", "--count", "30"});
  ASSERT_TRUE(wait_until(60s, [&] { return fleet_->backlog() == 30; })) << output();
  std::string taken;
  for (unsigned p = 0; p < fleet_->keys().partitions() && taken.empty(); ++p) {
    const auto first = fleet_->redis().call({"XRANGE", fleet_->keys().stream(p), "-", "+", "COUNT", "1"});
    if (first.view().size() == 0) continue;
    taken = simulate::Token::find(first.view()[0][1].field("b").text())->text();
    fleet_->redis().call({"XDEL", fleet_->keys().stream(p), first.view()[0][0].text()});
  }
  fleet_->add_worker();

  ASSERT_EQ(ended(120s), 1) << output();
  const json proof = report()["proof"];
  EXPECT_EQ(proof["lost"], 1);
  EXPECT_EQ(proof["lost_first"][0]["simulated"], taken);
  EXPECT_EQ(proof["out_of_order"], 0);
  EXPECT_EQ(proof["received"], 29);
}

TEST_F(SimulateTest, ReadsWhatTheActionStreamCopies) {
  start("{stream: {key: simulated, maxlen: 100000}}", 1);
  push({"--stream", "simulated", "--rate", "400/s", "--count", "200", "--repeats", "10%"});
  ASSERT_EQ(ended(120s), 0) << output();
  const json said = report();
  EXPECT_EQ(said["proof"]["lost"], 0);
  EXPECT_EQ(said["proof"]["received"], 200 - said["kinds"]["repeat"].get<int>());
  EXPECT_EQ(said["proof"]["received_again"], 0) << "a copy is made once";
}

TEST_F(SimulateTest, GoesOnWhenRedisHasReadItsDataAfterARestart) {
  redis_flags_ = {"--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"};
  start("{stream: {key: simulated, maxlen: 100000}}", 1);
  for (int key = 0; key < 2000; ++key) fleet_->redis().call({"SET", "key" + std::to_string(key), "x"});
  push({"--stream", "simulated", "--rate", "200/s", "--count", "600"});
  ASSERT_TRUE(handled(2000 + 100)) << output();
  fleet_->redis().kill();
  fleet_->redis().launch();
  ASSERT_TRUE(wait_until(kSoon, [&] {
    auto connection = redis::Connection::open(fleet_->redis().endpoint(), {1s, 5s});
    if (!connection) return false;
    const auto reply = connection->call({"DBSIZE"});
    return reply && reply->view().error() == redis::ReplyError::kLoading;
  }));
  fleet_->redis().await();
  ASSERT_EQ(ended(120s), 0) << output();
  EXPECT_EQ(report()["proof"]["received"], 600);
  EXPECT_EQ(report()["proof"]["lost"], 0);
}

TEST_F(SimulateTest, ServesQueuesThatAPollerEmptiesThroughFaultsAndAKill) {
  start(forward(), 1, false);
  const std::string port = std::to_string(support::free_port()), file = directory_ / "poller.yaml";
  simulate({"--serve", port, "--receive", std::to_string(port_), "--instances", "3", "--rate", "200/s", "--count", "600", "--repeats", "5%",
            "--invalid", "2%", "--faults", "500=1%,502=1%,429=1%,cut_before=1%,cut_after=2%,late=1%"});
  std::string settings = "redis: {url: \"" + fleet_->redis().url() + "\"}\npoller:\n" + support::Pollers::kQuick + "  instances:\n";
  for (int i = 1; i <= 3; ++i) {
    settings += "    - {id: 110100000" + std::to_string(i) + ", api_url: \"http://127.0.0.1:" + port + "\", token: simulated}\n";
  }
  support::replace_file(file, settings);
  const auto poller = [&] {
    return support::Process({{HOOKFLEET_BIN_DIR "/hookfleet-poller", "--config", file, "--server.metrics_listen",
                              "127.0.0.1:" + std::to_string(support::free_port())},
                             {},
                             directory_ / "poller.log"});
  };
  support::Process first = poller();
  ASSERT_TRUE(handled(150)) << output();
  first.kill();
  const support::Process second = poller();

  ASSERT_EQ(ended(180s), 0) << output();
  const json said = report();
  EXPECT_EQ(said["queues"]["waiting"], 0);
  EXPECT_EQ(said["proof"]["lost"], 0);
  EXPECT_EQ(said["proof"]["out_of_order"], 0);
  EXPECT_EQ(said["proof"]["received"], 600 - said["kinds"]["repeat"].get<int>() - said["kinds"]["schema-broken"].get<int>());
}

}  // namespace
}  // namespace hookfleet
