// Routes from settings with real workers: what each action does, reload, and copies that come once whatever dies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "common/base/uuid.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/effect.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;
using support::kSoon;
using support::wait_until;
using testing::HasSubstr;
using Json = nlohmann::json;

const stream::Keys kKeys{stream::Layout{}};

class RoutesProgram : public testing::Test {
 protected:
  void routes(const std::string& yaml) { support::replace_file(config_, yaml + "\n"); }

  /// A worker that notices within two seconds when another has died.
  support::Process start() {
    metrics_port_ = support::free_port();
    return support::Process({.argv = {HOOKFLEET_BIN_DIR "/hookfleet-worker", "--config", config_, "--redis.url", server.url(),
                                      "--server.metrics_listen", "127.0.0.1:" + std::to_string(metrics_port_), "--log.level", "debug",
                                      "--worker.heartbeat", "200ms", "--worker.member_ttl", "1500ms", "--worker.lease_ttl", "2s",
                                      "--worker.lease_renew", "300ms", "--worker.lease_validity", "1500ms"},
                             .environment = {},
                             .output = log_});
  }
  std::vector<Json> records(const std::string& event) const {
    std::vector<Json> found;
    std::istringstream lines(support::read_file(log_));
    for (std::string line; std::getline(lines, line);) {
      auto record = Json::parse(line, nullptr, false);
      if (record.is_object() && record.value("event", "") == event) found.push_back(std::move(record));
    }
    return found;
  }
  bool said(const std::string& event, std::size_t times = 1) {
    return wait_until(kSoon, [&] { return records(event).size() >= times; });
  }
  /// The record of an entry's only attempt.
  Json record_of(const stream::Entry& entry) {
    Json found;
    EXPECT_TRUE(wait_until(kSoon, [&] {
      for (auto& record : records("notification")) {
        if (record.value("id", "") == entry.id) found = std::move(record);
      }
      return !found.is_null();
    })) << entry.body;
    return found;
  }

  static stream::Entry entry(const std::string& body, const std::string& chat = "79001234567@c.us") {
    stream::Entry made;
    const auto now = std::chrono::system_clock::now();
    made.id = base::make_uuid_v7(now);
    made.id_instance = 1'101'000'001;
    made.chat = chat;
    made.type_webhook = Json::parse(body).value("typeWebhook", "");
    made.received_ms = base::unix_ms(now);
    made.trace = "00-trace";
    made.body = body;
    return made;
  }
  static stream::Entry message(const std::string& chat, const std::string& id) {
    return entry(R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"typeInstance":"whatsapp"},)"
                 R"("timestamp":1750000000,"idMessage":")" +
                     id + R"(","senderData":{"chatId":")" + chat +
                     R"("},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"\u0000 ü"}}})",
                 chat);
  }
  void add(const std::vector<stream::Entry>& entries) {
    redis::Pipeline pipeline(server.connect());
    for (const auto& one : entries) {
      const unsigned partition =
          stream::partition_of(one.id_instance, stream::order_key({}, one.id_instance, one.chat), kKeys.partitions());
      pipeline.append(stream::XaddCommand(kKeys.stream(partition), one).argv());
    }
    while (pipeline.unanswered() > 0) {
      ASSERT_TRUE(pipeline.io(1s, nullptr));
      for (auto reply = pipeline.next(); reply && *reply; reply = pipeline.next()) ASSERT_FALSE((*reply)->view().is_error());
    }
  }
  std::int64_t backlog() {
    std::int64_t total = 0;
    for (unsigned p = 0; p < kKeys.partitions(); ++p) total += server.call({"XLEN", kKeys.stream(p)}).view().integer();
    return total;
  }
  std::int64_t counted(const std::string& field) {
    std::int64_t total = 0;
    for (unsigned p = 0; p < kKeys.partitions(); ++p) total += std::atol(server.text({"HGET", kKeys.cnt(p), field}).c_str());
    return total;
  }
  bool drained(std::chrono::milliseconds deadline = kSoon) {
    return wait_until(deadline, [&] { return backlog() == 0; });
  }
  /// The entries of a user's stream, by field.
  std::vector<std::map<std::string, std::string>> copies(const std::string& key) {
    std::vector<std::map<std::string, std::string>> all;
    const redis::Reply reply = server.call({"XRANGE", key, "-", "+"});
    for (std::size_t i = 0; i < reply.view().size(); ++i) {
      const redis::ReplyView fields = reply.view()[i][1];
      auto& copy = all.emplace_back();
      for (std::size_t f = 0; f + 1 < fields.size(); f += 2) copy.emplace(fields[f].text(), fields[f + 1].text());
    }
    return all;
  }
  std::string metrics() const {
    const auto response = support::HttpClient(metrics_port_).get("/metrics");
    return response ? response->body : "";
  }

  support::RedisServer server;
  support::TempDir dir_;
  const std::string log_ = dir_ / "worker.log";
  const std::string config_ = dir_ / "hookfleet.yaml";
  int metrics_port_ = 0;
};

