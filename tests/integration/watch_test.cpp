#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "cli/simulate/fake_api.hpp"
#include "common/base/mutex.hpp"
#include "ingress/watch/watcher.hpp"
#include "tests/support/told.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::watch {
namespace {

using namespace std::chrono_literals;
using simulate::FakeApi;
using support::kSoon;
using support::wait_until;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kId = 1'101'000'001;
const std::string kToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";

/// Watchers of a fake GREEN-API without rates; what they tell and export.
class WatcherTest : public testing::Test {
 protected:
  static FakeApi::Options api_options() {
    FakeApi::Options options;
    options.rates.settings = 0;
    options.count_refresh = 0ms;
    return options;
  }
  static Options options() { return {.count_every = 20ms, .state_every = 20ms, .settings_every = 20ms, .queue_alert = 10}; }
  Instance instance(std::uint64_t id, Expected expected = {}) const {
    return instance_of({.id_instance = id, .api_url = api_.url(), .token = kToken}, expected, false);
  }
  static Expected pushed() {
    Expected expected;
    expected.webhook_url = "https://fleet/webhook";
    expected.switches = {"incomingWebhook"};
    return expected;
  }
  void add(std::uint64_t id) {
    api_.add_instance({id, kToken});
    api_.set_settings(id, R"({"webhookUrl":"https://fleet/webhook","incomingWebhook":"yes"})");
  }
  void start() {
    watcher_.emplace(options(), metrics_, log_, clock_, told_, [this] { ++beats_; });
    watcher_->set_members({"me"}, "me");
  }
  bool shows(const std::string& line) const { return registry_.text().find(line + '\n') != std::string::npos; }
  bool comes(const std::string& line) const {
    return wait_until(kSoon, [&] { return shows(line); });
  }
  static std::string of(const std::string& name, std::uint64_t id, const std::string& value) {
    return "hookfleet_watch_" + name + "{idInstance=\"" + std::to_string(id) + "\"} " + value;
  }

  FakeApi api_{api_options()};
  metrics::Registry registry_{kTable, "test"};
  Metrics metrics_{registry_};
  base::Mutex mutex_;
  std::string logged_ HOOKFLEET_GUARDED_BY(mutex_);
  log::Logger log_{{}, "test", [this](std::string_view line) {
                     const base::MutexLock lock(mutex_);
                     logged_ += line;
                   }};
  base::SystemClock clock_;
  support::Told told_;
  std::atomic<int> beats_ = 0;
  std::optional<Watcher> watcher_;  // last: it uses the above
};

TEST_F(WatcherTest, ExportsQueueStateAndDriftAndTellsWhatIsWrong) {
  add(kId);
  start();
  watcher_->set_instances({instance(kId, pushed())});
  EXPECT_TRUE(comes(of("waiting_notifications", kId, "0")));
  EXPECT_TRUE(comes(of("authorized", kId, "1")));
  EXPECT_TRUE(comes(of("settings_differences", kId, "0")));
  EXPECT_TRUE(told_.alerts().empty());

  api_.set_state(kId, "blocked");
  EXPECT_TRUE(wait_until(kSoon, [&] { return !told_.of(alert::Kind::kInstanceState).empty(); }));
  EXPECT_TRUE(shows(of("authorized", kId, "0")));
  api_.set_settings(kId, R"({"webhookUrl":"https://elsewhere/","incomingWebhook":"no"})");
  EXPECT_TRUE(wait_until(kSoon, [&] { return !told_.of(alert::Kind::kSettingsDrift).empty(); }));
  EXPECT_TRUE(comes(of("settings_differences", kId, "2")));
  for (int i = 0; i < 12; ++i) api_.enqueue(kId, "{}");
  EXPECT_TRUE(wait_until(kSoon, [&] { return !told_.of(alert::Kind::kUpstreamQueue).empty(); }));
  EXPECT_TRUE(comes(of("waiting_notifications", kId, "12")));
  EXPECT_EQ(told_.alerts().size(), 3U) << "each once";
  api_.set_settings(kId, R"({"webhookUrl":"https://fleet/webhook","incomingWebhook":"yes"})");
  EXPECT_TRUE(wait_until(kSoon, [&] { return told_.of(alert::Kind::kSettingsRestored).size() == 1; }));
  EXPECT_GT(beats_, 0);
}

TEST_F(WatcherTest, WhatTheServiceRefusesIsUnknownAndTold) {
  add(kId);
  start();
  watcher_->set_instances({instance(kId, pushed())});
  EXPECT_TRUE(comes(of("authorized", kId, "1")));
  api_.set_token(kId, "another0token0another0token");
  EXPECT_TRUE(wait_until(kSoon, [&] { return !told_.of(alert::Kind::kWatchRefused).empty(); }));
  EXPECT_TRUE(comes(of("authorized", kId, "Nan")));
  EXPECT_THAT(told_.alerts()[0].text, AllOf(HasSubstr("HTTP 401"), Not(HasSubstr(kToken))));
  EXPECT_THAT(registry_.text(), Not(HasSubstr(kToken)));
  watcher_.reset();
  log_.flush();
  const base::MutexLock lock(mutex_);
  EXPECT_THAT(logged_, AllOf(HasSubstr("watch.failed"), HasSubstr("HTTP 401"), Not(HasSubstr(kToken))));
}

TEST_F(WatcherTest, AFaultyServiceAlarmsNobody) {
  add(kId);
  FakeApi::Faults faults;
  faults.error_500 = faults.error_502 = faults.throttled = faults.cut_before = faults.cut_after = 0.15;
  api_.set_faults(faults);
  start();
  watcher_->set_instances({instance(kId, pushed())});
  for (const auto* name : {"waiting_notifications", "authorized", "settings_differences"}) {
    EXPECT_TRUE(wait_until(kSoon, [&] { return shows(of(name, kId, name == std::string("authorized") ? "1" : "0")); })) << name;
  }
  EXPECT_TRUE(wait_until(kSoon, [&] { return api_.record(kId).faults >= 20; }));
  EXPECT_TRUE(told_.alerts().empty());
}

TEST_F(WatcherTest, SharesTheInstancesWithTheOtherPollers) {
  std::vector<Instance> instances;
  for (std::uint64_t id = kId; id < kId + 20; ++id) {
    add(id);
    instances.push_back(instance(id, pushed()));
  }
  start();
  watcher_->set_instances(instances);
  EXPECT_TRUE(comes("hookfleet_watch_instances 20"));
  EXPECT_TRUE(wait_until(kSoon, [&] {
    return std::all_of(instances.begin(), instances.end(),
                       [&](const Instance& one) { return shows(of("authorized", one.account.id_instance, "1")); });
  }));
  watcher_->set_members({"me", "other"}, "me");
  EXPECT_TRUE(comes("hookfleet_watch_instances 10"));
  const auto known = [&] {
    return std::count_if(instances.begin(), instances.end(),
                         [&](const Instance& one) { return shows(of("authorized", one.account.id_instance, "1")); });
  };
  EXPECT_TRUE(wait_until(kSoon, [&] { return known() == 10; })) << "what another watches is not ours to tell";
  watcher_->set_members({"other"}, "me");
  EXPECT_TRUE(comes("hookfleet_watch_instances 0"));
  EXPECT_TRUE(wait_until(kSoon, [&] { return known() == 0; }));
}

// Each gets its turn, also those behind more slow ones than may be asked at a time.
TEST_F(WatcherTest, SlowOnesKeepNobodyElseWaiting) {
  simulate::HttpServer slow([](const simulate::HttpServer::Request&) {
    auto reply = simulate::HttpServer::Reply::of(500);
    reply.delay = 300ms;
    return reply;
  });
  slow.forget_requests();
  std::vector<Instance> instances;
  for (std::uint64_t id = 1; id <= 4 * Watcher::kInFlightMax; ++id) {
    instances.push_back(instance_of({.id_instance = id, .api_url = slow.url(), .token = kToken}, {}, false));
  }
  add(kId);
  instances.push_back(instance(kId, pushed()));
  start();
  watcher_->set_instances(instances);
  EXPECT_TRUE(comes(of("authorized", kId, "1")));
}

TEST_F(WatcherTest, TakesNewSettingsOver) {
  add(kId);
  add(kId + 1);
  start();
  watcher_->set_instances({instance(kId, pushed())});
  EXPECT_TRUE(comes(of("settings_differences", kId, "0")));
  Expected other = pushed();
  other.webhook_url = "https://new-fleet/webhook";
  watcher_->set_instances({instance(kId, other), instance(kId + 1, pushed())});
  EXPECT_TRUE(comes(of("settings_differences", kId, "1")));
  EXPECT_TRUE(comes(of("settings_differences", kId + 1, "0")));
  EXPECT_TRUE(wait_until(kSoon, [&] { return told_.of(alert::Kind::kSettingsDrift).size() == 1; }));
  watcher_->set_instances({instance(kId + 1, pushed())});
  EXPECT_TRUE(comes(of("settings_differences", kId, "Nan")));
  EXPECT_TRUE(comes("hookfleet_watch_instances 1"));
}

TEST_F(WatcherTest, EndsWhileTheServiceIsSilent) {
  FakeApi::Options options = api_options();
  options.latency = 60s;
  FakeApi silent(options);
  start();
  std::vector<Instance> instances;
  for (std::uint64_t id = kId; id < kId + 200; ++id) {
    silent.add_instance({id, kToken});
    instances.push_back(instance_of({.id_instance = id, .api_url = silent.url(), .token = kToken}, {}, false));
  }
  watcher_->set_instances(instances);
  EXPECT_TRUE(comes("hookfleet_watch_instances 200"));
  const auto begin = clock_.now();
  watcher_.reset();
  EXPECT_LT(clock_.now() - begin, 10s);
}

}  // namespace
}  // namespace hookfleet::watch
