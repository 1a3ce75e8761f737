#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <map>
#include <set>

#include "common/digest/digest.hpp"
#include "common/metrics/registry.hpp"
#include "common/notification/envelope.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/personal.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/told.hpp"
#include "worker/handlers/call.hpp"
#include "worker/handlers/device.hpp"
#include "worker/handlers/instance_state.hpp"
#include "worker/handlers/message.hpp"
#include "worker/handlers/message_status.hpp"
#include "worker/handlers/quota.hpp"
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
  const routes::Routes routes(routes::Options{}, handlers);
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
  const routes::Routes routes(routes::Options{}, handlers);
  for (std::size_t i = 0; i < notification::type_webhook_names().size(); ++i) {
    EXPECT_EQ(routes.find(make(static_cast<TypeWebhook>(i), "{}")).size(), 1U) << notification::type_webhook_names()[i];
  }
  EXPECT_EQ(handlers.find("call"), own);
}

/// What a handler's effects do: `<increment|advance|set> <cnt|inst|chat|msg> <field> = <value>`.
std::vector<std::string> changes(const Handled& handled) {
  static constexpr const char* kOps[] = {"increment", "set", "advance"};
  static constexpr const char* kOns[] = {"cnt", "inst", "msg", "chat"};
  EXPECT_EQ(handled.kind, Handled::Kind::kDone);
  std::vector<std::string> out;
  for (const auto& effect : handled.effects) {
    const bool own = effect.on == stream::Effect::On::kMessage || effect.on == stream::Effect::On::kChat;
    EXPECT_EQ(effect.part.size(), own ? 16U : 0U);
    EXPECT_EQ(effect.expiry, own ? std::chrono::hours(30 * 24) : std::chrono::hours(0)) << "what grows with chats and messages expires";
    out.push_back(std::string(kOps[static_cast<std::size_t>(effect.op)]) + " " + kOns[static_cast<std::size_t>(effect.on)] + " " +
                  effect.field + " = " + effect.value);
  }
  return out;
}

notification::Notification in_chat(TypeWebhook type, std::string body = "{}") {
  auto made = make(type, std::move(body));
  made.chat = "79000000001@c.us";
  made.id_message = "BAE5";
  return made;
}

TEST(MessageHandler, CountsByTypeAndTypeMessageAndKeepsTheChatsLastActivity) {
  auto message = in_chat(TypeWebhook::kOutgoingMessageReceived);
  message.type_message = "imageMessage";
  EXPECT_THAT(changes(handlers::MessageHandler().handle(message, {})),
              testing::ElementsAre("increment cnt outgoingMessageReceived = 1", "increment cnt outgoingMessageReceived imageMessage = 1",
                                   "advance chat outgoing = 1750000000 79000000001@c.us imageMessage BAE5"));
  message.type = TypeWebhook::kIncomingMessageReceived;
  EXPECT_THAT(changes(handlers::MessageHandler().handle(message, {})).back(), testing::HasSubstr("advance chat incoming ="));
}

