// Alerts through real processes: who tells, who delivers, and what a kill costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/simulate/http_server.hpp"
#include "common/alert/notice.hpp"
#include "common/alert/sink_state.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using simulate::HttpServer;
using support::kSoon;
using support::Process;
using support::wait_until;
using testing::HasSubstr;

class AlertPrograms : public testing::Test {
 protected:
  void settings(const std::vector<std::string>& sinks, const std::string& more = "window: 10min") {
    std::ofstream file(config_);
    file << "redis: {url: \"" << redis_.url() << "\"}\n"
         << "auth: {tokens: [general], instances: [{id: 1101000002, tokens: [own]}], allowlist: {mode: monitor, addresses: [127.0.0.1]}}\n"
         << "alerts:\n  rate: 6000\n  " << more << "\n  sinks:\n";
    for (const std::string& sink : sinks) file << "    - " << sink << "\n";
  }
  static std::string http(const HttpServer& server) { return "{http: {url: \"" + server.url("/alert") + "\"}}"; }
  Process start(const std::string& program, const std::string& name, const std::string& flag = {}, const std::string& value = {}) {
    std::vector<std::string> argv{std::string(HOOKFLEET_BIN_DIR "/hookfleet-") + program, "--config", config_, "--server.metrics_listen",
                                  "127.0.0.1:" + std::to_string(support::free_port())};
    if (!flag.empty()) argv.insert(argv.end(), {flag, value});
    return Process({.argv = argv, .environment = {}, .output = dir_ / name});
  }
  std::string log(const std::string& name) const { return support::read_file(dir_ / name); }
  int cli(std::vector<std::string> arguments, const std::string& output) {
    std::vector<std::string> argv{HOOKFLEET_BIN_DIR "/hookfleet"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    argv.insert(argv.end(), {"--redis", redis_.url()});
    return Process({.argv = argv, .environment = {}, .output = dir_ / output}).wait(60s).value_or(-1);
  }
  void add_notice(std::uint64_t number) {
    const alert::Alert alert{.kind = alert::Kind::kTest, .id_instance = number, .text = "number"};
    const auto notice = alert::make_notice(alert, alert::Attach::kNone, std::chrono::system_clock::now(), "test");
    redis::Command command;
    command.borrow("XADD").borrow("hf:alerts").borrow("*");
    alert::encode(command, notice);
    ASSERT_FALSE(redis_.call(command.argv()).view().is_error());
  }
  std::string owner() { return redis_.text({"HGET", "hf:alerts:lease", "owner"}); }

  support::TempDir dir_;
  const std::string config_ = dir_ / "hookfleet.yaml";
  support::RedisServer redis_;
};

std::vector<Json> told(const HttpServer& server) {
  std::vector<Json> all;
  for (const auto& request : server.requests()) all.push_back(Json::parse(request.body));
  return all;
}

bool any_of_kind(const HttpServer& server, const std::string& kind) {
  const auto all = told(server);
  return std::any_of(all.begin(), all.end(), [&](const Json& one) { return one["kind"] == kind; });
}

TEST_F(AlertPrograms, ADeadLetterIsToldWithTheNotification) {
  const HttpServer sink;
  settings({http(sink)});
  const int port = support::free_port();
  const Process ingress = start("ingress", "ingress", "--server.listen", "127.0.0.1:" + std::to_string(port));
  const Process worker = start("worker", "worker");
  ASSERT_TRUE(wait_until(kSoon, [&] {
    const auto answer = support::HttpClient(port, 2s).post("/webhook/1101000001", "general", "{not json");
    return answer && answer->status == 200;
  })) << log("ingress");
  ASSERT_TRUE(wait_until(kSoon, [&] { return any_of_kind(sink, "dead_letter"); })) << log("worker");
  const Json one = told(sink)[0];
  EXPECT_EQ(one["notification"], "{not json");
  EXPECT_EQ(one["idInstance"], 1101000001);
  EXPECT_THAT(one["text"].get<std::string>(), HasSubstr("class malformed"));
  EXPECT_THAT(one["process"].get<std::string>(), HasSubstr("hookfleet-worker"));
  EXPECT_THAT(log("worker"), HasSubstr(R"("event":"alert")"));
}

TEST_F(AlertPrograms, AnIngressTellsOfWhatItRefuses) {
  const HttpServer sink;
  settings({http(sink)});
  const int port = support::free_port();
  const Process ingress = start("ingress", "ingress", "--server.listen", "127.0.0.1:" + std::to_string(port));
  const Process worker = start("worker", "worker");
  const auto post = [&](const std::string& path, const std::string& token) {
    const auto answer = support::HttpClient(port, 2s).post(path, token, "{}");
    return answer ? answer->status : 0;
  };
  ASSERT_TRUE(wait_until(kSoon, [&] { return post("/webhook", "wrong") == 401; })) << log("ingress");
  EXPECT_EQ(post("/webhook/1101000002", "general"), 403) << "it has a token of its own";
  ASSERT_TRUE(wait_until(kSoon, [&] { return any_of_kind(sink, "token_refused") && any_of_kind(sink, "delivery_refused"); }))
      << log("ingress");
  for (const Json& one : told(sink)) {
    if (one["kind"] != "delivery_refused") continue;
    EXPECT_EQ(one["idInstance"], 1101000002);
    EXPECT_THAT(one["text"].get<std::string>(), HasSubstr("403"));
  }
  EXPECT_FALSE(any_of_kind(sink, "unlisted_address"));
}

TEST_F(AlertPrograms, KilledWorkersLoseNoAlertAndRepeatOneEachAtMost) {
  constexpr std::uint64_t kAlerts = 100;
  const HttpServer sink([](const HttpServer::Request&) {
    HttpServer::Reply slow;
    slow.delay = 20ms;
    return slow;
  });
  settings({http(sink)});
  std::map<pid_t, Process> workers;
  const auto add_worker = [&] {
    Process worker = start("worker", "worker-" + std::to_string(workers.size()));
    workers.emplace(worker.pid(), std::move(worker));
  };
  add_worker();
  add_worker();
  ASSERT_TRUE(wait_until(kSoon, [&] { return !owner().empty(); }));
  for (std::uint64_t number = 1; number <= kAlerts; ++number) add_notice(number);

  for (std::size_t kill = 1; kill <= 2; ++kill) {
    ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() >= kill * 10; }));
    const std::string holder = owner();  // host:pid:random
    const std::size_t first = holder.find(':');
    const auto victim = workers.find(std::stoi(holder.substr(first + 1)));
    ASSERT_NE(victim, workers.end()) << holder;
    victim->second.kill();
    add_worker();
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return redis_.text({"XLEN", "hf:alerts"}) == "0"; }));
  std::vector<std::uint64_t> numbers;
  for (const Json& one : told(sink)) numbers.push_back(one["idInstance"].get<std::uint64_t>());
  EXPECT_LE(numbers.size(), kAlerts + 2);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  ASSERT_EQ(numbers.size(), kAlerts) << "a repeat follows what it repeats";
  for (std::uint64_t i = 0; i < kAlerts; ++i) EXPECT_EQ(numbers[i], i + 1);
}

