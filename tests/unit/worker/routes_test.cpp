#include "worker/routes/routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "common/notification/envelope.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/temp_dir.hpp"
#include "worker/handlers/message.hpp"

namespace hookfleet::routes {
namespace {

using notification::Notification;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Notification notification_of(const std::string& body) {
  const auto envelope = notification::read_envelope(body);
  notification::Accepted accepted;
  accepted.id_instance = envelope.id_instance.value_or(0);
  accepted.chat = envelope.chat;
  accepted.type_webhook = envelope.type_webhook;
  accepted.body = std::make_shared<const std::string>(body);
  return notification::make_notification(std::move(accepted), envelope);
}
Notification sample(const std::string& path) { return notification_of(support::sample(path).body); }

class RoutesTest : public testing::Test {
 protected:
  /// The problems of `yaml`, a line each, without the directory. What is right stands in `options`.
  std::string load(const std::string& yaml) {
    std::ofstream(directory_ / "f.yaml") << yaml;
    config::Settings settings;
    std::string prefix = "hf";
    settings.text("redis.prefix", prefix, "Prefix");
    options = {};
    declare(settings, options, {"message", "message_status", "call"}, prefix);
    std::string text;
    const auto say = [&](const config::Problem& problem) {
      text += problem.where.substr(problem.where.rfind('/') + 1) + ": " + problem.message + '\n';
    };
    for (const auto& problem : settings.load(directory_ / "f.yaml", {}, {})) say(problem);
    std::string found;
    found.swap(text);
    for (const auto& doubt : settings.warnings()) say(doubt);
    warnings = text;
    return found;
  }
  Table table(const std::string& yaml) {
    EXPECT_EQ(load(yaml), "");
    return Table(options, handlers);
  }
  static std::string taker(const Table& table, const Notification& notification) {
    const auto route = table.find(notification);
    return route ? table.routes()[*route].name : "none";
  }

