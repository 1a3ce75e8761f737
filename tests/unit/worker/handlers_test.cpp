#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <map>

#include "common/digest/digest.hpp"
#include "common/metrics/registry.hpp"
#include "tests/support/golden.hpp"
#include "worker/handlers/instance_state.hpp"
#include "worker/handlers/message.hpp"
#include "worker/handlers/message_status.hpp"
#include "worker/handlers/shipped.hpp"
#include "worker/journal.hpp"
#include "worker/metrics.hpp"
#include "worker/routes/routes.hpp"

namespace hookfleet {
namespace {

using handlers::Handled;
using notification::TypeWebhook;

notification::Notification make(TypeWebhook type, std::string body) {
  notification::Notification made;
  made.id = "01890000-0000-7000-8000-000000000001";
  made.id_instance = 1101000001;
  made.type = type;
  made.type_webhook = notification::to_text(type);
  made.timestamp = 1'750'000'000;
  made.received = base::from_unix_ms(1'750'000'000'123);
  made.body = std::make_shared<const std::string>(std::move(body));
  return made;
}

TEST(Routes, GiveEveryDocumentedTypeAHandler) {
  for (std::size_t i = 0; i < notification::type_webhook_names().size(); ++i) {
    EXPECT_FALSE(routes::shipped_handler(static_cast<TypeWebhook>(i)).empty()) << notification::type_webhook_names()[i];
  }
}

TEST(Routes, GiveUnknownTypesNone) {
  handlers::Handlers handlers;
  handlers.add("message", std::make_unique<handlers::MessageHandler>());
  const routes::Routes routes(handlers);
  auto notification = make(TypeWebhook::kIncomingMessageReceived, "{}");
  ASSERT_EQ(routes.find(notification).size(), 1U);
  EXPECT_EQ(routes.find(notification)[0].name, "handler:message");
  notification.type.reset();
  EXPECT_TRUE(routes.find(notification).empty());
  EXPECT_TRUE(routes.find(make(TypeWebhook::kIncomingCall, "{}")).empty()) << "nobody of that name was added";
}

TEST(ShippedHandlers, TakeEveryDocumentedTypeAndLeaveTheUsersOwnInPlace) {
  handlers::Handlers handlers;
  handlers.add("call", std::make_unique<handlers::MessageHandler>());
  const handlers::Handler* own = handlers.find("call");
  handlers::add_shipped(handlers);
  const routes::Routes routes(handlers);
  for (std::size_t i = 0; i < notification::type_webhook_names().size(); ++i) {
    EXPECT_EQ(routes.find(make(static_cast<TypeWebhook>(i), "{}")).size(), 1U) << notification::type_webhook_names()[i];
  }
  EXPECT_EQ(handlers.find("call"), own);
}

TEST(MessageHandler, CountsByType) {
  const auto handled = handlers::MessageHandler().handle(make(TypeWebhook::kOutgoingMessageReceived, "{}"), {});
  ASSERT_EQ(handled.effects.size(), 1U);
  EXPECT_EQ(handled.effects[0].field, "outgoingMessageReceived");
  EXPECT_EQ(handled.effects[0].op, stream::Effect::Op::kIncrement);
}

TEST(InstanceStateHandler, KeepsTheLatestStateByEventTime) {
  const auto handled =
      handlers::InstanceStateHandler().handle(make(TypeWebhook::kStateInstanceChanged, R"({"stateInstance":"notAuthorized"})"), {});
  ASSERT_EQ(handled.effects.size(), 2U);
  EXPECT_EQ(handled.effects[1].op, stream::Effect::Op::kAdvance);
  EXPECT_EQ(handled.effects[1].field, "1101000001 state");
  EXPECT_EQ(handled.effects[1].value, "1750000000 notAuthorized");
}

TEST(InstanceStateHandler, CountsOneWithoutAState) {
  EXPECT_EQ(handlers::InstanceStateHandler().handle(make(TypeWebhook::kStateInstanceChanged, R"({"stateInstance":5})"), {}).effects.size(),
            1U);
}

class MessageStatusTest : public testing::Test {
 protected:
  /// The record's fields after one status: `field` → `op value`.
  static std::map<std::string, std::string> record(const std::string& status, const std::string& more = "") {
    auto notification = make(TypeWebhook::kOutgoingMessageStatus, R"({"status":")" + status + "\"" + more + "}");
    notification.id_message = "BAE5";
    notification.chat = "79000000001@c.us";
    notification.status = status;
    std::map<std::string, std::string> fields;
    for (const auto& effect : handlers::MessageStatusHandler().handle(notification, {}).effects) {
      if (effect.on != stream::Effect::On::kMessage) continue;
      EXPECT_EQ(effect.part, digest::as_bytes(notification::message_key(1101000001, "BAE5")));
      EXPECT_EQ(effect.expiry, std::chrono::hours(30 * 24));
      fields[effect.field] = (effect.op == stream::Effect::Op::kAdvance ? "advance " : "set ") + effect.value;
    }
    EXPECT_EQ(fields["idMessage"], "set BAE5");
    EXPECT_EQ(fields["chatId"], "set 79000000001@c.us");
    return fields;
  }
};

TEST_F(MessageStatusTest, ProgressOnlyAdvances) {
  EXPECT_EQ(record("sent").at("progress"), "advance 1 sent");
  EXPECT_EQ(record("delivered").at("progress"), "advance 2 delivered");
  EXPECT_EQ(record("read").at("progress"), "advance 3 read");
}

TEST_F(MessageStatusTest, AProblemIsKeptWithItsDescriptionBesideTheProgress) {
  const auto fields = record("noAccount", R"(,"description":"no such user")");
  EXPECT_EQ(fields.at("problem"), "advance 1750000000 noAccount: no such user");
  EXPECT_FALSE(fields.contains("progress"));
}

TEST_F(MessageStatusTest, AStatusThatIsNotDocumentedIsKeptToo) { EXPECT_EQ(record("pondered").at("other"), "advance 1750000000 pondered"); }

TEST(EventTime, StaysWithinWhatAnAcknowledgementCompares) {
  auto notification = make(TypeWebhook::kOutgoingMessageStatus, "{}");
  notification.timestamp = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(std::to_string(handlers::event_time(notification)).size(), 15U);
  notification.timestamp = -1;
  EXPECT_EQ(handlers::event_time(notification), 0);
}

TEST_F(MessageStatusTest, WithoutAMessageItIsOnlyCounted) {
  EXPECT_EQ(handlers::MessageStatusHandler().handle(make(TypeWebhook::kOutgoingMessageStatus, "{}"), {}).effects.size(), 1U);
}

TEST(WorkerMetrics, ArePinnedByAGoldenFile) {
  EXPECT_TRUE(support::matches_golden("worker_metrics.txt", metrics::describe(worker::kTable)));
}

class JournalTest : public testing::Test {
 protected:
  std::vector<std::string> lines_of(const dispatch::Record& record, log::Options options = {}) {
    std::vector<std::string> lines;
    const log::Logger log(options, "test", [&](std::string_view line) { lines.emplace_back(line); });
    worker::Journal(log, options.payload, metrics, clock).attempt(record);
    return lines;
  }
  dispatch::Record record(std::shared_ptr<dispatch::Content> content, dispatch::Outcome outcome) {
    dispatch::Record made;
    made.content = std::move(content);
    made.partition = 3;
    made.outcome = outcome;
    made.duration = std::chrono::milliseconds(2);
    return made;
  }
  std::shared_ptr<dispatch::Content> content(std::string body) {
    auto made = std::make_shared<dispatch::Content>();
    made->notification = make(TypeWebhook::kIncomingMessageReceived, std::move(body));
    made->notification.chat = "79@c.us";
    made->notification.id_message = "M1";
    made->notification.type_message = "textMessage";
    made->parsed = true;
    return made;
  }
  static std::string from_event(const std::string& line) { return line.substr(line.find("\"level\"")); }