TEST(MessageHandler, TakesItsFieldsFromClosedSets) {
  auto message = in_chat(TypeWebhook::kIncomingMessageReceived);
  message.type_message = std::string(5'000, 'x');
  message.id_message = std::string(5'000, 'y');
  message.chat.clear();
  EXPECT_THAT(changes(handlers::MessageHandler().handle(message, {})),
              testing::ElementsAre("increment cnt incomingMessageReceived = 1", "increment cnt incomingMessageReceived other = 1"));
  message.chat = "1@c.us";
  EXPECT_LT(changes(handlers::MessageHandler().handle(message, {})).back().size(), 150U);
}

TEST(CallHandler, CountsByStatusAndItsEndReplacesItsOffer) {
  auto call = in_chat(TypeWebhook::kIncomingCall);
  call.status = "offer";
  EXPECT_THAT(changes(handlers::CallHandler().handle(call, {})),
              testing::ElementsAre("increment cnt incomingCall = 1", "increment cnt incomingCall offer = 1",
                                   "advance chat call = 1750000000 79000000001@c.us incomingCall offer"));
  call.status = "missed";
  EXPECT_EQ(changes(handlers::CallHandler().handle(call, {})).back(), "set chat call = 1750000000 79000000001@c.us incomingCall missed");
  call.status = "pondered";
  EXPECT_THAT(changes(handlers::CallHandler().handle(call, {})), testing::Contains("increment cnt incomingCall other = 1"));
  call.status.clear();
  EXPECT_THAT(changes(handlers::CallHandler().handle(call, {})), testing::Contains("increment cnt incomingCall none = 1"));
}

TEST(InstanceStateHandler, KeepsTheLatestStateByEventTime) {
  support::Told told;
  EXPECT_THAT(changes(handlers::InstanceStateHandler(told).handle(
                  make(TypeWebhook::kStateInstanceChanged, R"({"stateInstance":"notAuthorized"})"), {})),
              testing::ElementsAre("increment cnt stateInstanceChanged = 1", "advance inst 1101000001 state = 1750000000 notAuthorized"));
  EXPECT_THAT(changes(handlers::InstanceStateHandler(told).handle(
                  make(TypeWebhook::kStatusInstanceChanged, R"({"statusInstance":"offline"})"), {})),
              testing::ElementsAre("increment cnt statusInstanceChanged = 1", "advance inst 1101000001 status = 1750000000 offline"));
}

TEST(InstanceStateHandler, TellsTheOperatorOfEveryStateThatNeedsAPerson) {
  std::set<std::string> told_of;
  for (const auto state : notification::instance_states()) {
    support::Told told;
    const std::string body = R"({"stateInstance":")" + std::string(state) + R"("})";
    static_cast<void>(handlers::InstanceStateHandler(told).handle(make(TypeWebhook::kStateInstanceChanged, body), {}));
    const auto alerts = told.of(alert::Kind::kInstanceState);
    if (alerts.empty()) continue;
    told_of.emplace(state);
    EXPECT_EQ(alerts[0].id_instance, 1101000001U);
    EXPECT_THAT(alerts[0].text, testing::HasSubstr("instance 1101000001 is in the state " + std::string(state) + ": "));
  }
  EXPECT_EQ(told_of,
            (std::set<std::string>{"notAuthorized", "blocked", "sleepMode", "yellowCard", "suspended", "pendingCode", "pendingPassword"}));
  support::Told told;
  static_cast<void>(
      handlers::InstanceStateHandler(told).handle(make(TypeWebhook::kStateInstanceChanged, R"({"stateInstance":"call 79001234567"})"), {}));
  ASSERT_EQ(told.alerts().size(), 1U);
  EXPECT_THAT(told.alerts()[0].text, testing::Not(testing::HasSubstr("79001234567"))) << "an alert's text holds nothing personal";
}

TEST(InstanceStateHandler, CountsOneWithoutAState) {
  support::Told told;
  EXPECT_EQ(
      handlers::InstanceStateHandler(told).handle(make(TypeWebhook::kStateInstanceChanged, R"({"stateInstance":5})"), {}).effects.size(),
      1U);
  EXPECT_TRUE(told.alerts().empty());
}

TEST(QuotaHandler, TellsTheOperatorAndKeepsTheLatest) {
  support::Told told;
  const auto sample = support::sample("quotaExceeded/correspondents.json");
  auto quota = make(TypeWebhook::kQuotaExceeded, sample.body);
  quota.timestamp.reset();
  EXPECT_THAT(changes(handlers::QuotaHandler(told).handle(quota, {})),
              testing::ElementsAre("increment cnt quotaExceeded = 1",
                                   "advance inst 1101000001 quota = 1750000000 correspondents CORRESPONDENTS_QUOTA_EXCEEDED"));
  ASSERT_EQ(told.of(alert::Kind::kQuota).size(), 1U);
  EXPECT_THAT(told.alerts()[0].text, testing::HasSubstr("quota of correspondents (CORRESPONDENTS_QUOTA_EXCEEDED)"));
  EXPECT_THAT(told.alerts()[0].text, testing::HasSubstr("GREEN-API says: Monthly quota has been exceeded. You can only"));
  EXPECT_THAT(told.alerts()[0].text, testing::Not(testing::HasSubstr("10001234560"))) << "chats that are left";
  EXPECT_THAT(told.alerts()[0].redacted, testing::HasSubstr("quota of correspondents (CORRESPONDENTS_QUOTA_EXCEEDED)"));
  EXPECT_THAT(told.alerts()[0].redacted, testing::Not(testing::HasSubstr("Monthly")));
}

TEST(QuotaHandler, NamesNoMethodAndStatusThatAreNoNames) {
  support::Told told;
  const char* body = R"({"quotaData":{"method":"John Smith","status":"79001234567 is over"}})";
  handlers::QuotaHandler(told).handle(make(TypeWebhook::kQuotaExceeded, body), {});
  ASSERT_EQ(told.alerts().size(), 1U);
  EXPECT_THAT(told.alerts()[0].text, testing::Not(testing::AnyOf(testing::HasSubstr("John"), testing::HasSubstr("79001234567"))));
}

TEST(DeviceHandler, KeepsTheInstancesDeviceAndTheChatsBlock) {
  EXPECT_THAT(
      changes(handlers::DeviceHandler().handle(make(TypeWebhook::kDeviceInfo, support::sample("deviceInfo/device.json").body), {})),
      testing::ElementsAre("increment cnt deviceInfo = 1",
                           "advance inst 1101000001 device = 1750000000 platform=iphone manufacturer=Apple model=iPhone 11 os=13.4.1 "
                           "app=2.20.42 battery=90"));
  EXPECT_THAT(changes(handlers::DeviceHandler().handle(make(TypeWebhook::kDeviceInfo, support::sample("deviceInfo/avatar.json").body), {})),
              testing::ElementsAre("increment cnt deviceInfo = 1"));
  EXPECT_THAT(changes(handlers::DeviceHandler().handle(in_chat(TypeWebhook::kIncomingBlock, R"({"chatState":"blocked"})"), {})),
              testing::ElementsAre("increment cnt incomingBlock = 1", "advance chat block = 1750000000 79000000001@c.us blocked"));
}

TEST(ShippedHandlers, TakeBodiesOfAnyShape) {
  handlers::Handlers handlers;
  handlers::add_shipped(handlers);
  for (std::size_t i = 0; i < notification::type_webhook_names().size(); ++i) {
    const auto type = static_cast<TypeWebhook>(i);
    for (const char* body : {"[]", "7", "not json", "", R"({"deviceData":[1],"quotaData":"x","stateInstance":{},"description":[]})",
                             R"({"deviceData":{"battery":"full","platform":7},"quotaData":{"method":null}})"}) {
      auto notification = in_chat(type, body);
      notification.status = "failed";
      auto* handler = handlers.find(routes::shipped_handler(type));
      ASSERT_NE(handler, nullptr);
      EXPECT_FALSE(changes(handler->handle(notification, {})).empty()) << notification.type_webhook << " " << body;
    }
  }
}

class MessageStatusTest : public testing::Test {
 protected:
  /// The record's fields after one status: `field` → `op value`.
  std::map<std::string, std::string> record(const std::string& status, const std::string& more = "") {
    auto notification = make(TypeWebhook::kOutgoingMessageStatus, R"({"status":")" + status + "\"" + more + "}");
    notification.id_message = "BAE5";
    notification.chat = "79000000001@c.us";
    notification.status = status;
    std::map<std::string, std::string> fields;
    for (const auto& effect : handlers::MessageStatusHandler(told_).handle(notification, {}).effects) {
      if (effect.on != stream::Effect::On::kMessage) continue;
      EXPECT_EQ(effect.part, digest::as_bytes(notification::message_key(1101000001, "BAE5")));
      EXPECT_EQ(effect.expiry, std::chrono::hours(30 * 24));
      fields[effect.field] = (effect.op == stream::Effect::Op::kAdvance ? "advance " : "set ") + effect.value;
    }
    EXPECT_EQ(fields["idMessage"], "set BAE5");
    EXPECT_EQ(fields["chatId"], "set 79000000001@c.us");
    return fields;
  }

  support::Told told_;
};

TEST_F(MessageStatusTest, TellsTheOperatorOfMessagesThatDidNotArrive) {
  record("failed", R"(,"description":"bad picture")");
  record("noAccount");
  record("yellowCard");
  const auto alerts = told_.of(alert::Kind::kMessageFailed);
  ASSERT_EQ(alerts.size(), 3U);
  EXPECT_EQ(alerts[0].text, "a message was not delivered: failed: bad picture");
  EXPECT_EQ(alerts[0].redacted, "a message was not delivered: failed");
  EXPECT_EQ(alerts[0].id_instance, 1101000001U);
  EXPECT_EQ(alerts[0].chat, "79000000001@c.us");
  EXPECT_EQ(alerts[0].id_message, "BAE5");
  EXPECT_TRUE(alerts[0].body);
}

TEST_F(MessageStatusTest, TellsNobodyOfTheRest) {
  for (const char* status : {"sent", "delivered", "read", "notInGroup", "pondered"}) record(status);
  EXPECT_TRUE(told_.alerts().empty());
}

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
  EXPECT_EQ(handlers::MessageStatusHandler(told_).handle(make(TypeWebhook::kOutgoingMessageStatus, "{}"), {}).effects.size(), 1U);
}

