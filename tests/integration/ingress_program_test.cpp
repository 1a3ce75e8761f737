// hookfleet-ingress as a process: what it needs, says and answers from start to end.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using support::HttpClient;
using support::kSoon;
using support::Process;
using support::wait_until;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class IngressProgram : public testing::Test {
 protected:
  explicit IngressProgram(bool redis_started = true) : redis_(redis_options(redis_started)) {}

  Process start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{HOOKFLEET_BIN_DIR "/hookfleet-ingress",
                                  "--redis.url",
                                  redis_.url(),
                                  "--server.listen",
                                  listen_,
                                  "--server.metrics_listen",
                                  metrics_listen_};
    argv.insert(argv.end(), more.begin(), more.end());
    return Process({.argv = argv, .environment = {}, .output = log_});
  }
  int get(const std::string& path) const {
    const auto response = HttpClient(metrics_port_, 2s).get(path);
    return response ? response->status : 0;
  }
  int post(const char* token) const {
    const auto response = HttpClient(port_).post("/webhook", token, "{}");
    return response ? response->status : 0;
  }
  bool ready() const { return get("/readyz") == 200; }
  /// The webhook port answers.
  bool serving() const { return HttpClient(port_, 2s).get("/livez").has_value(); }
  std::vector<std::string> events() const {
    std::vector<std::string> found;
    std::ifstream lines(log_);
    for (std::string line; std::getline(lines, line);) {
      const auto record = nlohmann::json::parse(line, nullptr, false);
      if (record.is_object()) found.push_back(record.value("event", ""));
    }
    return found;
  }

  support::TempDir dir_;
  const std::string log_ = dir_ / "log";
  const int port_ = support::free_port(), metrics_port_ = support::free_port();
  std::string listen_ = "127.0.0.1:" + std::to_string(port_), metrics_listen_ = "127.0.0.1:" + std::to_string(metrics_port_);
  support::RedisServer redis_;

 private:
  static support::RedisServer::Options redis_options(bool started) {
    support::RedisServer::Options options;
    options.started = started;
    return options;
  }
};

class IngressProgramWithoutRedis : public IngressProgram {
 protected:
  IngressProgramWithoutRedis() : IngressProgram(false) {}
};

TEST_F(IngressProgram, TellsItsLifeAndEndsOrderly) {
  const std::string pid_file = dir_ / "pid";
  Process program = start({"--auth.tokens", "top-secret", "--pid-file", pid_file});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); })) << support::read_file(log_);
  EXPECT_EQ(std::stoi(support::read_file(pid_file)), program.pid());
  EXPECT_EQ(get("/livez"), 200);
  EXPECT_EQ(post("top-secret"), 200);
  EXPECT_EQ(post("wrong"), 401);
  const std::string metrics = HttpClient(metrics_port_).get("/metrics")->body;
  EXPECT_THAT(metrics, HasSubstr("hookfleet_ingress_deliveries_total{outcome=\"stored\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("hookfleet_append_entries_total{outcome=\"stored\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("hookfleet_build_info"));

  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(kSoon), 0);
  EXPECT_EQ(support::read_file(pid_file), "");
  std::vector<std::string> life;
  for (const auto& event : events()) {
    if (event.starts_with("system.")) life.push_back(event);
  }
  EXPECT_THAT(life, testing::UnorderedElementsAre("system.starting", "system.settings", "system.started", "system.ready", "system.stopping",
                                                  "system.stopped"));
  EXPECT_EQ(life.back(), "system.stopped");
  const std::string log = support::read_file(log_);
  EXPECT_THAT(log, Not(HasSubstr("top-secret")));
  EXPECT_THAT(log, HasSubstr("***"));
}

TEST_F(IngressProgramWithoutRedis, WaitsForRedisAndSaysSo) {
  Process program = start({"--auth.tokens", "t", "--append.deadline", "1s"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return serving(); }));
  EXPECT_EQ(get("/livez"), 200);
  EXPECT_EQ(get("/readyz"), 503);
  EXPECT_EQ(HttpClient(port_).get("/healthz")->status, 503);
  EXPECT_EQ(post("t"), 504);
  EXPECT_TRUE(wait_until(kSoon, [&] { return testing::Value(events(), Contains("redis.unavailable")); }));
  EXPECT_THAT(events(), Not(Contains("system.ready")));
  redis_.start();
  EXPECT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  EXPECT_EQ(post("t"), 200);
  EXPECT_EQ(HttpClient(port_).get("/healthz")->status, 200);
}

TEST_F(IngressProgramWithoutRedis, StopsWhileItWaits) {
  Process program = start({"--auth.tokens", "t"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return get("/livez") == 200; }));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(kSoon), 0);
}