  const std::vector<std::string> handlers{"call", "message", "message_status"};
  Options options;
  std::string warnings;
  support::TempDir directory_;
};

// --- Matching

TEST_F(RoutesTest, WithoutSettingsTheShippedRoutesHold) {
  const Table shipped = table("");
  EXPECT_EQ(taker(shipped, sample("incomingMessageReceived/text.json")), "shipped:message");
  EXPECT_EQ(taker(shipped, sample("outgoingAPIMessageReceived/poll.json")), "shipped:message");
  EXPECT_EQ(taker(shipped, sample("outgoingMessageStatus/sent.json")), "shipped:message_status");
  EXPECT_EQ(taker(shipped, sample("deviceInfo/device.json")), "none") << "there is no such handler";
  EXPECT_EQ(taker(shipped, notification_of(R"({"typeWebhook":"surprise"})")), "none");
  const Table all(Options{}, shipped_handlers());
  for (const auto& each : support::samples()) EXPECT_NE(taker(all, notification_of(each.body)), "none") << each.path;
}

struct Row {
  const char* criterion;
  const char* fits;
  const char* fits_not;
};

TEST_F(RoutesTest, EveryCriterionDecides) {
  const Row rows[] = {
      {"typeWebhook: [incomingCall, outgoingCall]", "outgoingCall/pick-up.json", "incomingBlock/blocked.json"},
      {"typeMessage: [imageMessage, pollMessage]", "outgoingMessageReceived/image.json", "outgoingMessageReceived/text.json"},
      {"typeMessage: [textMessage]", "incomingMessageReceived/text.json", "incomingCall/offer.json"},
      {"idInstance: [4100000000]", "incomingMessageReceived/text-telegram.json", "incomingMessageReceived/image-max.json"},
      {"chat: [private]", "incomingMessageReceived/text.json", "incomingMessageReceived/text-group.json"},
      {"chat: [private]", "incomingMessageReceived/text-telegram.json", "stateInstanceChanged/authorized.json"},
      {"chat: [private]", "incomingCall/offer.json", "deviceInfo/device.json"},
      {"chat: [group]", "incomingMessageReceived/text-group.json", "incomingMessageReceived/text-telegram.json"},
      {"chat: [other, group]", "incomingMessageReceived/poll-update-group.json", "incomingMessageReceived/text.json"},
      {"status: [read]", "outgoingMessageStatus/read-from-phone.json", "outgoingMessageStatus/sent.json"},
      {"status: [missed]", "incomingCall/missed.json", "incomingCall/legacy-without-status.json"},
      {"typeWebhook: [incomingMessageReceived], chat: [group], typeMessage: [textMessage]", "incomingMessageReceived/text-group.json",
       "incomingMessageReceived/poll-update-group.json"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.criterion);
    const Table one = table("routes: [{match: {" + std::string(row.criterion) + "}, actions: [log]}]");
    EXPECT_EQ(taker(one, sample(row.fits)), "routes[0]") << row.fits;
    EXPECT_EQ(taker(one, sample(row.fits_not)), "none") << row.fits_not;
    EXPECT_FALSE(one.mismatch(0, sample(row.fits)).has_value());
    EXPECT_TRUE(one.mismatch(0, sample(row.fits_not)).has_value());
  }
}

TEST_F(RoutesTest, TheFirstThatFitsDecides) {
  const Table several = table(R"(
routes:
  - {match: {typeWebhook: [incomingMessageReceived], chat: [group]}, actions: [ignore]}
  - {match: {typeWebhook: [incomingMessageReceived, surprise]}, actions: [{handler: message}, log]}
  - shipped
  - {actions: [log]}
)");
  EXPECT_EQ(taker(several, sample("incomingMessageReceived/text-group.json")), "routes[0]");
  EXPECT_EQ(taker(several, sample("incomingMessageReceived/text.json")), "routes[1]");
  EXPECT_EQ(taker(several, notification_of(R"({"typeWebhook":"surprise"})")), "routes[1]");
  EXPECT_EQ(taker(several, sample("outgoingMessageReceived/text.json")), "shipped:message");
  EXPECT_EQ(taker(several, sample("quotaExceeded/correspondents.json")), "routes[3]");
  EXPECT_EQ(taker(several, notification_of(R"({"typeWebhook":"another"})")), "routes[3]");
  EXPECT_EQ(taker(table("routes: []"), sample("incomingMessageReceived/text.json")), "none");
}

// find() looks at some routes only and compares numbers; mismatch() looks at all and at texts.
TEST_F(RoutesTest, WhatIsExplainedIsWhatHappens) {
  const Table several = table(R"(
routes:
  - {match: {typeWebhook: [incomingMessageReceived, surprise], typeMessage: [textMessage, pollMessage], chat: [private]}, actions: [log]}
  - {match: {idInstance: [1101000001, 4100000000], status: [sent, offer, read]}, actions: [log]}
  - {match: {chat: [group, other]}, actions: [log]}
  - {match: {typeWebhook: [surprise]}, actions: [log]}
  - shipped
  - {match: {typeMessage: [newMessage]}, actions: [log]}
)");
  std::vector<Notification> all;
  for (const auto& each : support::samples()) all.push_back(notification_of(each.body));
  all.push_back(notification_of(R"({"typeWebhook":"surprise","messageData":{"typeMessage":"newMessage"}})"));
  all.push_back(notification_of(R"({"typeWebhook":"other","messageData":{"typeMessage":"newMessage"}})"));
  std::set<std::size_t> taken;
  for (const Notification& notification : all) {
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < several.routes().size() && !first; ++i) {
      if (!several.mismatch(i, notification)) first = i;
    }
    EXPECT_EQ(several.find(notification), first) << notification.type_webhook;
    if (first) taken.insert(*first);
  }
  EXPECT_EQ(taken.size(), several.routes().size()) << "a route of this test takes nothing, so it tests nothing";
}

TEST_F(RoutesTest, TheFirstCriterionThatDoesNotFitIsNamed) {
  const Table one = table("routes: [{match: {chat: [group, other], typeMessage: [textMessage], status: [sent]}, actions: [log]}]");
  const auto text = one.mismatch(0, sample("incomingMessageReceived/text.json"));
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->criterion, "chat");
  EXPECT_EQ(text->found, "private");
  EXPECT_THAT(text->wanted, ElementsAre("group", "other"));
  const auto call = one.mismatch(0, sample("incomingCall/offer.json"));
  EXPECT_EQ(call->criterion, "typeMessage");
  EXPECT_EQ(call->found, "");
}