TEST_F(RoutesProgram, LogIsARecordAtInfoAndIgnoreOneAtDebug) {
  routes("routes: [{match: {typeWebhook: [incomingCall]}, actions: [log]}, {match: {typeWebhook: [deviceInfo]}, actions: [ignore]}]");
  const auto call = entry(support::sample("incomingCall/offer.json").body);
  const auto device = entry(support::sample("deviceInfo/device.json").body, "");
  const auto none = entry(support::sample("quotaExceeded/correspondents.json").body, "");
  add({call, device, none});
  const auto worker = start();
  const Json logged = record_of(call);
  EXPECT_EQ(logged.value("level", ""), "INFO");
  EXPECT_EQ(logged.value("outcome", ""), "done");
  EXPECT_EQ(logged["data"], Json::parse(call.body));
  for (const auto& ignored : {device, none}) {
    EXPECT_EQ(record_of(ignored).value("level", ""), "DEBUG");
    EXPECT_EQ(record_of(ignored).value("outcome", ""), "ignored");
  }
  EXPECT_TRUE(drained());
}

TEST_F(RoutesProgram, AReloadSwapsTheRoutesAndWrongOnesChangeNothing) {
  routes("routes: [{actions: [{stream: {key: first, maxlen: 100}}]}]");
  const auto worker = start();
  add({message("a@c.us", "1")});
  ASSERT_TRUE(drained());
  EXPECT_EQ(copies("first").size(), 1U);

  routes("routes: [{match: {chat: [group]}, actions: [ignore]}, {actions: [{stream: {key: second, maxlen: 100}}, {handler: message}]}]");
  ASSERT_TRUE(said("system.reloaded"));
  add({message("a@c.us", "2"), message("a@g.us", "3")});
  ASSERT_TRUE(drained());
  EXPECT_EQ(copies("first").size(), 1U);
  EXPECT_EQ(copies("second").size(), 1U);
  EXPECT_EQ(counted("incomingMessageReceived"), 1);

  routes("routes: [{actions: [{handler: mesage}]}]");
  ASSERT_TRUE(said("system.reload_failed"));
  const Json failed = records("system.reload_failed").at(0);
  EXPECT_EQ(failed.value("level", ""), "ERROR");
  EXPECT_THAT(failed.value("error", ""), testing::AllOf(HasSubstr(":1:31: routes[0].actions[0].handler"), HasSubstr("nearest is message")));
  add({message("a@c.us", "4")});
  ASSERT_TRUE(drained());
  EXPECT_EQ(copies("second").size(), 2U);
  EXPECT_THAT(metrics(), testing::AllOf(HasSubstr("hookfleet_settings_reloads_total{result=\"ok\"} 1\n"),
                                        HasSubstr("hookfleet_settings_reloads_total{result=\"failed\"} 1\n")));
}