TEST_F(AlertPrograms, EachProcessTellsItselfThatRedisIsAway) {
  const HttpServer sink;
  settings({http(sink)});
  const Process ingress = start("ingress", "ingress", "--server.listen", "127.0.0.1:" + std::to_string(support::free_port()));
  const Process worker = start("worker", "worker");
  ASSERT_TRUE(wait_until(kSoon, [&] { return !owner().empty() && log("ingress").find("system.ready") != std::string::npos; }));
  redis_.kill();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 2; })) << log("worker") << log("ingress");
  std::set<std::string> programs;
  for (const Json& one : told(sink)) {
    EXPECT_EQ(one["kind"], "redis_down");
    EXPECT_EQ(one["severity"], "critical");
    programs.insert(one["process"].get<std::string>().substr(0, 16));
  }
  EXPECT_EQ(programs, (std::set<std::string>{"hookfleet-worker", "hookfleet-ingres"}));
  // And goes on to tell the rest once it is back.
  redis_.start();
  add_notice(5);
  ASSERT_TRUE(wait_until(kSoon, [&] { return any_of_kind(sink, "test"); })) << log("worker");
  EXPECT_EQ(sink.count(), 3U);
}

TEST_F(AlertPrograms, TheCommandLineTestsEverySinkAndListsWhatWaits) {
  const HttpServer good;
  HttpServer bad([](const HttpServer::Request&) { return HttpServer::Reply::of(503); });
  settings({http(good), "{slack: {url: \"" + bad.url("/services/s3cret") + "\"}}"});
  EXPECT_EQ(cli({"alerts", "test"}, "none"), 1);
  EXPECT_THAT(log("none"), HasSubstr("nobody delivers"));
  const Process worker = start("worker", "worker");
  ASSERT_TRUE(wait_until(kSoon, [&] { return log("worker").find("alert.delivering") != std::string::npos; }));
  EXPECT_EQ(cli({"alerts", "test", "--timeout", "3s"}, "failing"), 1);
  EXPECT_THAT(log("failing"), testing::AllOf(HasSubstr("http             told"), HasSubstr("not yet"), HasSubstr("status 503")));
  EXPECT_EQ(cli({"alerts", "list", "-o", "json"}, "list"), 0);
  const Json list = Json::parse(log("list"));
  EXPECT_EQ(list["queued"], 1);
  EXPECT_EQ(list["sinks"][0]["waiting"], 0);
  EXPECT_EQ(list["sinks"][1]["name"], "slack");
  EXPECT_EQ(list["sinks"][1]["waiting"], 1);
  EXPECT_EQ(list["alerts"][0]["kind"], "test");
  bad.answer([](const HttpServer::Request&) { return HttpServer::Reply{}; });
  const alert::SinkState gone{.cursor = {1, 0}, .tries = 0, .name = "http-2", .problem = {}};
  redis_.call({"HSET", "hf:alerts:lease", alert::sink_field("00"), gone.text(), alert::gone_field("00"), "1"});
  EXPECT_EQ(cli({"alerts", "test"}, "well"), 0) << log("well") << "one that has gone from the settings isn't waited for";
  EXPECT_EQ(good.count(), 2U);
  EXPECT_EQ(log("list").find("s3cret"), std::string::npos);
  EXPECT_EQ(log("worker").find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace hookfleet