TEST(InstanceStates, CountAllByStateAndNameOnlyThoseOfTheSettings) {
  metrics::Registry registry(worker::kTable, "test");
  const std::vector<std::string> named{"1101000001", "7"};
  const worker::Metrics metrics(registry, 2, named);
  worker::InstanceStates states(metrics.instances, 2);
  const auto observe = [&](unsigned partition, const std::vector<std::string>& words) {
    std::string wire = "*" + std::to_string(words.size()) + "\r\n";
    for (const auto& word : words) wire += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    const auto reply = redis::Reply::parse(wire);
    ASSERT_TRUE(reply);
    states.observe(partition, reply->view());
  };
  EXPECT_NE(registry.text().find(R"(hookfleet_instance_authorized{idInstance="1101000001"} Nan)"), std::string::npos);
  observe(0,
          {"1101000001 state", "1750000000 authorized", "1101000001 status", "1750000000 online", "5 state", "1 thinking", "odd", "odd"});
  observe(1, {"6 state", "1 authorized"});
  observe(1, {"6 state", "2 notAuthorized", "7 state", "2 blocked"});
  const std::string text = registry.text();
  for (const char* line :
       {R"(hookfleet_instances{state="authorized"} 1)", R"(hookfleet_instances{state="notAuthorized"} 1)",
        R"(hookfleet_instances{state="blocked"} 1)", R"(hookfleet_instances{state="other"} 1)",
        R"(hookfleet_instance_authorized{idInstance="1101000001"} 1)", R"(hookfleet_instance_authorized{idInstance="7"} 0)"}) {
    EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\n" << text;
  }
  EXPECT_EQ(text.find(R"(idInstance="6")"), std::string::npos);
  EXPECT_FALSE(worker::not_an_instance("1101000001"));
  for (const char* wrong : {"", "x", "-1", "0", "1 2"}) EXPECT_TRUE(worker::not_an_instance(wrong)) << wrong;
}