TEST_F(RoutesProgram, ACopyHasTheNotificationsBytesAndItsKey) {
  routes("routes: [{actions: [{stream: {key: orders, maxlen: 100}}, {stream: {key: orders, maxlen: 100}}]}]");
  const auto one = message("a@c.us", "1");
  add({one});
  const auto worker = start();
  ASSERT_TRUE(drained());
  const auto all = copies("orders");
  ASSERT_EQ(all.size(), 2U) << "named twice, done twice";
  EXPECT_EQ(all[0], all[1]);
  EXPECT_EQ(all[0].size(), stream::kCopyFields.size());
  EXPECT_EQ(all[0].at("id"), one.id);
  EXPECT_EQ(all[0].at("idInstance"), "1101000001");
  EXPECT_EQ(all[0].at("chatId"), "a@c.us");
  EXPECT_EQ(all[0].at("typeWebhook"), "incomingMessageReceived");
  EXPECT_EQ(all[0].at("received"), std::to_string(one.received_ms));
  EXPECT_EQ(all[0].at("trace"), "00-trace");
  EXPECT_EQ(all[0].at("body"), one.body);
  EXPECT_EQ(all[0].at("idempotencyKey").size(), 49U);
}

TEST_F(RoutesProgram, CopiesComeOnceAndInOrderWhateverIsKilled) {
  routes("routes: [{actions: [{stream: {key: orders, maxlen: 1000000}}, {handler: message}]}]");
  constexpr std::size_t kChats = 40, kEach = 100;
  std::vector<support::Process> workers;
  workers.push_back(start());
  workers.push_back(start());
  std::mt19937 random(static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed()));
  std::size_t sent = 0;
  const auto send_some = [&] {
    std::vector<stream::Entry> some;
    for (; some.size() < kChats * kEach / 4; ++sent) {
      const std::string chat = std::to_string(sent % kChats) + "@c.us";
      some.push_back(message(chat, chat + "-" + std::to_string(sent / kChats)));
    }
    add(some);
  };
  for (int round = 0; round < 4; ++round) {
    send_some();
    const std::int64_t before = backlog();
    // In the midst of the work, wherever that is.
    const std::int64_t left = before > 10 ? static_cast<std::int64_t>(random() % static_cast<unsigned>(before)) : 0;
    ASSERT_TRUE(wait_until(kSoon, [&] { return backlog() <= left; }));
    if (round == 2) server.restart();
    support::Process& victim = workers[static_cast<std::size_t>(round) % 2];
    victim.kill();
    victim = start();
  }
  ASSERT_TRUE(drained(60s));
  std::set<std::string> seen;
  std::map<std::string, long> last;
  for (const auto& copy : copies("orders")) {
    const std::string id = Json::parse(copy.at("body")).at("idMessage");
    EXPECT_TRUE(seen.insert(id).second) << id << " came twice";
    const auto dash = id.rfind('-');
    const long sequence = std::stol(id.substr(dash + 1));
    long& before = last.try_emplace(copy.at("chatId"), -1).first->second;
    EXPECT_EQ(sequence, before + 1) << id;
    before = sequence;
  }
  EXPECT_EQ(seen.size(), sent);
  EXPECT_EQ(counted("incomingMessageReceived"), static_cast<std::int64_t>(sent));
}

TEST_F(RoutesProgram, AStreamIsCutToItsLength) {
  routes("routes: [{actions: [{stream: {key: orders, maxlen: 50}}]}]");
  std::vector<stream::Entry> many;
  for (int i = 0; i < 1000; ++i) many.push_back(message("a@c.us", std::to_string(i)));
  add(many);
  const auto worker = start();
  ASSERT_TRUE(drained());
  const auto all = copies("orders");
  EXPECT_GE(all.size(), 50U);
  EXPECT_LE(all.size(), 300U);
  EXPECT_EQ(all.back().at("id"), many.back().id);
}

struct Unfit {
  const char* name;
  std::vector<std::string_view> make;
};
void PrintTo(const Unfit& unfit, std::ostream* out) { *out << unfit.name; }

class UnfitStreamTest : public RoutesProgram, public testing::WithParamInterface<Unfit> {};

