#include "worker/dispatch/arrival.hpp"

#include <gtest/gtest.h>

#include "tests/support/samples.hpp"
#include "worker/handlers/call.hpp"
#include "worker/handlers/device.hpp"
#include "worker/handlers/instance_state.hpp"
#include "worker/handlers/message.hpp"
#include "worker/handlers/message_status.hpp"
#include "worker/handlers/quota.hpp"
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

TEST(Prepare, EveryDocumentedBodyIsFitAndItsHandlerIsDoneWithIt) {
  handlers::Handlers handlers;
  handlers.add("message", std::make_unique<handlers::MessageHandler>());
  handlers.add("message_status", std::make_unique<handlers::MessageStatusHandler>());
  handlers.add("instance_state", std::make_unique<handlers::InstanceStateHandler>());
  handlers.add("call", std::make_unique<handlers::CallHandler>());
  handlers.add("quota", std::make_unique<handlers::QuotaHandler>());
  handlers.add("device", std::make_unique<handlers::DeviceHandler>());
  const routes::Routes routes(handlers);
  const auto samples = support::samples();
  EXPECT_GE(samples.size(), 100U);
  for (const auto& sample : samples) {
    const Arrival arrival = prepare({1, 0}, entry(sample));
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
