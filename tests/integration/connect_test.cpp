#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include <nlohmann/json.hpp>

#include "cli/simulate/fake_api.hpp"
#include "common/base/uuid.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "tests/support/called.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using simulate::FakeApi;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kInstance = 1'101'000'001;
const std::string kApiToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";
const std::string kUrl = "https://fleet.example.com/webhook";

/// A fake GREEN-API with one new instance, and the Redis of a fleet whose token is "s3cret-token".
class Connect : public testing::Test {
 protected:
  Connect() : api_(options(), [this](std::uint64_t, const std::string& url, const std::string&) { on_webhook(url); }) {
    server_.call({"HSET", keys_.meta(), "layout", "1 32 chat"});
    api_.add_instance({kInstance, kApiToken});
    std::ofstream(directory_ / "api-token") << kApiToken << '\n';
  }
  static FakeApi::Options options() {
    FakeApi::Options options;
    options.count_refresh = 0ms;
    return options;
  }

  Called call(std::vector<std::string> arguments) {
    return called(arguments,
                  {{"HOOKFLEET_REDIS__URL", server_.url()}, {"HOOKFLEET_AUTH__TOKENS", "s3cret-token,next-token"}, {"USER", "tester"}});
  }
  Called connect(const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"connect",   "--id",    std::to_string(kInstance), "--api-token-file", directory_ / "api-token",
                                       "--api-url", api_.url()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return call(arguments);
  }
  json settings() const { return json::parse(api_.settings(kInstance)); }
  std::string audited() {
    std::string text;
    const redis::Reply records = server_.call({"XRANGE", keys_.audit(), "-", "+"});
    for (std::size_t i = 0; i < records.view().size(); ++i) {
      for (std::size_t k = 0; k < records.view()[i][1].size(); ++k) text += std::string(records.view()[i][1][k].text()) + ' ';
    }
    return text;
  }

  /// A notification of the instance as an ingress or a poller would store it.
  static void store(redis::Connection connection, const stream::Keys& keys, std::uint64_t id_instance, stream::Source source) {
    const auto now = std::chrono::system_clock::now();
    const stream::Entry entry{base::make_uuid_v7(now), id_instance, "", "stateInstanceChanged", base::unix_ms(now), source, "", "{}"};
    const stream::XaddCommand command(keys.stream(stream::partition_of(id_instance, std::to_string(id_instance), keys.partitions())),
                                      entry);
    ASSERT_TRUE(connection.call(command.argv()));
  }
  virtual void on_webhook(const std::string& url) {
    if (!push_ || url.empty()) return;
    store(server_.connect(), keys_, kInstance + 1, stream::Source::kWebhook);  // somebody else's
    store(server_.connect(), keys_, kInstance, stream::Source::kWebhook);
  }

  const stream::Keys keys_{stream::Layout{}};
  support::RedisServer server_;
  support::TempDir directory_;
  bool push_ = false;  // what is set is pushed to at once
  FakeApi api_;        // last: its thread uses the above
};

TEST_F(Connect, SetsWhatDiffersAndSeesTheFirstNotificationArrive) {
  push_ = true;
  const Called done = connect({"--url", kUrl, "--yes"});
  EXPECT_EQ(done.code, kOk) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("authorized"), HasSubstr("webhookUrlToken"), HasSubstr("incomingWebhook"),
                              HasSubstr("set; the instance"), HasSubstr("arrived: stateInstanceChanged")));
  EXPECT_EQ(settings()["webhookUrl"], kUrl);
  EXPECT_EQ(settings()["webhookUrlToken"], "s3cret-token");
  for (const char* name : {"incomingWebhook", "outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "stateWebhook"}) {
    EXPECT_EQ(settings()[name], "yes") << name;
  }
  EXPECT_EQ(settings()["delaySendMessagesMilliseconds"], 500) << "what is none of ours stays";
  EXPECT_THAT(audited(), AllOf(HasSubstr("verb connect"), HasSubstr(std::to_string(kInstance)), HasSubstr("webhookUrl")));
  for (const std::string& text : {done.out, done.err, audited()}) {
    EXPECT_THAT(text, AllOf(Not(HasSubstr(kApiToken)), Not(HasSubstr("s3cret-token"))));
  }
}