TEST_F(IngressProgramWithoutRedis, RefusesWrongSettingsWithCode2BeforeAnySocketOpens) {
  Process without_token = start();
  EXPECT_EQ(without_token.wait(kSoon), 2);
  EXPECT_THAT(support::read_file(log_), HasSubstr("no token is configured"));
  Process several = start({"--auth.tokens", "t", "--server.listen", "here", "--append.linger", "1h"});
  EXPECT_EQ(several.wait(kSoon), 2);
  EXPECT_THAT(support::read_file(log_), testing::AllOf(HasSubstr("server.listen"), HasSubstr("append.linger")));
}

TEST_F(IngressProgramWithoutRedis, EndsWithCode1WhenAnAddressIsTaken) {
  Process first = start({"--auth.tokens", "t"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return serving(); }));
  for (std::string* free : {&listen_, &metrics_listen_}) {  // the other one is taken
    const std::string taken = std::exchange(*free, "127.0.0.1:0");
    Process second = start({"--auth.tokens", "t"});
    EXPECT_EQ(second.wait(kSoon), 1);
    *free = taken;
  }
  EXPECT_THAT(support::read_file(log_), testing::AllOf(HasSubstr(listen_), HasSubstr(metrics_listen_), HasSubstr("in use")));
}

TEST_F(IngressProgram, EndsWhenRedisBelongsToAFleetWithAnotherLayout) {
  redis_.call({"HSET", "hf:meta", "layout", "1 16 chat"});
  Process program = start({"--auth.tokens", "t"});
  EXPECT_EQ(program.wait(kSoon), 2);
  EXPECT_THAT(support::read_file(log_), HasSubstr("another layout"));
}

TEST_F(IngressProgram, ReadsTokensAgainOnSighup) {
  const std::string tokens = dir_ / "tokens";
  std::ofstream(tokens) << "old\n";
  Process program = start({"--auth.tokens_file", tokens});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  EXPECT_EQ(post("old"), 200);
  program.signal(SIGHUP);
  EXPECT_TRUE(wait_until(kSoon, [&] { return testing::Value(events(), Contains("system.reloaded")); })) << "though nothing has changed";
  support::replace_file(tokens, "new\nold\n");
  program.signal(SIGHUP);
  EXPECT_TRUE(wait_until(kSoon, [&] { return post("new") == 200; }));
  EXPECT_EQ(post("old"), 200);
}

TEST_F(IngressProgram, TakesOverTokensHoweverTheirFileIsChanged) {
  const std::string volume = dir_ / "volume";
  const auto add_version = [&](const std::string& version) {  // as Kubernetes keeps a secret
    std::filesystem::create_directories(volume + "/" + version);
    std::ofstream(volume + "/" + version + "/tokens") << version << "\n";
  };
  const auto point_to = [&](const std::string& version) {
    std::filesystem::create_symlink(version, volume + "/..tmp");
    std::filesystem::rename(volume + "/..tmp", volume + "/..data");
  };
  add_version("first");
  point_to("first");
  std::filesystem::create_symlink("..data/tokens", volume + "/tokens");
  const std::string plain = dir_ / "plain";
  std::ofstream(plain) << "zero\n";
  const std::string settings = dir_ / "settings.yaml";
  const auto instances = [&](const std::string& mode) {
    return "auth: {instances: [{id: 1, tokens_file: " + volume + "/tokens}, {id: 2, tokens_file: " + plain +
           "}], allowlist: {mode: " + mode + ", addresses: [203.0.113.1]}}\n";
  };
  std::ofstream(settings) << instances("off");
  Process program = start({"--config", settings});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  const auto comes_to = [&](const char* token, int status) { return wait_until(kSoon, [&] { return post(token) == status; }); };
  EXPECT_EQ(post("first"), 200);
  EXPECT_EQ(post("zero"), 200);

  add_version("second");
  point_to("second");
  EXPECT_TRUE(comes_to("second", 200)) << "the link was set anew";
  EXPECT_EQ(post("first"), 401);
  EXPECT_EQ(post("zero"), 200);

  support::replace_file(plain, "one\n");
  EXPECT_TRUE(comes_to("one", 200)) << "renamed over";

  std::ofstream(plain) << "two\n";
  EXPECT_TRUE(comes_to("two", 200)) << "written in place";

  support::replace_file(settings, instances("enforce"));
  EXPECT_TRUE(comes_to("two", 403)) << "the settings themselves";
}

