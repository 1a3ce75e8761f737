#include "worker/dispatch/arrival.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/samples.hpp"
#include "tests/support/temp_dir.hpp"
#include "worker/handlers/shipped.hpp"
#include "worker/routes/routes.hpp"

namespace hookfleet::dispatch {
namespace {

stream::Entry entry(const support::Sample& sample) {
  stream::Entry made;
  made.id = "01890000-0000-7000-8000-000000000001";
  made.id_instance = 1101000001;
  made.chat = "79@c.us";
  made.type_webhook = sample.type_webhook;
  made.received_ms = 1'750'000'000'123;
  made.source = stream::Source::kPoll;
  made.trace = "00-trace";
  made.body = sample.body;
  return made;
}

TEST(Prepare, TakesInstanceChatAndTypeFromTheEntry) {
  const Arrival arrival =
      prepare({5, 6}, entry({"", "incomingCall", R"({"typeWebhook":"other","senderData":{"chatId":"else"},"idMessage":"M"})"}));
  const auto& notification = arrival.content->notification;
  EXPECT_EQ(arrival.stream_id, (stream::StreamId{5, 6}));
  EXPECT_EQ(arrival.source, stream::Source::kPoll);
  EXPECT_EQ(notification.type, notification::TypeWebhook::kIncomingCall);
  EXPECT_EQ(notification.chat, "79@c.us");
  EXPECT_EQ(notification.id_instance, 1101000001U);
  EXPECT_EQ(notification.id_message, "M");
  EXPECT_EQ(notification.trace, "00-trace");
  EXPECT_EQ(base::unix_ms(notification.received), 1'750'000'000'123);
  EXPECT_FALSE(arrival.content->unfit);
}

const Checks& checks() {
  static const Checks kChecks = *make_checks({});
  return kChecks;
}

const char* const kWithoutTimestamp = R"({"typeWebhook":"stateInstanceChanged","instanceData":{"idInstance":1,"typeInstance":"whatsapp"},
                                          "stateInstance":"authorized"})";

TEST(Prepare, WhatBreaksItsSchemaIsUnfit) {
  const auto content = prepare({1, 0}, entry({"", "stateInstanceChanged", kWithoutTimestamp}), checks()).content;
  EXPECT_EQ(content->unfit, stream::DeadClass::kInvalid);
  EXPECT_TRUE(content->parsed);
  EXPECT_EQ(content->why, "/timestamp: expected integer, found nothing");
  EXPECT_EQ(content->notification.invalid_at, "/timestamp");
}

TEST(Prepare, WhatBreaksItsSchemaIsHandledAllTheSameWhenToldSo) {
  Checks deliver = checks();
  deliver.invalid = Invalid::kDeliver;
  const auto content = prepare({1, 0}, entry({"", "stateInstanceChanged", kWithoutTimestamp}), deliver).content;
  EXPECT_FALSE(content->unfit);
  EXPECT_EQ(content->why, "/timestamp: expected integer, found nothing");
  EXPECT_EQ(content->notification.invalid_at, "/timestamp");
}

TEST(Prepare, ChecksNothingButTheTypeWhenSwitchedOff) {
  const Checks off = *make_checks({.on = false});
  EXPECT_FALSE(prepare({1, 0}, entry({"", "stateInstanceChanged", kWithoutTimestamp}), off).content->unfit);
  for (const char* body : {"{}", R"({"typeWebhook":3})"}) {
    const auto content = prepare({1, 0}, entry({"", "", body}), off).content;
    EXPECT_EQ(content->unfit, stream::DeadClass::kInvalid);
    EXPECT_TRUE(content->why.starts_with("/typeWebhook: expected string, found ")) << content->why;
  }
}

TEST(Prepare, NamesWhatIsNotDescribedAnywhere) {
  using What = stream::Kind::What;
  const auto unknown = [](const char* type, const char* body, const Checks& with) {
    return prepare({1, 0}, entry({"", type, body}), with).content->unknown;
  };
  EXPECT_TRUE(unknown("stateInstanceChanged", kWithoutTimestamp, checks()).empty());
  const char* const message = R"({"typeWebhook":"new","messageData":{"typeMessage":"newer"}})";
  const std::vector<stream::Kind> both{{What::kTypeWebhook, "new"}, {What::kTypeMessage, "newer"}};
  EXPECT_EQ(unknown("new", message, checks()), both);
  EXPECT_EQ(unknown("new", message, {}), both) << "without schemas, too";

  const support::TempDir directory;
  std::ofstream(directory / "new.json") << "{}";
  EXPECT_EQ(unknown("new", message, *make_checks({.schemas_dir = directory.path()})), (std::vector{both[1]})) << "a schema describes it";

  auto body = nlohmann::json::parse(kWithoutTimestamp);
  body["timestamp"] = 1;
  body["instanceData"]["colour"] = "red";
  EXPECT_TRUE(unknown("stateInstanceChanged", body.dump().c_str(), checks()).empty()) << "fields only when wanted";
  Checks fields = checks();
  fields.fields = true;
  EXPECT_EQ(unknown("stateInstanceChanged", body.dump().c_str(), fields),
            (std::vector<stream::Kind>{{What::kField, "stateInstanceChanged:/instanceData/colour"}}));
}

TEST(Prepare, EveryDocumentedBodyIsFitAndItsHandlerIsDoneWithIt) {
  handlers::Handlers handlers;
  handlers::add_shipped(handlers);
  const routes::Routes routes(routes::Options{}, handlers);
  const auto samples = support::samples();
  EXPECT_GE(samples.size(), 100U);
  for (const auto& sample : samples) {
    const Arrival arrival = prepare({1, 0}, entry(sample), checks());
    EXPECT_FALSE(arrival.content->unfit) << sample.path << ": " << arrival.content->why;
    const auto actions = routes.find(arrival.content->notification);
    ASSERT_EQ(actions.size(), 1U) << sample.path;
    EXPECT_EQ(actions[0].handler->handle(arrival.content->notification, {}).kind, handlers::Handled::Kind::kDone) << sample.path;
  }
}

TEST(Prepare, EveryBrokenBodyIsMalformedWithAReason) {
  for (const auto& sample : support::broken_samples()) {
    const Arrival arrival = prepare({1, 0}, entry(sample));
    EXPECT_EQ(arrival.content->unfit, stream::DeadClass::kMalformed) << sample.path;
    EXPECT_FALSE(arrival.content->why.empty()) << sample.path;
    EXPECT_EQ(*arrival.content->notification.body, sample.body) << sample.path;
  }
}

}  // namespace
}  // namespace hookfleet::dispatch
