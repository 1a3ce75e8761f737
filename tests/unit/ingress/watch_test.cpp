#include "ingress/watch/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "common/config/command_line.hpp"
#include "ingress/watch/metrics.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::watch {
namespace {

using namespace std::chrono_literals;
using greenapi::Failure;
using greenapi::FailureKind;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kId = 1'101'000'001;

tl::unexpected<Failure> failure(FailureKind kind, std::optional<std::chrono::milliseconds> retry_after = {}) {
  return tl::unexpected(Failure{.kind = kind, .status = 400, .message = "HTTP 400", .retry_after = retry_after});
}

class WatchTest : public testing::Test {
 protected:
  static Instance instance(bool fetched = false) {
    Expected expected;
    expected.webhook_url = "https://fleet/webhook";
    expected.webhook_tokens = {config::Secret("s3cret")};
    expected.switches = {"incomingWebhook"};
    return instance_of({.id_instance = kId, .api_url = "http://api", .token = "api-token"}, expected, fetched);
  }
  static greenapi::Settings good() {
    return {{"webhookUrl", "https://fleet/webhook"}, {"webhookUrlToken", "Bearer s3cret"}, {"incomingWebhook", "yes"}};
  }
  static greenapi::Settings with(const std::string& name, const std::string& value) {
    auto settings = good();
    settings[name] = value;
    return settings;
  }
  base::BootTime now_{1h};
  Options options_;
  Watch watch_{options_, instance(), now_, 0.5};
};

TEST_F(WatchTest, AsksEachOfItsQuestionsAtItsOwnPaceOneAtATime) {
  EXPECT_EQ(watch_.wish(now_), std::nullopt);
  EXPECT_EQ(watch_.due(), now_ + 15s);
  std::array<int, kCalls> asked{};
  const base::BootTime end = now_ + 1h;
  while (now_ < end) {
    const auto call = watch_.wish(now_);
    if (!call) {
      ASSERT_GT(watch_.due(), now_);
      now_ = watch_.due();
      continue;
    }
    ++asked[static_cast<std::size_t>(*call)];
    watch_.sent(*call);
    EXPECT_EQ(watch_.wish(now_ + 1h), std::nullopt) << "one at a time";
    EXPECT_EQ(watch_.due(), base::BootTime::max());
    now_ += 100ms;
    switch (*call) {
      case Call::kCount: EXPECT_EQ(watch_.counted(0U, now_), std::nullopt); break;
      case Call::kState: EXPECT_EQ(watch_.stated("authorized", now_), std::nullopt); break;
      case Call::kSettings: EXPECT_EQ(watch_.set(good(), now_), std::nullopt); break;
    }
  }
  EXPECT_NEAR(asked[0], 120, 2);
  EXPECT_NEAR(asked[1], 60, 2);
  EXPECT_NEAR(asked[2], 12, 1);
  EXPECT_EQ(watch_.facts(), (Facts{.waiting = 0, .authorized = true, .differences = 0}));
}

TEST_F(WatchTest, AQueueIsToldWhenItIsLongAndGetsNoShorter) {
  EXPECT_FALSE(watch_.counted(5'000U, now_)) << "it may be draining";
  EXPECT_FALSE(watch_.counted(4'000U, now_));
  EXPECT_FALSE(watch_.counted(3'000U, now_));
  const auto alert = watch_.counted(3'000U, now_);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->kind, alert::Kind::kUpstreamQueue);
  EXPECT_EQ(alert->id_instance, kId);
  EXPECT_THAT(alert->text, HasSubstr("3000 notifications"));
  EXPECT_FALSE(watch_.counted(9'000U, now_ += 59min)) << "told already";
  EXPECT_TRUE(watch_.counted(9'001U, now_ += 2min)) << "still so";
  EXPECT_FALSE(watch_.counted(999U, now_));
  EXPECT_FALSE(watch_.counted(999U, now_));
  EXPECT_TRUE(watch_.counted(1'000U, now_)) << "again: that is news";
}

TEST_F(WatchTest, AStateIsToldAtTheSecondLook) {
  EXPECT_FALSE(watch_.stated("notAuthorized", now_));
  const auto alert = watch_.stated("notAuthorized", now_ += 1min);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->kind, alert::Kind::kInstanceState);
  EXPECT_THAT(alert->text, HasSubstr("notAuthorized"));
  EXPECT_EQ(watch_.facts().authorized, false);
  EXPECT_FALSE(watch_.stated("notAuthorized", now_ += 1min));
  EXPECT_TRUE(watch_.stated("blocked", now_ += 1min)) << "another one is news";
  EXPECT_FALSE(watch_.stated("authorized", now_ += 1min));
  EXPECT_FALSE(watch_.stated("blocked", now_ += 1min));
}

TEST_F(WatchTest, StartingIsNoNewsForTenMinutes) {
  for (int minute = 0; minute < 10; ++minute) EXPECT_FALSE(watch_.stated("starting", now_ += 1min)) << minute;
  EXPECT_TRUE(watch_.stated("starting", now_ += 1min));
}

TEST_F(WatchTest, DriftIsToldAtOnceAndWithoutSecrets) {
  EXPECT_FALSE(watch_.set(good(), now_));
  auto alert = watch_.set(with("webhookUrl", "https://elsewhere.example.com/hook/0ther-secret"), now_);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->kind, alert::Kind::kSettingsDrift);
  EXPECT_THAT(alert->text, AllOf(HasSubstr("https://elsewhere.example.com:443"), Not(HasSubstr("0ther-secret"))));
  EXPECT_FALSE(watch_.set(with("webhookUrl", "https://elsewhere.example.com/hook/0ther-secret"), now_ += 23h));
  EXPECT_TRUE(watch_.set(with("webhookUrl", "https://elsewhere.example.com/hook/0ther-secret"), now_ += 2h));

  alert = watch_.set(with("webhookUrlToken", "stolen"), now_);
  ASSERT_TRUE(alert) << "another difference is news";
  EXPECT_THAT(alert->text, AllOf(HasSubstr("webhookUrlToken"), Not(HasSubstr("stolen")), Not(HasSubstr("s3cret"))));
  alert = watch_.set(with("incomingWebhook", "no"), now_);
  ASSERT_TRUE(alert);
  EXPECT_THAT(alert->text, HasSubstr("incomingWebhook is off"));
  alert = watch_.set(with("webhookUrl", "https://fleet/other"), now_);
  ASSERT_TRUE(alert);
  EXPECT_THAT(alert->text, HasSubstr("another path"));
  EXPECT_EQ(watch_.facts().differences, 1U);
  alert = watch_.set(good(), now_);
  ASSERT_TRUE(alert) << "that it is over";
  EXPECT_EQ(alert->kind, alert::Kind::kSettingsRestored);
  EXPECT_EQ(alert->id_instance, kId);
  EXPECT_FALSE(watch_.set(good(), now_)) << "once";
  EXPECT_EQ(watch_.facts().differences, 0U);
  EXPECT_TRUE(watch_.set(with("incomingWebhook", "no"), now_)) << "again: that is news";
}

TEST_F(WatchTest, AWebhookUrlOfOneThatIsFetchedIsToldByWhoFetches) {
  Expected expected;
  expected.switches = {"incomingWebhook"};
  Watch fetched(options_, instance_of({.id_instance = kId, .api_url = "http://api", .token = "t"}, expected, true), now_, 0);
  const greenapi::Settings pushed{{"webhookUrl", "https://elsewhere/"}, {"incomingWebhook", "yes"}};
  EXPECT_FALSE(fetched.set(pushed, now_));
  EXPECT_EQ(fetched.facts().differences, 1U);
  const auto alert = fetched.set(greenapi::Settings{{"webhookUrl", "https://elsewhere/"}, {"incomingWebhook", "no"}}, now_);
  ASSERT_TRUE(alert);
  EXPECT_THAT(alert->text, AllOf(HasSubstr("incomingWebhook is off"), Not(HasSubstr("webhookUrl"))));
  EXPECT_FALSE(fetched.set(pushed, now_)) << "not all is right";
  EXPECT_TRUE(fetched.set(greenapi::Settings{{"webhookUrl", ""}, {"incomingWebhook", "yes"}}, now_));
}

TEST_F(WatchTest, WhatTheServiceDoesNotTellIsUnknownAndAskedMoreRarely) {
  watch_.counted(7U, now_);
  std::chrono::nanoseconds before{0};
  for (unsigned i = 0; i < 12; ++i) {
    while (watch_.wish(now_) != Call::kCount) {
      const auto call = watch_.wish(now_);
      if (call == Call::kState) {
        watch_.stated("authorized", now_);
      } else if (call == Call::kSettings) {
        watch_.set(good(), now_);
      } else {
        now_ = watch_.due();
      }
    }
    watch_.sent(Call::kCount);
    EXPECT_FALSE(watch_.counted(failure(FailureKind::kRetry), now_)) << "no person can help";
    EXPECT_EQ(watch_.facts().waiting, std::nullopt);
    if (i == 0) before = watch_.due() - now_;
  }
  EXPECT_EQ(before, 30s);
  EXPECT_FALSE(watch_.counted(failure(FailureKind::kThrottled, 3600s), now_));
  for (const base::BootTime end = now_ + 59min; now_ < end;) {
    const auto call = watch_.wish(now_);
    EXPECT_NE(call, Call::kCount) << "the service said when to come back";
    if (call == Call::kState) watch_.stated("authorized", now_);
    if (call == Call::kSettings) watch_.set(good(), now_);
    now_ = watch_.due();
  }
}

TEST_F(WatchTest, ARefusalIsToldWhenItLasts) {
  EXPECT_FALSE(watch_.stated(failure(FailureKind::kUnauthorized), now_));
  const auto alert = watch_.stated(failure(FailureKind::kUnauthorized), now_);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->kind, alert::Kind::kWatchRefused);
  EXPECT_THAT(alert->text,
              AllOf(HasSubstr("getStateInstance"), HasSubstr("HTTP 400"), HasSubstr("API token"), Not(HasSubstr("api-token"))));
  EXPECT_FALSE(watch_.counted(failure(FailureKind::kUnauthorized), now_));
  EXPECT_FALSE(watch_.counted(failure(FailureKind::kUnauthorized), now_)) << "the same, told already";
  EXPECT_EQ(watch_.facts().authorized, std::nullopt);

  watch_.stated("authorized", now_);
  watch_.counted(0U, now_);
  EXPECT_FALSE(watch_.set(failure(FailureKind::kNotReady), now_));
  EXPECT_FALSE(watch_.set(failure(FailureKind::kNotReady), now_)) << "its state says more";
  EXPECT_FALSE(watch_.counted(failure(FailureKind::kWebhookSet), now_));
  EXPECT_FALSE(watch_.counted(failure(FailureKind::kWebhookSet), now_)) << "who pushes may refuse to count";

  Watch fetched(options_, instance(true), now_, 0);
  EXPECT_FALSE(fetched.stated(failure(FailureKind::kUnauthorized), now_));
  EXPECT_FALSE(fetched.stated(failure(FailureKind::kUnauthorized), now_)) << "the poller tells";
}

TEST(InstanceOf, ExpectsNoWebhookUrlWhereSomebodyFetches) {
  const greenapi::Account account{.id_instance = kId, .api_url = "http://api", .token = "t"};
  EXPECT_EQ(instance_of(account, {}, true).wanted.webhook_url, "");
  EXPECT_EQ(instance_of(account, {}, false).wanted.webhook_url, std::nullopt);
  EXPECT_TRUE(instance_of(account, {}, true).wanted.webhook_tokens.empty());
  Expected pushed;
  pushed.webhook_url = "https://fleet/webhook";
  EXPECT_EQ(instance_of(account, pushed, false).wanted.webhook_url, "https://fleet/webhook");
}

/// poller.instances and poller.watch, as the poller's settings have them.
struct Read {
  std::vector<Expected> instances;
  Options options;
  std::vector<config::Problem> problems;
};
void read(Read& read, const std::string& yaml) {
  const support::TempDir directory;
  std::ofstream(directory / "settings.yaml") << yaml;
  config::Settings settings;
  settings.list(
      "poller.instances", read.instances, [](config::Settings& item, Expected& expected) { declare(item, expected); }, "");
  declare(settings, read.options);
  read.problems = settings.load(directory / "settings.yaml", {}, {});
}

TEST(WatchSettings, AreReadWithAnInstance) {
  Read right;
  read(right, R"(poller:
  watch: {count_every: 10s, state_every: 2min, settings_every: 1h, queue_alert: 50}
  instances:
    - {watch: true, webhook_url: "https://fleet/webhook", webhook_tokens: [current, next], switches: [incomingWebhook, deviceWebhook]}
    - {watch: false}
)");
  EXPECT_TRUE(right.problems.empty());
  ASSERT_EQ(right.instances.size(), 2U);
  EXPECT_TRUE(right.instances[0].watch);
  EXPECT_EQ(right.instances[0].webhook_tokens.size(), 2U);
  EXPECT_EQ(right.instances[0].switches, (std::vector<std::string>{"incomingWebhook", "deviceWebhook"}));
  EXPECT_EQ(right.instances[1].switches, greenapi::notification_switches());
  EXPECT_EQ(right.options.count_every, 10s);
  EXPECT_EQ(right.options.queue_alert, 50U);

  Read wrong;
  read(wrong, R"(poller:
  watch: {count_every: 1ms, settings_every: 1s}
  instances: [{watch: true, webhook_url: "fleet/webhook", switches: [incomingWebhok]}]
)");
  EXPECT_EQ(wrong.problems.size(), 4U) << config::lines(wrong.problems);
}

TEST(WatchMetrics, WhatIsUnknownIsNoNumber) {
  metrics::Registry registry(kTable, "test");
  const Metrics metrics(registry);
  const auto gauges = metrics.of(kId);
  EXPECT_THAT(registry.text(), HasSubstr("hookfleet_watch_authorized{idInstance=\"1101000001\"} Nan"));
  gauges.set({.waiting = 12, .authorized = false, .differences = 2});
  metrics.called(Call::kState, nullptr);
  EXPECT_THAT(registry.text(), AllOf(HasSubstr("hookfleet_watch_waiting_notifications{idInstance=\"1101000001\"} 12"),
                                     HasSubstr("hookfleet_watch_authorized{idInstance=\"1101000001\"} 0"),
                                     HasSubstr("hookfleet_watch_settings_differences{idInstance=\"1101000001\"} 2"),
                                     HasSubstr("hookfleet_watch_calls_total{call=\"getStateInstance\",outcome=\"ok\"} 1")));
}

}  // namespace
}  // namespace hookfleet::watch