TEST_F(Connect, DryRunChangesNothing) {
  const json before = settings();
  const Called done = connect({"--url", kUrl, "--dry-run"});
  EXPECT_EQ(done.code, kOk) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("webhookUrl"), HasSubstr(kUrl), HasSubstr("the fleet's"), Not(HasSubstr("s3cret-token"))));
  EXPECT_EQ(settings(), before);
  EXPECT_EQ(audited(), "");
}

TEST_F(Connect, AsksBeforeItChanges) {
  const json before = settings();
  const Called done = connect({"--url", kUrl});
  EXPECT_EQ(done.code, kUsage);
  EXPECT_THAT(done.err, HasSubstr("--yes"));
  EXPECT_EQ(settings(), before);
}

TEST_F(Connect, WhatIsRightIsLeftAlone) {
  api_.set_settings(kInstance, R"({"stateWebhook":"yes","webhookUrl":")" + kUrl + R"(","webhookUrlToken":"Bearer next-token"})");
  const Called done = connect({"--url", kUrl, "--switches", "stateWebhook", "--no-wait"});
  EXPECT_EQ(done.code, kOk) << done.err;
  EXPECT_THAT(done.out, HasSubstr("as the fleet needs them"));
  EXPECT_EQ(settings()["webhookUrlToken"], "Bearer next-token");
  EXPECT_EQ(settings()["incomingWebhook"], "no");
}

TEST_F(Connect, ATokenFileNamesTheOneToken) {
  std::ofstream(directory_ / "token") << "next-token\n";
  api_.set_settings(kInstance, R"({"webhookUrlToken":"s3cret-token"})");
  const Called done = connect({"--url", kUrl, "--token-file", directory_ / "token", "--no-wait", "--yes"});
  EXPECT_EQ(done.code, kOk) << done.err;
  EXPECT_EQ(settings()["webhookUrlToken"], "next-token");
}

TEST_F(Connect, SaysWhatToLookAtWhenNothingArrives) {
  api_.enqueue(kInstance, "{}");
  api_.set_state(kInstance, "notAuthorized");
  const Called done = connect({"--url", kUrl, "--yes", "--settle", "300ms"});
  EXPECT_EQ(done.code, kFailed);
  EXPECT_THAT(done.err, AllOf(HasSubstr("no notification has arrived"), HasSubstr("notAuthorized"), HasSubstr("1 notifications wait"),
                              HasSubstr("certificate")));
  EXPECT_EQ(settings()["webhookUrl"], kUrl) << "it stays set";
}

TEST_F(Connect, AQuickWorkerLeavesNothingButItsFacts) {
  auto done = std::async(std::launch::async, [this] { return connect({"--url", kUrl, "--yes", "--settle", "30s"}); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return settings()["webhookUrl"] == kUrl; }));
  server_.call({"HSET", keys_.inst(3), std::to_string(kInstance) + " state", "1764113835 authorized"});
  const Called connected = done.get();
  EXPECT_EQ(connected.code, kOk) << connected.err;
  EXPECT_THAT(connected.out, HasSubstr("its state is authorized"));
}

TEST_F(Connect, PollingClearsTheUrlAndWaitsForThePoller) {
  api_.set_settings(kInstance, R"({"webhookUrl":"https://elsewhere.example.com/"})");
  auto done = std::async(std::launch::async, [this] { return connect({"--poll", "--yes", "--settle", "30s"}); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return settings()["webhookUrl"] == ""; }));
  store(server_.connect(), keys_, kInstance, stream::Source::kWebhook);  // a late one of the other door
  store(server_.connect(), keys_, kInstance, stream::Source::kPoll);
  const Called connected = done.get();
  EXPECT_EQ(connected.code, kOk) << connected.err;
  EXPECT_EQ(settings()["webhookUrlToken"], "") << "who polls needs none";
  EXPECT_EQ(settings()["incomingWebhook"], "yes");
}

TEST_F(Connect, NothingIsChangedWhenRedisIsAway) {
  const json before = settings();
  server_.kill();
  const Called done = connect({"--url", kUrl, "--yes"});
  EXPECT_EQ(done.code, kFailed);
  EXPECT_EQ(settings(), before);
}

TEST_F(Connect, TellsWhyTheServiceRefuses) {
  std::ofstream(directory_ / "api-token") << "wrongwrongwrong0123456789";
  const Called done = connect({"--url", kUrl, "--yes"});
  EXPECT_EQ(done.code, kFailed);
  EXPECT_THAT(done.err, AllOf(HasSubstr("HTTP 401"), HasSubstr("API token"), Not(HasSubstr("wrongwrong"))));

  api_.refuse(kInstance, 400, "Instance is deleted");
  std::ofstream(directory_ / "api-token") << kApiToken;
  EXPECT_THAT(connect({"--url", kUrl, "--yes"}).err, HasSubstr("Instance is deleted"));
}