TEST_F(IngressProgram, AWrongFileChangesNothingAndIsToldUntilItIsRightAgain) {
  const std::string tokens = dir_ / "tokens";
  std::ofstream(tokens) << "token\n";
  Process program = start({"--auth.tokens_file", tokens});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  const auto sample = [&](const std::string& line) {
    return HttpClient(metrics_port_).get("/metrics")->body.find("\nhookfleet_settings_" + line + "\n") != std::string::npos;
  };
  EXPECT_TRUE(sample("last_reload_successful 1"));

  support::replace_file(tokens, "\n");
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample("last_reload_successful 0"); }));
  EXPECT_TRUE(sample("reloads_total{result=\"failed\"} 1"));
  EXPECT_EQ(post("token"), 200);
  EXPECT_THAT(support::read_file(log_), HasSubstr("is empty; write one secret a line into it"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return redis_.call({"XLEN", "hf:alerts"}).view().integer() == 1; })) << "the operator is told";

  std::filesystem::remove(tokens);
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample("reloads_total{result=\"failed\"} 2"); })) << "wrong in another way";
  EXPECT_EQ(post("token"), 200);

  support::replace_file(tokens, "next\n");
  ASSERT_TRUE(wait_until(kSoon, [&] { return post("next") == 200; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return sample("last_reload_successful 1"); }));
  EXPECT_TRUE(sample("reloads_total{result=\"ok\"} 1"));
}

TEST_F(IngressProgram, ChecksTheHealthOfARunningOne) {
  const std::vector<std::string> check{"--auth.tokens", "t", "--healthcheck"};
  Process none = start(check);
  EXPECT_EQ(none.wait(kSoon), 1);
  Process program = start({"--auth.tokens", "t"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  Process healthy = start(check);
  EXPECT_EQ(healthy.wait(kSoon), 0);
}

TEST_F(IngressProgram, AnswersEveryRequestThatItTookWhenItIsAskedToStop) {
  Process program = start({"--auth.tokens", "t"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  redis_.freeze();
  constexpr std::size_t kInside = 8;
  std::vector<std::future<int>> inside;
  for (std::size_t i = 0; i < kInside; ++i) inside.push_back(std::async(std::launch::async, [this] { return post("t"); }));
  ASSERT_TRUE(wait_until(
      kSoon, [&] { return HttpClient(metrics_port_).get("/metrics")->body.find("hookfleet_ingress_in_flight 8\n") != std::string::npos; }));
  program.signal(SIGTERM);
  ASSERT_TRUE(wait_until(kSoon, [&] { return testing::Value(events(), Contains("system.stopping")); }));
  redis_.thaw();
  for (auto& answer : inside) EXPECT_EQ(answer.get(), 200);
  EXPECT_EQ(program.wait(kSoon), 0);
}

TEST_F(IngressProgram, EndsByItselfWhenItsEventThreadSpinsAndLosesNothing) {
  std::vector<std::string> stored;
  {
    Process program = start({"--auth.tokens", "t", "--server.hang_timeout", "10s"});
    ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
    for (int i = 0; i < 20; ++i) {
      const auto response = HttpClient(port_).post("/webhook", "t", "{}");
      ASSERT_TRUE(response && response->status == 200);
      stored.push_back(nlohmann::json::parse(response->body).at("id"));
    }
    ASSERT_TRUE(support::spin_event_thread(port_));
    ASSERT_FALSE(serving());
    EXPECT_EQ(program.wait(120s), 70);
  }
  const std::string log = support::read_file(log_);
  EXPECT_THAT(log, testing::AllOf(HasSubstr("a loop stands still"), HasSubstr("\"loops\":\"http\"")));
  const auto told = redis_.call({"XRANGE", "hf:alerts", "-", "+"});
  ASSERT_EQ(told.view().size(), 1U) << "the operator is told";
  std::set<std::string> kept;
  const stream::Keys keys{stream::Layout{}};
  for (unsigned p = 0; p < keys.partitions(); ++p) {
    const auto entries = redis_.call({"XRANGE", keys.stream(p), "-", "+"});
    for (std::size_t i = 0; i < entries.view().size(); ++i) {
      if (const auto entry = stream::decode(entries.view()[i][1])) kept.insert(entry->id);
    }
  }
  EXPECT_EQ(kept, std::set<std::string>(stored.begin(), stored.end()));
  Process again = start({"--auth.tokens", "t"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  EXPECT_EQ(post("t"), 200);
}

TEST_F(IngressProgram, EndsWhenItIsAskedToStopWhileItsEventThreadSpins) {
  Process program = start({"--auth.tokens", "t", "--append.deadline", "1s"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return ready(); }));
  ASSERT_TRUE(support::spin_event_thread(port_));
  ASSERT_FALSE(serving());
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(60s), 70);
}

}  // namespace
}  // namespace hookfleet