// --- Actions

TEST_F(RoutesTest, ActionsHaveNamesThatStay) {
  const Table one = table(R"(
routes:
  - actions:
      - {handler: message}
      - {stream: {key: orders, maxlen: 100}}
      - log
      - {handler: call}
      - {handler: message}
      - {stream: {key: orders, maxlen: 9}}
      - {handler: message}
  - actions: [ignore]
)");
  std::vector<std::string> names;
  for (const auto& action : one.routes()[0].actions) names.push_back(action.name);
  EXPECT_THAT(names, ElementsAre("handler:message", "stream:orders", "log", "handler:call", "handler:message#2", "stream:orders#2",
                                 "handler:message#3"));
  EXPECT_THAT(one.routes()[1].actions, IsEmpty());
}

TEST_F(RoutesTest, ANameThatLooksCountedIsNotGivenTwice) {
  const Table one =
      table("routes: [{actions: [{stream: {key: a, maxlen: 1}}, {stream: {key: 'a#2', maxlen: 1}}, {stream: {key: a, maxlen: 1}}]}]");
  std::set<std::string> names;
  for (const auto& action : one.routes()[0].actions) names.insert(action.name);
  EXPECT_EQ(names.size(), 3U);
}

TEST_F(RoutesTest, StreamAsksForACopyWithTheNotificationsKey) {
  ASSERT_EQ(load("routes: [{actions: [{stream: {key: orders, maxlen: 1000}}]}]"), "");
  const handlers::Handlers none;
  const Routes routes(options, none);
  const Notification notification = sample("incomingMessageReceived/text.json");
  const auto actions = routes.find(notification);
  ASSERT_EQ(actions.size(), 1U);
  const auto handled = actions[0].handler->handle(notification, {});
  EXPECT_EQ(handled.kind, handlers::Handled::Kind::kDone);
  const stream::Effect expected{
      stream::Effect::Op::kAppend, stream::Effect::On::kStream, "orders", notification.idempotency_key(), "1000", {}};
  EXPECT_THAT(handled.effects, ElementsAre(expected));
}

TEST_F(RoutesTest, LogIsDoneAndIgnoreIsNothingToDo) {
  ASSERT_EQ(load("routes: [{match: {typeWebhook: [incomingCall]}, actions: [log]}, {actions: [ignore]}]"), "");
  const handlers::Handlers none;
  const Routes routes(options, none);
  const Notification call = sample("incomingCall/offer.json");
  ASSERT_EQ(routes.find(call).size(), 1U);
  EXPECT_EQ(routes.find(call)[0].name, "log");
  const auto handled = routes.find(call)[0].handler->handle(call, {});
  EXPECT_EQ(handled.kind, handlers::Handled::Kind::kDone);
  EXPECT_THAT(handled.effects, IsEmpty());
  EXPECT_TRUE(routes.find(sample("incomingMessageReceived/text.json")).empty());
}

TEST_F(RoutesTest, HandlersAreThoseThatWereGiven) {
  ASSERT_EQ(load("routes: [{actions: [{handler: call}, {handler: message}]}]"), "");
  handlers::Handlers given;
  for (const char* name : {"call", "message"}) given.add(name, std::make_unique<handlers::MessageHandler>());
  const Routes routes(options, given);
  const auto actions = routes.find(sample("incomingMessageReceived/text.json"));
  ASSERT_EQ(actions.size(), 2U);
  EXPECT_EQ(actions[0].handler, given.find("call"));
  EXPECT_EQ(actions[1].handler, given.find("message"));
}

// --- Settings