TEST_F(Connect, TriesAgainWhatMayPass) {
  FakeApi::Faults faults;
  faults.error_502 = 1;
  api_.set_faults(faults);
  auto done = std::async(std::launch::async, [this] { return connect({"--url", kUrl, "--yes", "--no-wait"}); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return api_.record(kInstance).faults > 0; }));
  api_.set_faults({});
  const Called connected = done.get();
  EXPECT_EQ(connected.code, kOk) << connected.err;
  EXPECT_EQ(settings()["webhookUrl"], kUrl);
}

TEST_F(Connect, WrongUsageIsToldBeforeAnythingIsAsked) {
  std::ofstream(directory_ / "broken") << "a b\n";
  const std::string id = std::to_string(kInstance);
  const std::string file = directory_ / "api-token";
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"connect"},
           {"connect", "--id", "x", "--api-token-file", file, "--poll"},
           {"connect", "--id", "0", "--api-token-file", file, "--poll"},
           {"connect", "--id", id, "--poll"},
           {"connect", "--id", id, "--api-token-file", directory_ / "none", "--poll"},
           {"connect", "--id", id, "--api-token-file", directory_ / "broken", "--poll"},
           {"connect", "--id", id, "--api-token-file", file},
           {"connect", "--id", id, "--api-token-file", file, "--poll", "--url", kUrl},
           {"connect", "--id", id, "--api-token-file", file, "--poll", "--token-file", file},
           {"connect", "--id", id, "--api-token-file", file, "--url", "fleet.example.com"},
           {"connect", "--id", id, "--api-token-file", file, "--poll", "--api-url", "ftp://x"},
           {"connect", "--id", id, "--api-token-file", file, "--poll", "--switches", "incomingWebhok"},
           {"connect", "--id", id, "--api-token-file", file, "--poll", "--settle", "soon"},
           {"doctor", "--api-token-file", file},
           {"doctor", "--instance", id},
           {"doctor", "--instance", id, "--api-token-file", file, "--url", kUrl, "--poll"},
       }) {
    EXPECT_EQ(call(arguments).code, kUsage) << testing::PrintToString(arguments);
  }
  EXPECT_EQ(called({"connect", "--id", id, "--api-token-file", file, "--url", kUrl}, {}).code, kUsage) << "no token anywhere";
}

TEST_F(Connect, DoctorHoldsAnInstanceAgainstTheFleet) {
  const auto doctor = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{
        "doctor",    "-o",      "json", "--instance", std::to_string(kInstance), "--api-token-file", directory_ / "api-token",
        "--api-url", api_.url()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Called done = call(arguments);
    EXPECT_THAT(done.out + done.err, AllOf(Not(HasSubstr(kApiToken)), Not(HasSubstr("s3cret-token"))));
    std::map<std::string, std::string> health;
    const json told = json::parse(done.out);
    for (const json& one : told["findings"])
      health[one["check"]] = one["health"].get<std::string>() + ": " + one["what"].get<std::string>();
    return health;
  };
  auto health = doctor({"--url", kUrl});
  EXPECT_EQ(health["instance.state"], "ok: authorized");
  EXPECT_EQ(health["instance.webhookUrl"], "fail: (none) instead of " + kUrl);
  EXPECT_EQ(health["instance.webhookUrlToken"], "fail: (none) instead of the fleet's");
  EXPECT_THAT(health["instance.switches"], HasSubstr("incomingWebhook"));
  EXPECT_EQ(health["instance.queue"], "ok: 0 notifications wait at the service");

  ASSERT_EQ(connect({"--url", kUrl, "--yes", "--no-wait"}).code, kOk);
  api_.set_state(kInstance, "blocked");
  for (int i = 0; i < 100; ++i) api_.enqueue(kInstance, "{}");
  health = doctor({});
  EXPECT_EQ(health["instance.state"], "fail: blocked");
  EXPECT_EQ(health["instance.settings"], "ok: as the fleet needs them");
  EXPECT_EQ(health["instance.webhookUrl"], "ok: " + kUrl);
  EXPECT_EQ(health["instance.queue"], "warn: 100 notifications wait at the service");
  EXPECT_EQ(doctor({"--poll"})["instance.webhookUrl"], "fail: " + kUrl + " instead of (none)");

  api_.refuse(kInstance, 403, "Forbidden");
  EXPECT_THAT(doctor({})["instance.settings"], HasSubstr("fail: HTTP 403"));
}