  metrics::Registry registry{worker::kTable, "test"};
  worker::Metrics metrics{registry, 1};
  base::SystemClock clock;
};

TEST_F(JournalTest, WritesOneRecordAnAttempt) {
  const auto lines = lines_of(record(content("{\"a\": 1,\n \"b\": \"x y\"}"), dispatch::Outcome::kDone));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(from_event(lines[0]),
            R"("level":"INFO","event":"notification","message":"notification handled","process":"test",)"
            R"("timestamp":"2025-06-15T15:06:40.123Z","typeWebhook":"incomingMessageReceived","typeMessage":"textMessage",)"
            R"("idInstance":1101000001,"idMessage":"M1","chatId":"79@c.us","id":"01890000-0000-7000-8000-000000000001","partition":3,)"
            R"("attempt":1,"duration_s":0.002,"outcome":"done","data":{"a":1,"b":"x y"}})");
}

TEST_F(JournalTest, HasALevelByOutcome) {
  const auto level = [&](dispatch::Outcome outcome) {
    log::Options options;
    options.level = log::Level::kDebug;
    const auto lines = lines_of(record(content("{}"), outcome), options);
    return lines.at(0).substr(lines[0].find("\"level\":\"") + 9, 5);
  };
  EXPECT_EQ(level(dispatch::Outcome::kDone), "INFO\"");
  EXPECT_EQ(level(dispatch::Outcome::kRepeat), "INFO\"");
  EXPECT_EQ(level(dispatch::Outcome::kRetry), "INFO\"");
  EXPECT_EQ(level(dispatch::Outcome::kIgnored), "DEBUG");
  EXPECT_EQ(level(dispatch::Outcome::kDead), "ERROR");
}

TEST_F(JournalTest, ShowsWhatIsNoJsonAsText) {
  auto broken = content("{\"a\":");
  broken->parsed = false;
  broken->unfit = stream::DeadClass::kMalformed;
  broken->why = "not JSON";
  auto dead = record(broken, dispatch::Outcome::kDead);
  dead.dead_class = stream::DeadClass::kMalformed;
  dead.reason = "not JSON";
  const auto lines = lines_of(dead);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(R"("level":"ERROR","event":"notification.invalid")"), std::string::npos) << lines[0];
  for (const auto& line : lines) {
    EXPECT_NE(line.find(R"("data":"{\"a\":")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("reason":"not JSON")"), std::string::npos) << line;
  }
}

TEST_F(JournalTest, WarnsOfWhatIsNotDocumented) {
  auto unknown = content("{}");
  unknown->notification.type.reset();
  unknown->notification.type_webhook = "somethingNew";
  auto lines = lines_of(record(unknown, dispatch::Outcome::kIgnored));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find(R"("level":"WARN","event":"notification.unknown")"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(R"("typeWebhook":"somethingNew")"), std::string::npos);
  EXPECT_NE(lines[0].find(R"("data":{})"), std::string::npos);

  auto message = content("{}");
  message->notification.type_message = "newMessage";
  lines = lines_of(record(message, dispatch::Outcome::kDone));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("notification.unknown"), std::string::npos);
  EXPECT_NE(lines[1].find(R"("event":"notification",)"), std::string::npos);
}

TEST_F(JournalTest, ARepeatOfSomethingUnknownIsNoNews) {
  auto unknown = content("{}");
  unknown->notification.type.reset();
  const auto lines = lines_of(record(unknown, dispatch::Outcome::kRepeat));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find("notification.unknown"), std::string::npos);
}

TEST_F(JournalTest, LeavesThePayloadOutWhenTold) {
  log::Options options;
  options.payload = log::Payload::kOff;
  EXPECT_EQ(lines_of(record(content("{}"), dispatch::Outcome::kDone), options).at(0).find("\"data\""), std::string::npos);
}

TEST_F(JournalTest, CountsTypesThatNobodyKnowsAsOne) {
  auto unknown = content("{}");
  unknown->notification.type.reset();
  unknown->notification.type_webhook = "somethingNew";
  lines_of(record(unknown, dispatch::Outcome::kIgnored));
  EXPECT_NE(registry.text().find(R"(hookfleet_worker_notifications_total{outcome="ignored",typeWebhook="other"} 1)"), std::string::npos);
}

}  // namespace
}  // namespace hookfleet
