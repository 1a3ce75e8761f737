// The worker of examples/custom_handler, built from outside the tree.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>

#include "common/base/uuid.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;

TEST(CustomHandler, HandlesWhatComesBesideTheShippedOnes) {
  support::RedisServer server;
  const stream::Keys keys{stream::Layout{}};
  const auto send = [&](const std::string& type, const std::string& chat, const std::string& rest) {
    const auto now = std::chrono::system_clock::now();
    const stream::Entry entry{base::make_uuid_v7(now),
                              1101000001,
                              chat,
                              type,
                              base::unix_ms(now),
                              stream::Source::kWebhook,
                              "",
                              R"({"typeWebhook":")" + type +
                                  R"(","instanceData":{"idInstance":1101000001,"typeInstance":"whatsapp"},"timestamp":1750000000,)"
                                  R"("senderData":{"chatId":")" +
                                  chat + "\"}," + rest + "}"};
    server.call(stream::XaddCommand(keys.stream(stream::partition_of(1101000001, chat, keys.partitions())), entry).argv());
  };
  const auto counted = [&](const std::string& field) {
    long long sum = 0;
    for (unsigned partition = 0; partition < keys.partitions(); ++partition) {
      const std::string count = server.text({"HGET", keys.cnt(partition), field});
      sum += count.empty() ? 0 : std::stoll(count);
    }
    return sum;
  };
  support::Process worker(
      {.argv = {CUSTOM_WORKER, "--redis.url", server.url(), "--server.metrics_listen", "127.0.0.1:" + std::to_string(support::free_port())},
       .environment = {},
       .output = server.directory() + "/custom-worker.log"});
  const auto text = [](const std::string& id, const std::string& words) {
    return R"("idMessage":")" + id + R"(","messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":")" + words +
           R"("}})";
  };
  send("incomingMessageReceived", "79000000001@c.us", text("A1", "What is the PRICE?"));
  send("incomingMessageReceived", "79000000002@c.us", text("A2", "Good evening"));
  send("incomingCall", "79000000003@c.us", R"("from":"79000000003@c.us","idMessage":"C1","status":"missed")");
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] {
    return counted("incomingMessageReceived") == 2 && counted("incomingCall missed") == 1;
  })) << support::read_file(server.directory() + "/custom-worker.log");
  EXPECT_EQ(counted("keyword price"), 1);
  EXPECT_EQ(counted("keyword order"), 0);
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(support::kSoon), 0);
}

}  // namespace
}  // namespace hookfleet