TEST_F(Connect, WhatThePollersSettingsSayNeedsNoOptions) {
  const std::string file = directory_ / "hookfleet.yaml";
  const auto settings_file = [&](const std::string& more) {
    std::ofstream(file) << "auth: {tokens: [s3cret-token]}\npoller:\n  instances:\n    - {id: " << kInstance << ", api_url: \""
                        << api_.url() << "\", token: " << kApiToken << more << "}\n";
  };
  const auto what_of = [&](const std::string& check) {
    const Called done = call({"doctor", "-o", "json", "--config", file, "--instance", std::to_string(kInstance)});
    const json told = json::parse(done.out);
    for (const json& one : told["findings"]) {
      if (one["check"] == check) return one["health"].get<std::string>() + ": " + one["what"].get<std::string>();
    }
    return std::string("no such finding");
  };
  settings_file("");
  api_.set_settings(kInstance, R"({"webhookUrl":"https://elsewhere/"})");
  EXPECT_EQ(what_of("instance.webhookUrl"), "fail: https://elsewhere/ instead of (none)");
  EXPECT_EQ(what_of("instance.webhookUrlToken"), "no such finding") << "who polls is sent none";
  settings_file(R"(, receive: false, watch: true, webhook_url: ")" + kUrl + R"(", switches: [stateWebhook])");
  EXPECT_EQ(what_of("instance.webhookUrl"), "fail: https://elsewhere/ instead of " + kUrl);
  EXPECT_EQ(what_of("instance.webhookUrlToken"), "fail: (none) instead of the fleet's");

  const Called done = call({"connect", "--config", file, "--id", std::to_string(kInstance), "--url", kUrl, "--yes", "--no-wait"});
  EXPECT_EQ(done.code, kOk) << done.err;
  EXPECT_EQ(settings()["webhookUrlToken"], "s3cret-token");
  EXPECT_EQ(what_of("instance.settings"), "ok: as the fleet needs them");
}

TEST_F(Connect, SetsNoUrlThatTheServiceCannotReachAndWarnsOfADoubtfulOne) {
  const json before = settings();
  for (const char* url : {"https://127.0.0.1/webhook", "https://192.168.0.7/webhook", "https://localhost:8443/webhook"}) {
    const Called done = connect({"--url", url, "--yes", "--no-wait"});
    EXPECT_EQ(done.code, kUsage) << url;
    EXPECT_THAT(done.err, HasSubstr("can't be reached by GREEN-API"));
  }
  EXPECT_EQ(settings(), before);
  const Called done = connect({"--url", "http://fleet.example.com/hooks", "--yes", "--no-wait"});
  EXPECT_EQ(done.code, kOk) << done.err;
  EXPECT_THAT(done.err, AllOf(HasSubstr("warning: --url: http://"), HasSubstr("answers 404 to /hooks")));
}

TEST_F(Connect, OpensNoDoorThatThePollersSettingsContradict) {
  const std::string file = directory_ / "hookfleet.yaml";
  const json before = settings();
  const auto connect_as = [&](const std::string& receive, const std::vector<std::string>& door) {
    std::ofstream(file) << "auth: {tokens: [s3cret-token]}\npoller:\n  instances:\n    - {id: " << kInstance << ", api_url: \""
                        << api_.url() << "\", token: " << kApiToken << receive << "}\n";
    std::vector<std::string> arguments{"connect", "--config", file, "--id", std::to_string(kInstance), "--yes", "--no-wait"};
    arguments.insert(arguments.end(), door.begin(), door.end());
    return call(arguments);
  };
  const Called push = connect_as("", {"--url", kUrl});
  EXPECT_EQ(push.code, kUsage);
  EXPECT_THAT(push.err, AllOf(HasSubstr("poller.instances fetches for 1101000001"), HasSubstr("receive: false")));
  const Called poll = connect_as(", receive: false, watch: true", {"--poll"});
  EXPECT_EQ(poll.code, kUsage);
  EXPECT_THAT(poll.err, HasSubstr("nobody would fetch"));
  EXPECT_EQ(settings(), before);
  EXPECT_EQ(connect_as("", {"--poll"}).code, kOk);
}

}  // namespace
}  // namespace hookfleet::cli