TEST_P(UnfitStreamTest, MakesADeadLetterAndRedrivenItIsCopied) {
  routes("routes: [{actions: [{stream: {key: orders, maxlen: 50}}]}]");
  server.call(redis::Argv(GetParam().make));
  const auto one = message("a@c.us", "1");
  add({one});
  const auto worker = start();
  ASSERT_TRUE(drained());
  const unsigned partition = stream::partition_of(one.id_instance, one.chat, kKeys.partitions());
  const auto letters = server.call({"XRANGE", kKeys.dlq(partition), "-", "+"});
  ASSERT_EQ(letters.view().size(), 1U);
  const auto letter = stream::decode_dead_letter(letters.view()[0][1]);
  ASSERT_TRUE(letter.has_value());
  EXPECT_EQ(letter->death.dead_class, stream::DeadClass::kFailed);
  EXPECT_THAT(letter->death.error, HasSubstr("orders"));

  server.call({"DEL", "orders"});
  support::Process redrive({.argv = {HOOKFLEET_BIN_DIR "/hookfleet", "dead-letters", "redrive", "--all", "--yes", "--redis", server.url()},
                            .environment = {},
                            .output = dir_ / "redrive.log"});
  EXPECT_EQ(redrive.wait(kSoon), 0) << support::read_file(dir_ / "redrive.log");
  EXPECT_TRUE(wait_until(kSoon, [&] { return copies("orders").size() == 1; }));
  EXPECT_TRUE(drained());
}

INSTANTIATE_TEST_SUITE_P(
    Keys, UnfitStreamTest,
    testing::Values(Unfit{"NoStream", {"SET", "orders", "not a stream"}},
                    Unfit{"OutOfIds", {"XADD", "orders", "18446744073709551615-18446744073709551615", "body", "the last there can be"}}),
    [](const auto& row) { return std::string(row.param.name); });

// --- examples/stream_consumers

bool is_there(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1 && " + program + " --version >/dev/null 2>&1").c_str()) == 0;
}

struct Consumer {
  const char* name;
  const char* interpreter;
  const char* file;
};
void PrintTo(const Consumer& consumer, std::ostream* out) { *out << consumer.name; }

class ConsumerExample : public RoutesProgram, public testing::WithParamInterface<Consumer> {};

TEST_P(ConsumerExample, ReadsEachOnceWithAGroupAndGoesOnWhereItEnded) {
  if (!is_there(GetParam().interpreter)) GTEST_SKIP() << GetParam().interpreter << " is not installed";
  routes("routes: [{actions: [{stream: {key: orders, maxlen: 1000}}]}]");
  const auto worker = start();
  const std::string output = dir_ / "consumer.out";
  const auto consume = [&](int count) {
    return support::Process(
        {.argv = {"/usr/bin/env", GetParam().interpreter, std::string(HOOKFLEET_SOURCE_DIR "/examples/stream_consumers/") + GetParam().file,
                  "--redis", server.url(), "--stream", "orders", "--group", "shop", "--consumer", "one", "--count", std::to_string(count)},
         .environment = {},
         .output = output});
  };
  const auto lines = [&] {
    std::vector<Json> all;
    std::istringstream text(support::read_file(output));
    for (std::string line; std::getline(text, line);) all.push_back(Json::parse(line, nullptr, false));
    return all;
  };
  std::vector<stream::Entry> sent;
  for (int i = 0; i < 25; ++i) sent.push_back(message("a@c.us", std::to_string(i)));
  auto first = consume(12);  // ends in the midst of what it has read
  add(sent);
  ASSERT_EQ(first.wait(kSoon), 0) << support::read_file(output);
  ASSERT_EQ(lines().size(), 12U);
  auto second = consume(13);
  ASSERT_EQ(second.wait(kSoon), 0) << support::read_file(output);

  const auto all = lines();
  ASSERT_EQ(all.size(), sent.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].value("id", ""), sent[i].id);
    EXPECT_EQ(all[i].value("chatId", ""), "a@c.us");
    EXPECT_EQ(all[i]["body"], Json::parse(sent[i].body));
  }
  const redis::Reply pending = server.call({"XPENDING", "orders", "shop"});
  EXPECT_EQ(pending.view()[0].integer(), 0) << "all are acknowledged";
}

INSTANTIATE_TEST_SUITE_P(Languages, ConsumerExample,
                         testing::Values(Consumer{"Python", "python3", "consumer.py"}, Consumer{"Node", "node", "consumer.mjs"}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace hookfleet::worker