TEST_F(RoutesTest, ProblemsAreAllSaidWithTheirPlaces) {
  EXPECT_EQ(
      load(R"(routes:
  - shiped
  - match: {typewebhook: [deviceInfo], chat: [grup], idInstance: [x, 0]}
    actions: [{handler: mesage}]
  - actions: []
  - actions: [log, ignore]
  - {match: {typeMessage: ['']}, actions: [{stream: {key: 'hf:mine', maxlen: 0}}]}
  - actions: [{stream: {key: orders}}, {strem: {}}]
)"),
      "f.yaml:2:5: routes[0]: \"shiped\" is not known; the nearest is shipped; write shipped or a map with match.typeWebhook, "
      "match.typeMessage, match.idInstance, match.chat, match.status, actions\n"
      "f.yaml:3:13: routes[1].match.typewebhook: is not a known setting; the nearest known one is routes[1].match.typeWebhook\n"
      "f.yaml:3:47: routes[1].match.chat[0]: \"grup\" is no kind of chat; the nearest is group; write some of private, group, other\n"
      "f.yaml:3:67: routes[1].match.idInstance[0]: \"x\" is not the number of an instance; write one such as 1101000001\n"
      "f.yaml:3:70: routes[1].match.idInstance[1]: \"0\" is not the number of an instance; write one such as 1101000001\n"
      "f.yaml:4:25: routes[1].actions[0].handler: \"mesage\" is not among the handlers of this program; the nearest is message; there "
      "are call, message, message_status\n"
      "f.yaml:5:14: routes[2]: actions: is empty; write what is to be done, or [ignore]\n"
      "f.yaml:6:14: routes[3]: actions: ignore stands alone; leave it out where something is done\n"
      "f.yaml:7:28: routes[4].match.typeMessage[0]: \"\" is empty\n"
      "f.yaml:7:59: routes[4].actions[0].stream.key: \"hf:mine\" begins as the fleet's own keys do (redis.prefix); write another key\n"
      "f.yaml:7:78: routes[4].actions[0].stream.maxlen: \"0\" is too small; write a whole number from 1 to 1000000000\n"
      "f.yaml:8:24: routes[5].actions[0].stream.maxlen: is missing; write a whole number from 1 to 1000000000\n"
      "f.yaml:8:41: routes[5].actions[1].strem: is not a known setting; the nearest known one is routes[5].actions[1].stream\n");
}

TEST_F(RoutesTest, TheFleetsPrefixIsTheOneThatCounts) {
  EXPECT_THAT(load("redis: {prefix: shop}\nroutes: [{actions: [{stream: {key: 'shop:x', maxlen: 1}}]}]"), HasSubstr("redis.prefix"));
  EXPECT_EQ(load("redis: {prefix: shop}\nroutes: [{actions: [{stream: {key: 'hf:x', maxlen: 1}}]}]"), "");
}

TEST_F(RoutesTest, TooManyActionsAreRefused) {
  std::string actions;
  for (std::size_t i = 0; i <= kActionsMax; ++i) actions += "{handler: message}, ";
  EXPECT_THAT(load("routes: [{actions: [" + actions + "]}]"), HasSubstr("has 33 items; write at most 32"));
}

TEST_F(RoutesTest, NewNamesAreWelcomeAndNearMissesAreWarnedOf) {
  EXPECT_EQ(load("routes:\n  - match: {typeWebhook: [incomingMesageReceived, newThing, DeviceInfo], typeMessage: [textMessage, "
                 "voteMessage, pollMesage]}\n"
                 "    actions: [log]\n  - {match: {status: [sent, offer, reed, new]}, actions: [log]}\n"),
            "");
  EXPECT_EQ(
      warnings,
      "f.yaml:2:27: routes[0].match.typeWebhook[0]: \"incomingMesageReceived\" is not documented, but nearly incomingMessageReceived; if "
      "that is meant, write it\n"
      "f.yaml:2:61: routes[0].match.typeWebhook[2]: \"DeviceInfo\" is not documented, but nearly deviceInfo; if that is meant, write it\n"
      "f.yaml:2:114: routes[0].match.typeMessage[2]: \"pollMesage\" is not documented, but nearly pollMessage; if that is meant, write it\n"
      "f.yaml:4:36: routes[1].match.status[2]: \"reed\" is not documented, but nearly read; if that is meant, write it\n");
}

}  // namespace
}  // namespace hookfleet::routes
