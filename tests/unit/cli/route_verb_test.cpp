#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/support/called.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kSamples[] = HOOKFLEET_SOURCE_DIR "/cli/simulate/samples/";

class RouteVerb : public testing::Test {
 protected:
  RouteVerb() {
    std::ofstream(config_) << "auth: {tokens: [t]}\n"
                              "routes:\n"
                              "  - {match: {typeWebhook: [incomingMessageReceived], chat: [group]}, actions: [ignore]}\n"
                              "  - match: {typeWebhook: [outgoingMessageStatus], status: [read]}\n"
                              "    actions: [log, {stream: {key: orders, maxlen: 100}}, log]\n"
                              "  - shipped\n";
  }
  std::string write(const std::string& content) {
    std::ofstream(body_, std::ios::trunc) << content;
    return body_;
  }
  Called route(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"route", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return called(arguments);
  }
  nlohmann::json json(const std::string& file) {
    const auto said = route(file, {"--config", config_, "-o", "json"});
    EXPECT_EQ(said.code, 0) << said.output;
    return nlohmann::json::parse(said.output);
  }

  support::TempDir directory_;
  const std::string config_ = directory_ / "hookfleet.yaml", body_ = directory_ / "body.json";
};

TEST_F(RouteVerb, TellsWhichRouteTakesItAndWhyOthersDoNot) {
  const auto said = route(kSamples + std::string("incomingMessageReceived/text.json"), {"--config", config_});
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.output, AllOf(HasSubstr("(private)"), HasSubstr("chat is private, not group"),
                                 HasSubstr("typeWebhook is incomingMessageReceived, not outgoingMessageStatus"),
                                 HasSubstr("shipped:message takes it: handler:message\n")));
  const auto group = route(kSamples + std::string("incomingMessageReceived/text-group.json"), {"--config", config_});
  EXPECT_THAT(group.output,
              AllOf(HasSubstr("it fits, but an earlier one takes it"), HasSubstr("routes[0] takes it: it is acknowledged as ignored")));
}

TEST_F(RouteVerb, SaysTheSameAsJson) {
  const nlohmann::json said = json(kSamples + std::string("outgoingMessageStatus/read-from-phone.json"));
  EXPECT_EQ(said["route"], "routes[1]");
  EXPECT_EQ(said["actions"], (nlohmann::json{"log", "stream:orders", "log#2"}));
  EXPECT_EQ(said["chat"], "private");
  EXPECT_EQ(said["dead"], nullptr);
  EXPECT_EQ(said["routes"][0], (nlohmann::json{{"route", "routes[0]"},
                                               {"fits", false},
                                               {"criterion", "typeWebhook"},
                                               {"found", "outgoingMessageStatus"},
                                               {"wanted", {"incomingMessageReceived"}},
                                               {"actions", nlohmann::json::array()}}));
  EXPECT_EQ(said["routes"][1]["fits"], true);
}

TEST_F(RouteVerb, WhatNobodyTakesIsIgnored) {
  EXPECT_THAT(route(write(R"({"typeWebhook":"surprise"})")).output, HasSubstr("No route takes it: it is acknowledged as ignored.\n"));
  EXPECT_EQ(json(write(R"({"typeWebhook":"surprise"})"))["route"], nullptr);
}

TEST_F(RouteVerb, WhatIsNoNotificationBecomesADeadLetter) {
  const auto broken = route(write("{\"typeWebhook\":\"deviceInfo\""));
  EXPECT_EQ(broken.code, 0);
  EXPECT_THAT(broken.output, AllOf(HasSubstr("syntax: byte"), HasSubstr("dead letter of class malformed"), Not(HasSubstr("ROUTE"))));
  EXPECT_THAT(route(write("{}")).output, AllOf(HasSubstr("/typeWebhook"), HasSubstr("class invalid")));
  EXPECT_EQ(json(write("[1]"))["dead"]["class"], "malformed");
}

TEST_F(RouteVerb, WhatBreaksItsSchemaIsNotRoutedUnlessTheSettingsSaySo) {
  const std::string body = write(R"({"typeWebhook":"deviceInfo","timestamp":"now"})");
  EXPECT_THAT(route(body).output, AllOf(HasSubstr("It breaks its schema: "), HasSubstr("/timestamp"),
                                        HasSubstr("dead letter of class invalid"), Not(HasSubstr("ROUTE"))));
  const nlohmann::json dead = json(body);
  EXPECT_EQ(dead["dead"]["class"], "invalid");
  EXPECT_EQ(dead["invalid"], dead["dead"]["reason"]);
  EXPECT_EQ(dead["route"], nullptr);
  std::ofstream(config_, std::ios::app) << "worker: {invalid: deliver}\n";
  EXPECT_THAT(route(body, {"--config", config_}).output,
              AllOf(HasSubstr("handled all the same (worker.invalid: deliver): "), HasSubstr("shipped:device takes it")));
  const nlohmann::json delivered = json(body);
  EXPECT_EQ(delivered["dead"], nullptr);
  EXPECT_EQ(delivered["invalid"], dead["invalid"]);
  EXPECT_EQ(delivered["route"], "shipped:device");
}

TEST_F(RouteVerb, NothingInABodyActsOnTheTerminal) {
  const auto said = route(write("{\"typeWebhook\":\"a\\u001b[2Jb\\nc\",\"idMessage\":\"x\"}"));
  EXPECT_THAT(said.output, AllOf(Not(HasSubstr("\x1b")), HasSubstr("\\u001b[2Jb\\u000ac")));
}

TEST_F(RouteVerb, WrongSettingsAndFilesAreSaid) {
  std::ofstream(config_, std::ios::trunc) << "auth: {tokens: [t]}\nroutes:\n  - actions: [{handler: crm}]\n";
  const std::string body = kSamples + std::string("deviceInfo/avatar.json");
  const auto wrong = route(body, {"--config", config_});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.output, HasSubstr(config_ + ":3:25: routes[0].actions[0].handler: \"crm\" is not among the handlers"));
  const auto own = route(body, {"--config", config_, "--handlers", "orders,crm"});
  EXPECT_EQ(own.code, 0);
  EXPECT_THAT(own.output, HasSubstr("routes[0] takes it: handler:crm\n"));
  const auto missing = route(directory_ / "none.json");
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.output, HasSubstr("No such file"));
  EXPECT_EQ(route(body, {"--instance", "x"}).code, 2);
}

TEST_F(RouteVerb, ConfigCheckWarnsOfNearMisses) {
  std::ofstream(config_, std::ios::trunc) << "auth: {tokens: [t]}\nroutes:\n  - {match: {typeWebhook: [DeviceInfo]}, actions: [log]}\n";
  const auto checked = called({"config", "check", "--config", config_});
  EXPECT_EQ(checked.code, 0);
  EXPECT_EQ(checked.out, "ok\n");
  EXPECT_THAT(checked.err, HasSubstr("warning: " + config_ + ":3:28: routes[0].match.typeWebhook[0]: \"DeviceInfo\""));
}

}  // namespace
}  // namespace hookfleet::cli