TEST(WorkerMetrics, ArePinnedByAGoldenFile) {
  EXPECT_TRUE(support::matches_golden("worker_metrics.txt", metrics::describe(worker::kTable)));
}

class JournalTest : public testing::Test {
 protected:
  std::vector<std::string> lines_of(const dispatch::Record& record, log::Options options = {}) {
    std::vector<std::string> lines;
    const log::Logger log(options, "test", [&](std::string_view line) { lines.emplace_back(line); });
    worker::Journal(log, options.identical_max, metrics, clock).attempt(record);
    return lines;
  }
  dispatch::Record record(std::shared_ptr<dispatch::Content> content, dispatch::Outcome outcome) {
    dispatch::Record made;
    made.content = std::move(content);
    made.first = true;
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
  double value(const std::string& series) const {
    const std::string text = registry.text();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
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
  ASSERT_EQ(lines.size(), 1U) << "one error, one record";
  for (const char* part : {R"("level":"ERROR","event":"notification.invalid")", R"("outcome":"dead")", R"("class":"malformed")",
                           R"("data":"{\"a\":")", R"("reason":"not JSON")"}) {
    EXPECT_NE(lines[0].find(part), std::string::npos) << lines[0];
  }
}

TEST_F(JournalTest, TellsTheTraceOrTheRequestIdWhereThereIsOne) {
  auto traced = content("{}");
  traced->notification.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_NE(lines_of(record(traced, dispatch::Outcome::kDone))[0].find(R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","partition")"),
            std::string::npos);
  traced->notification.trace = "req-1";
  EXPECT_NE(lines_of(record(traced, dispatch::Outcome::kDone))[0].find(R"("request_id":"req-1","partition")"), std::string::npos);
  traced->notification.trace = traced->notification.id;
  const auto line = lines_of(record(traced, dispatch::Outcome::kDone))[0];
  EXPECT_EQ(line.find("trace_id"), std::string::npos);
  EXPECT_EQ(line.find("request_id"), std::string::npos) << "it is our own id, told already";
}

TEST_F(JournalTest, CutsNamesThatAreNone) {
  auto odd = content("{}");
  odd->notification.type_message = std::string(5'000, 'x');
  odd->notification.id_message = std::string(1 << 20, 'y');
  for (const auto& line : lines_of(record(odd, dispatch::Outcome::kDone))) EXPECT_LT(line.size(), 1500U);
}

class JournalPayloadTest : public JournalTest {
 protected:
  /// All that the journal writes of a sample: as done, as a dead letter of a handler that quotes the chat, overdue.
  std::string all_lines(const support::Sample& sample, log::Payload payload) {
    stream::Entry entry;
    const auto envelope = notification::read_envelope(sample.body);
    entry.id = "01890000-0000-7000-8000-000000000001";
    entry.id_instance = envelope.id_instance.value_or(0);
    entry.chat = envelope.chat;
    entry.type_webhook = envelope.type_webhook;
    entry.received_ms = 1'750'000'000'123;
    entry.body = sample.body;
    const auto arrival = dispatch::prepare({1, 0}, std::move(entry));
    log::Options options;
    options.payload = payload;
    options.level = log::Level::kDebug;
    std::string text;
    const log::Logger log(options, "test", [&](std::string_view line) { text.append(line).append("\n"); });
    worker::Journal journal(log, options.identical_max, metrics, clock);
    journal.attempt(record(arrival.content, dispatch::Outcome::kDone));
    auto dead = record(arrival.content, dispatch::Outcome::kDead);
    dead.dead_class = arrival.content->unfit.value_or(stream::DeadClass::kFailed);
    dead.reason = arrival.content->unfit ? arrival.content->why : "no such account: " + arrival.content->notification.chat;
    journal.attempt(dead);
    dispatch::HandlerPool::Overdue overdue;
    overdue.job.content = arrival.content;
    journal.overdue(overdue);
    return text;
  }
};

TEST_F(JournalPayloadTest, RedactedTellsNothingPersonalAndFullTellsAll) {
  std::size_t full = 0;
  for (const auto& sample : support::samples()) {
    const auto personal = support::personal_values(sample.body);
    EXPECT_THAT(support::told(all_lines(sample, log::Payload::kRedacted), personal), testing::IsEmpty()) << sample.path;
    EXPECT_THAT(support::told(all_lines(sample, log::Payload::kOff), personal), testing::IsEmpty()) << sample.path;
    const std::string all = all_lines(sample, log::Payload::kFull);
    std::vector<std::string> written;  // as JSON writes them
    for (const auto& value : personal) {
      const std::string quoted = nlohmann::json(value).dump();
      written.push_back(quoted.substr(1, quoted.size() - 2));
    }
    EXPECT_EQ(support::told(all, written).size(), support::told(sample.body, written).size()) << sample.path;
    full += support::told(all, written).size();
  }
  EXPECT_GT(full, 400U);
}

TEST_F(JournalPayloadTest, RedactedKeepsWhatNamesTheNotification) {
  const std::string line = all_lines(support::sample("incomingMessageReceived/text.json"), log::Payload::kRedacted);
  for (const char* part : {R"("typeWebhook":"incomingMessageReceived","typeMessage":"textMessage")", R"("idMessage":")", R"("chatId":"…)",
                           R"("data":{"typeWebhook":"incomingMessageReceived")"}) {
    EXPECT_NE(line.find(part), std::string::npos) << line;
  }
}

TEST_F(JournalPayloadTest, BrokenBodiesTellSizeAndDigestOnly) {
  for (const auto& sample : support::broken_samples()) {
    const std::string lines = all_lines(sample, log::Payload::kRedacted);
    EXPECT_EQ(lines.find("79001234567"), std::string::npos) << lines;
    if (sample.body.size() > 20) {
      EXPECT_EQ(lines.find(nlohmann::json(sample.body).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)), std::string::npos);
    }
  }
  auto twice = content(R"({"John Smith":1,"John Smith":2})");
  twice->parsed = false;
  twice->unfit = stream::DeadClass::kMalformed;
  auto dead = record(twice, dispatch::Outcome::kDead);
  dead.reason = "duplicate_key: John Smith twice in the root";
  log::Options options;
  options.payload = log::Payload::kRedacted;
  const auto line = lines_of(dead, options).at(0);
  EXPECT_EQ(line.find("John"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("reason":"duplicate_key")"), std::string::npos) << line;
}

TEST_F(JournalTest, AFloodOfDeadLettersIsAFewRecordsAndANumber) {
  constexpr std::size_t kFlood = 10'000;
  auto broken = content("{");
  broken->parsed = false;
  broken->unfit = stream::DeadClass::kMalformed;
  auto dead = record(broken, dispatch::Outcome::kDead);
  dead.dead_class = stream::DeadClass::kMalformed;
  std::vector<std::string> lines;
  {
    const log::Logger log({}, "test", [&](std::string_view line) { lines.emplace_back(line); });
    worker::Journal journal(log, 10, metrics, clock);
    for (std::size_t i = 0; i < kFlood; ++i) {
      dead.reason = "syntax: byte " + std::to_string(i);
      journal.attempt(dead);
    }
  }
  std::size_t written = 0, suppressed = 0;
  for (const auto& line : lines) {
    const auto parsed = nlohmann::json::parse(line);
    if (parsed["event"] == "log.suppressed") {
      EXPECT_EQ(parsed["of"], "notification.invalid");
      suppressed += parsed["suppressed"].get<std::size_t>();
    } else {
      ++written;
    }
  }
  EXPECT_LE(written, 30U);
  EXPECT_EQ(written + suppressed, kFlood);
  EXPECT_NE(registry.text().find("hookfleet_worker_dead_letters_total{class=\"malformed\"} 10000"), std::string::npos);
}

TEST_F(JournalTest, ToldOnceThatANotificationBreaksItsSchema) {
  auto invalid = content("{}");
  invalid->notification.invalid_at = "/timestamp";
  invalid->why = "/timestamp: expected integer, found nothing";
  auto delivered = record(invalid, dispatch::Outcome::kRetry);
  auto lines = lines_of(delivered);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(R"("level":"ERROR","event":"notification.invalid","message":"a notification breaks its schema: it is handled)"),
            std::string::npos)
      << lines[0];
  EXPECT_NE(lines[0].find(R"("invalidAt":"/timestamp","reason":"/timestamp: expected integer, found nothing","data":{})"),
            std::string::npos)
      << lines[0];
  delivered.first = false;
  EXPECT_EQ(lines_of(delivered).size(), 1U);

  invalid->unfit = stream::DeadClass::kInvalid;
  auto dead = record(invalid, dispatch::Outcome::kDead);
  dead.dead_class = stream::DeadClass::kInvalid;
  lines = lines_of(dead);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find(R"("event":"notification.invalid","message":"a notification breaks its schema: kept)"), std::string::npos)
      << lines[0];
  EXPECT_NE(lines[0].find(R"("class":"invalid","invalidAt":"/timestamp")"), std::string::npos) << lines[0];
  EXPECT_EQ(value(R"(hookfleet_worker_invalid_total{typeWebhook="incomingMessageReceived"})"), 2);
}

TEST_F(JournalTest, CountsWhatIsNotDocumentedOnceAndWarnsWhenTold) {
  auto unknown = content("{}");
  unknown->notification.type_message = "new\n\"Message";
  unknown->unknown = {stream::Kind::of(stream::Kind::What::kTypeMessage, unknown->notification.type_message)};
  auto seen = record(unknown, dispatch::Outcome::kDone);
  EXPECT_EQ(lines_of(seen).size(), 1U);
  seen.first = false;
  lines_of(seen);
  lines_of(record(unknown, dispatch::Outcome::kRepeat));
  EXPECT_EQ(value("hookfleet_worker_unknown_total"), 1);

  std::vector<std::string> lines;
  const log::Logger log({}, "test", [&](std::string_view line) { lines.emplace_back(line); });
  worker::Journal(log, 10, metrics, clock).unknown({1, unknown->unknown[0], "", unknown});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find(R"("level":"WARN","event":"notification.unknown")"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(R"("what":"typeMessage","name":"new\n\"Message","data":{})"), std::string::npos) << lines[0];
}

TEST_F(JournalTest, NamesWhatIsNotDocumentedByItsNameAloneWhenRedacted) {
  auto unknown = content("{}");
  std::vector<std::string> lines;
  log::Options options;
  options.payload = log::Payload::kRedacted;
  const log::Logger log(options, "test", [&](std::string_view line) { lines.emplace_back(line); });
  const auto kind = stream::Kind::of(stream::Kind::What::kField, "incomingMessageReceived:/messageData/John Smith/isNew");
  worker::Journal(log, 10, metrics, clock).unknown({1, kind, "", unknown});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], testing::HasSubstr(R"("name":"incomingMessageReceived:/messageData/[10 #)"));
  EXPECT_THAT(lines[0], testing::HasSubstr("]/isNew\""));
  EXPECT_THAT(lines[0], testing::Not(testing::HasSubstr("John")));
}

TEST_F(JournalTest, LeavesThePayloadOutWhenTold) {
  log::Options options;
  options.payload = log::Payload::kOff;
  const auto line = lines_of(record(content("{}"), dispatch::Outcome::kDone), options).at(0);
  EXPECT_EQ(line.find("\"data\""), std::string::npos);
  EXPECT_EQ(line.find("chatId"), std::string::npos);
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
