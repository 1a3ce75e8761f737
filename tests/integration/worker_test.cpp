#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <latch>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "common/base/uuid.hpp"
#include "common/notification/envelope.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/layout.hpp"
#include "common/stream/type_hold.hpp"
#include "tests/support/http.hpp"
#include "tests/support/personal.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/told.hpp"
#include "tests/support/wait_until.hpp"
#include "worker/engine.hpp"
#include "worker/handlers/message.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;
using handlers::Handled;
using notification::Notification;
using support::kSoon;
using support::wait_until;

const stream::Keys kKeys{stream::Layout{}};
constexpr std::uint64_t kInstance = 1'101'000'001;

/// What the test wants done with a notification; remembers what it was given.
class Script {
 public:
  using Function = std::function<Handled(const Notification&)>;
  explicit Script(Function function) : function_(std::move(function)) {}
  Handled run(const Notification& notification) {
    {
      const std::lock_guard lock(mutex_);
      by_chat_[notification.chat].push_back(notification.id_message);
      ++runs_[notification.id_message];
    }
    return function_(notification);
  }
  std::map<std::string, std::vector<std::string>> by_chat() const {
    const std::lock_guard lock(mutex_);
    return by_chat_;
  }
  unsigned runs(const std::string& message) const {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(message);
    return found == runs_.end() ? 0 : found->second;
  }
  std::size_t messages() const {
    const std::lock_guard lock(mutex_);
    return runs_.size();
  }
  unsigned most_runs() const {
    const std::lock_guard lock(mutex_);
    unsigned most = 0;
    for (const auto& [message, runs] : runs_) most = std::max(most, runs);
    return most;
  }

 private:
  const Function function_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> by_chat_;
  std::map<std::string, unsigned> runs_;
};

class ScriptedHandler final : public handlers::Handler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {}
  Handled handle(const Notification& notification, const std::stop_token&) override { return script_.run(notification); }

 private:
  Script& script_;
};

Handled counted(const Notification& notification) { return Handled::done({handlers::count(notification)}); }

/// A worker in this process, with timers short enough for a test.
class Worker {
 public:
  struct With {
    int port = 0;  ///< 0: the server's own
    std::string name = lifecycle::unique_name();
    Options options = quick();
    retry::Options retry = {.attempts = 3, .first = 20ms, .max = 100ms};
    dispatch::Checks checks = {};
  };
  static Options quick() {
    Options options;
    options.timers = {.heartbeat = 200ms, .member_ttl = 1500ms, .lease_ttl = 2000ms, .renew = 300ms, .validity = 1500ms, .drain = 10s};
    return options;
  }

  Worker(support::RedisServer& server, Script& script, With with)
      : log_(log::Options{}, "test",
             [this](std::string_view line) {
               const std::lock_guard lock(mutex_);
               lines_.emplace_back(line);
             }),
        registry_(kTable, "test"),
        metrics_(registry_, kKeys.partitions()) {
    handlers_.add("message", std::make_unique<ScriptedHandler>(script));
    routes_ = std::make_shared<const routes::Routes>(routes::Options{}, handlers_);
    Engine::Setup setup;
    setup.endpoint = server.endpoint();
    if (with.port != 0) setup.endpoint.port = static_cast<std::uint16_t>(with.port);
    setup.timeouts = {1s, 2s};
    setup.options = with.options;
    setup.retry = with.retry;
    setup.checks = with.checks;
    setup.name = with.name;
    name_ = with.name;
    Engine::Callbacks callbacks;
    callbacks.beat = [] {};
    callbacks.redis = [this](bool reachable, const std::string&) { reachable_ = reachable; };
    callbacks.other_fleet = [this](const std::string&) { other_fleet_ = true; };
    callbacks.hung = [this] { hung_ = true; };
    engine_.emplace(std::move(setup), routes_, metrics_, log_, clock_, told_, std::move(callbacks));
  }
  Worker(support::RedisServer& server, Script& script) : Worker(server, script, With()) {}

  bool stop() { return engine_->stop(); }
  void set_checks(dispatch::Checks checks) { engine_->set_checks(std::move(checks)); }
  const support::Told& told() const { return told_; }
  std::size_t series() const {
    const std::string text = registry_.text();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  const std::string& name() const { return name_; }
  bool reachable() const { return reachable_; }
  bool other_fleet() const { return other_fleet_; }
  bool hung() const { return hung_; }
  /// The value of a series in this worker's metrics.
  double metric(const std::string& series) const {
    const std::string text = registry_.text();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
  /// Lines that hold all the parts.
  template <class... Parts>
  std::size_t lines_with(const Parts&... parts) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(), [&](const std::string& line) { return ((line.find(parts) != std::string::npos) && ...); }));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::string name_;
  std::atomic<bool> reachable_{false}, other_fleet_{false}, hung_{false};
  base::SystemClock clock_;
  support::Told told_;
  log::Logger log_;
  metrics::Registry registry_;
  Metrics metrics_;
  handlers::Handlers handlers_;
  std::shared_ptr<const routes::Routes> routes_;
  std::optional<Engine> engine_;
};

class WorkerTest : public testing::Test {
 protected:
  static stream::Entry entry(const std::string& chat, const std::string& message, const std::string& more = "") {
    stream::Entry made;
    const auto now = std::chrono::system_clock::now();
    made.id = base::make_uuid_v7(now);
    made.id_instance = kInstance;
    made.chat = chat;
    made.type_webhook = "incomingMessageReceived";
    made.received_ms = base::unix_ms(now);
    made.body = R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"typeInstance":"whatsapp"},)"
                R"("timestamp":1750000000,"idMessage":")" +
                message + R"(","senderData":{"chatId":")" + chat +
                R"("},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":")" + more + R"("}}})";
    return made;
  }
  static unsigned partition_of(const stream::Entry& entry) {
    return stream::partition_of(entry.id_instance, stream::order_key({}, entry.id_instance, entry.chat), kKeys.partitions());
  }
  void add(const stream::Entry& entry) {
    const auto reply = server.call(stream::XaddCommand(kKeys.stream(partition_of(entry)), entry).argv());
    ASSERT_FALSE(reply.view().is_error()) << reply.view().text();
  }
  /// `count` notifications over `chats` chats: message "<chat>-<sequence>".
  void add_many(std::size_t count, std::size_t chats, std::size_t from = 0) {
    redis::Pipeline pipeline(server.connect());
    for (std::size_t i = from; i < from + count; ++i) {
      const std::string chat = std::to_string(i % chats);
      const auto made = entry(chat + "@c.us", chat + "-" + std::to_string(i / chats));
      pipeline.append(stream::XaddCommand(kKeys.stream(partition_of(made)), made).argv());
    }
    while (pipeline.unanswered() > 0) {
      ASSERT_TRUE(pipeline.io(1s, nullptr));
      for (auto reply = pipeline.next(); reply && *reply; reply = pipeline.next()) ASSERT_FALSE((*reply)->view().is_error());
    }
  }
  std::int64_t sum(const char* command, const std::string& (stream::Keys::*key)(unsigned) const, std::string_view field = {}) {
    std::int64_t total = 0;
    for (unsigned p = 0; p < kKeys.partitions(); ++p) {
      total += (field.empty() ? server.call({command, (kKeys.*key)(p)}) : server.call({command, (kKeys.*key)(p), field})).view().integer();
    }
    return total;
  }
  std::int64_t backlog() { return sum("XLEN", &stream::Keys::stream); }
  std::int64_t dead() { return sum("XLEN", &stream::Keys::dlq); }
  std::int64_t sum_counted() { return sum("HGET", &stream::Keys::cnt, "incomingMessageReceived"); }
  std::int64_t attempts() { return sum("HLEN", &stream::Keys::att); }
  std::map<std::string, unsigned> owners() {
    std::map<std::string, unsigned> owned;
    for (unsigned p = 0; p < kKeys.partitions(); ++p) ++owned[server.text({"HGET", kKeys.ctl(p), "owner"})];
    return owned;
  }
  bool drained(std::chrono::milliseconds deadline = kSoon) {
    return wait_until(deadline, [&] { return backlog() == 0; });
  }
  stream::DeadLetter dead_letter(unsigned partition) {
    const auto reply = server.call({"XRANGE", kKeys.dlq(partition), "-", "+"});
    const auto letter = stream::decode_dead_letter(reply.view()[0][1]);
    if (!letter) {
      ADD_FAILURE() << letter.error();
      return {};
    }
    return *letter;
  }
  static void expect_in_order(const Script& script) {
    for (const auto& [chat, messages] : script.by_chat()) {
      std::set<std::string> seen;
      long last = -1;
      for (const auto& message : messages) {
        if (!seen.insert(message).second) continue;
        const long sequence = std::stol(message.substr(message.find('-') + 1));
        EXPECT_GT(sequence, last) << chat;
        last = sequence;
      }
    }
  }

  support::RedisServer server;
};

TEST_F(WorkerTest, HandlesEachOnceInOrderPerChat) {
  Script script(counted);
  add_many(3000, 20);
  Worker worker(server, script);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.messages(), 3000U);
  EXPECT_EQ(script.most_runs(), 1U);
  EXPECT_EQ(sum_counted(), 3000);
  expect_in_order(script);
  EXPECT_EQ(worker.metric(R"(hookfleet_worker_notifications_total{outcome="done",typeWebhook="incomingMessageReceived"})"), 3000);
}

TEST_F(WorkerTest, TakesWhatComesLater) {
  Script script(counted);
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(kSoon, [&] { return owners()[worker.name()] == kKeys.partitions(); }));
  for (int i = 0; i < 20; ++i) {
    add(entry("a@c.us", "a-" + std::to_string(i)));
    ASSERT_TRUE(wait_until(kSoon, [&] { return script.runs("a-" + std::to_string(i)) == 1; })) << i;
  }
  EXPECT_TRUE(drained());
}

TEST_F(WorkerTest, DropsRepeatsAlsoAfterARestart) {
  Script script(counted);
  {
    Worker worker(server, script);
    add(entry("a@c.us", "a-1"));
    add(entry("a@c.us", "a-1"));
    ASSERT_TRUE(drained());
    EXPECT_TRUE(wait_until(kSoon, [&] { return worker.lines_with(R"("outcome":"repeat")") == 1; }));
  }
  Worker another(server, script);
  add(entry("a@c.us", "a-1"));
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.runs("a-1"), 1U);
  add(entry("a@c.us", "a-1", "changed"));
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.runs("a-1"), 2U);
  EXPECT_TRUE(wait_until(kSoon, [&] { return another.lines_with(R"("changed":true)") == 1; }));
}

TEST_F(WorkerTest, WhatIsNoJsonIsADeadLetterWithItsBytes) {
  Script script(counted);
  Worker worker(server, script);
  auto broken = entry("", "");
  broken.type_webhook.clear();
  broken.body = std::string("{\"a\":\0\xff\r\n}", 11);
  add(broken);
  ASSERT_TRUE(drained());
  const auto letter = dead_letter(partition_of(broken));
  EXPECT_EQ(letter.death.dead_class, stream::DeadClass::kMalformed);
  ASSERT_TRUE(letter.entry);
  EXPECT_EQ(letter.entry->body, broken.body);
  EXPECT_EQ(letter.entry->id, broken.id);
  EXPECT_TRUE(wait_until(kSoon, [&] { return worker.lines_with(R"("event":"notification.invalid")") == 1; }));
}

TEST_F(WorkerTest, AnUnknownTypeIsAcknowledgedWithAWarning) {
  Script script(counted);
  Worker worker(server, script);
  auto unknown = entry("a@c.us", "a-1");
  unknown.type_webhook = "somethingNew";
  add(unknown);
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), 0);
  EXPECT_TRUE(wait_until(kSoon, [&] { return worker.lines_with(R"("event":"notification.unknown")") == 1; }));
}

dispatch::Checks checks(dispatch::Invalid invalid = dispatch::Invalid::kDeadLetter) {
  dispatch::CheckOptions options;
  options.invalid = invalid;
  return *dispatch::make_checks(options);
}

/// A documented body without one of its mandatory fields, as the ingress would store it.
struct Broken {
  stream::Entry entry;
  std::string pointer;
};
std::vector<Broken> broken_bodies() {
  std::vector<Broken> out;
  const auto add = [&](const std::string& path, const std::string& pointer, bool retyped) {
    auto body = nlohmann::json::parse(support::fresh(support::sample(path)));
    const nlohmann::json::json_pointer at(pointer);
    if (retyped) {
      body[at] = nlohmann::json::array({1});
    } else {
      body[at.parent_pointer()].erase(at.back());
    }
    Broken broken;
    broken.pointer = pointer;
    broken.entry.body = body.dump(1);
    const auto envelope = notification::read_envelope(broken.entry.body);
    const auto now = std::chrono::system_clock::now();
    broken.entry.id = base::make_uuid_v7(now);
    broken.entry.id_instance = envelope.id_instance.value_or(0);
    broken.entry.chat = envelope.chat;
    broken.entry.type_webhook = envelope.type_webhook;
    broken.entry.received_ms = base::unix_ms(now);
    out.push_back(std::move(broken));
  };
  for (const bool retyped : {false, true}) {
    add("incomingMessageReceived/text.json", "/typeWebhook", retyped);
    add("incomingMessageReceived/text.json", "/instanceData/idInstance", retyped);
    add("incomingMessageReceived/text.json", "/senderData/chatId", retyped);
    add("incomingMessageReceived/text.json", "/messageData/typeMessage", retyped);
    add("incomingMessageReceived/text.json", "/messageData/textMessageData/textMessage", retyped);
    add("incomingMessageReceived/location.json", "/messageData/locationMessageData/latitude", retyped);
    add("incomingMessageReceived/poll.json", "/messageData/pollMessageData/options/0/optionName", retyped);
    add("outgoingMessageReceived/text.json", "/idMessage", retyped);
    add("outgoingAPIMessageReceived/document.json", "/messageData/fileMessageData/downloadUrl", retyped);
    add("outgoingMessageStatus/read-from-phone.json", "/status", retyped);
    add("stateInstanceChanged/authorized.json", "/stateInstance", retyped);
    add("statusInstanceChanged/online.json", "/statusInstance", retyped);
    add("deviceInfo/device.json", "/deviceData", retyped);
    add("incomingCall/offer.json", "/from", retyped);
    add("outgoingCall/pick-up.json", "/timestamp", retyped);
    add("incomingBlock/blocked.json", "/chatState", retyped);
    add("quotaExceeded/correspondents.json", "/quotaData/method", retyped);
  }
  return out;
}

TEST_F(WorkerTest, WhatBreaksItsSchemaIsADeadLetterThatNamesThePointer) {
  Script script(counted);
  Worker worker(server, script, {.checks = checks()});
  const auto all = broken_bodies();
  for (const auto& broken : all) add(broken.entry);
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), static_cast<std::int64_t>(all.size()));
  EXPECT_EQ(script.messages(), 0U);
  std::map<std::string, stream::DeadLetter> letters;
  for (unsigned p = 0; p < kKeys.partitions(); ++p) {
    const auto reply = server.call({"XRANGE", kKeys.dlq(p), "-", "+"});
    for (std::size_t i = 0; i < reply.view().size(); ++i) {
      auto letter = stream::decode_dead_letter(reply.view()[i][1]);
      ASSERT_TRUE(letter && letter->entry);
      letters.emplace(letter->entry->id, *letter);
    }
  }
  double counted_invalid = 0;
  for (const auto type : notification::type_webhook_names()) {
    counted_invalid += worker.metric("hookfleet_worker_invalid_total{typeWebhook=\"" + std::string(type) + "\"}");
  }
  EXPECT_EQ(counted_invalid, static_cast<double>(all.size() - 2)) << "two name no type";
  EXPECT_EQ(worker.metric(R"(hookfleet_worker_invalid_total{typeWebhook="other"})"), 2);
  const auto told = worker.told().of(alert::Kind::kInvalid);
  EXPECT_EQ(told.size(), all.size());
  for (const auto& [entry, pointer] : all) {
    ASSERT_TRUE(letters.contains(entry.id)) << pointer;
    const auto& letter = letters.at(entry.id);
    EXPECT_EQ(letter.death.dead_class, stream::DeadClass::kInvalid);
    EXPECT_TRUE(letter.death.error.starts_with(pointer + ": expected ")) << pointer << " in " << letter.death.error;
    EXPECT_EQ(letter.entry->body, entry.body) << "the exact bytes";
    EXPECT_EQ(worker.lines_with(R"("event":"notification.invalid")", "\"id\":\"" + entry.id, "\"invalidAt\":\"" + pointer + "\""), 1U)
        << pointer;
    const auto alert = std::find_if(told.begin(), told.end(), [&, &id = entry.id](const auto& one) { return one.id == id; });
    ASSERT_NE(alert, told.end()) << pointer;
    EXPECT_EQ(*alert->body, entry.body);
    EXPECT_NE(alert->text.find(pointer), std::string::npos) << alert->text;
  }
}

TEST_F(WorkerTest, WhatBreaksItsSchemaIsHandledWhenToldSo) {
  std::mutex mutex;
  std::set<std::string> pointers;
  Script script([&](const Notification& notification) {
    const std::lock_guard lock(mutex);
    pointers.insert(notification.invalid_at);
    return counted(notification);
  });
  Worker worker(server, script, {.checks = checks(dispatch::Invalid::kDeliver)});
  auto broken = entry("a@c.us", "a-0");
  broken.body.replace(broken.body.find("1750000000"), 10, "\"soon\"");
  add(broken);
  add(entry("a@c.us", "a-1"));
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), 0);
  EXPECT_EQ(sum_counted(), 2);
  EXPECT_EQ(pointers, (std::set<std::string>{"", "/timestamp"}));
  EXPECT_EQ(worker.lines_with("\"level\":\"ERROR\"", "notification.invalid", "/timestamp: expected integer, found string"), 1U);
  EXPECT_EQ(worker.told().of(alert::Kind::kInvalid).size(), 1U);
}

TEST_F(WorkerTest, OtherSchemasHoldForWhatComesAfterThem) {
  Script script(counted);
  Worker worker(server, script, {.checks = checks()});
  support::TempDir directory;
  std::ofstream(directory / "incomingMessageReceived.json") << R"({"required":["ours"]})";
  dispatch::CheckOptions options;
  options.schemas_dir = directory.path();
  add(entry("a@c.us", "a-0"));
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), 0);
  worker.set_checks(*dispatch::make_checks(options));
  const auto second = entry("a@c.us", "a-1");
  add(second);
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead_letter(partition_of(second)).death.error, "/ours: expected a value, found nothing");
}

TEST_F(WorkerTest, AnUnknownKindIsToldOnceByAllWorkers) {
  Script script(counted);
  Worker one(server, script, {.checks = checks()}), two(server, script, {.checks = checks()});
  ASSERT_TRUE(wait_until(kSoon, [&] { return owners()[one.name()] == 16 && owners()[two.name()] == 16; }));
  for (int i = 0; i < 200; ++i) {
    auto unknown = entry(std::to_string(i) + "@c.us", "m-" + std::to_string(i));
    if (i % 2 == 0) {
      unknown.type_webhook = "somethingNew";
    } else {
      unknown.body.replace(unknown.body.find("\"textMessage\""), 13, "\"newMessage\"");
    }
    add(unknown);
  }
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), 0);
  const auto sum = [&](const char* name) { return one.metric(name) + two.metric(name); };
  EXPECT_EQ(sum("hookfleet_worker_unknown_total"), 200);
  const auto lines = [&](const char* part) {
    return one.lines_with(R"("event":"notification.unknown")", part) + two.lines_with(R"("event":"notification.unknown")", part);
  };
  ASSERT_TRUE(wait_until(kSoon, [&] { return lines("") >= 2; }));
  ASSERT_TRUE(wait_until(kSoon, [&] {
    return one.metric("hookfleet_worker_news_kinds") == 2 && two.metric("hookfleet_worker_news_kinds") == 2;
  })) << "also of one that told of nothing";
  EXPECT_EQ(lines(R"("what":"typeWebhook","name":"somethingNew")"), 1U);
  EXPECT_EQ(lines(R"("what":"typeMessage","name":"newMessage")"), 1U);
  EXPECT_EQ(one.told().of(alert::Kind::kUnknownType).size() + two.told().of(alert::Kind::kUnknownType).size(), 2U);
  const auto news = stream::News::parse(server.text({"HGET", kKeys.news(), "typeWebhook:somethingNew"}));
  ASSERT_TRUE(news);
  EXPECT_EQ(news->type_webhook, "somethingNew");
  EXPECT_EQ(news->body_bytes, news->sample.size());
  EXPECT_NE(news->sample.find("incomingMessageReceived"), std::string::npos);
}

TEST_F(WorkerTest, WhateverTypesComeNothingGrowsWithoutBound) {
  Script script(counted);
  Worker worker(server, script, {.checks = checks()});
  const std::size_t series = worker.series();
  const std::string evil = std::string("\"\r\n\0\x1b[2J{typeWebhook=\"x\"}", 26);
  for (int i = 0; i < 600; ++i) {
    auto unknown = entry(std::to_string(i % 50) + "@c.us", "m-" + std::to_string(i));
    unknown.type_webhook = std::to_string(i) + evil;
    unknown.body = nlohmann::json{{"typeWebhook", unknown.type_webhook},
                                  {"messageData", {{"typeMessage", std::string(5000, 'x') + std::to_string(i)}}}}
                       .dump();
    add(unknown);
  }
  auto huge = entry("h@c.us", "h-0");
  huge.type_webhook = "";  // as the ingress stores it
  huge.body = nlohmann::json{{"typeWebhook", std::string(5000, 't')}}.dump();
  add(huge);
  auto torn = entry("h@c.us", "h-1");
  torn.type_webhook = "";
  torn.body = "{\"typeWebhook\":\"\xc3\x28\"}";
  add(torn);
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), 2);
  EXPECT_EQ(dead_letter(partition_of(huge)).death.dead_class, stream::DeadClass::kMalformed);
  const auto kept = [&] { return server.call({"HLEN", kKeys.news()}).view().integer(); };
  ASSERT_TRUE(wait_until(kSoon, [&] { return worker.lines_with("system.news_full") == 1 || kept() > 0; }));
  // Claims beyond those that wait are left out; more of the same types bring the rest.
  for (int round = 0; round < 20 && kept() < static_cast<std::int64_t>(stream::kNewsMax); ++round) {
    for (int i = 0; i < 50; ++i) {
      auto unknown = entry("r@c.us", "r-" + std::to_string(round * 50 + i));
      unknown.type_webhook = "again" + std::to_string(round * 50 + i);
      add(unknown);
    }
    ASSERT_TRUE(drained());
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return kept() == static_cast<std::int64_t>(stream::kNewsMax); })) << kept();
  EXPECT_TRUE(wait_until(kSoon, [&] { return worker.lines_with(R"("event":"notification.unknown")") >= stream::kNewsMax; }));
  EXPECT_EQ(worker.lines_with(R"("event":"notification.unknown")"), stream::kNewsMax) << "a line each";
  EXPECT_EQ(worker.series(), series);
  EXPECT_GE(worker.metric(R"(hookfleet_worker_notifications_total{outcome="ignored",typeWebhook="other"})"), 600);
  std::size_t bytes = 0;
  const auto all = server.call({"HGETALL", kKeys.news()});
  for (std::size_t i = 0; i < all.view().size(); ++i) bytes += all.view()[i].text().size();
  EXPECT_LE(bytes, stream::kNewsMax * (stream::kNewsSampleMax + 1024));
}

TEST_F(WorkerTest, AForeignEntryIsADeadLetter) {
  Script script(counted);
  Worker worker(server, script);
  server.call({"XADD", kKeys.stream(3), "*", "some", "thing"});
  ASSERT_TRUE(drained());
  EXPECT_FALSE(dead_letter(3).entry.has_value());
}

TEST_F(WorkerTest, AHandlerThatThrowsIsTriedAgainAndOthersFlow) {
  Script script([](const Notification& notification) -> Handled {
    if (notification.chat == "bad@c.us") throw std::runtime_error("always");
    return counted(notification);
  });
  Worker worker(server, script);
  const auto bad = entry("bad@c.us", "bad-0");
  add(bad);
  add_many(200, 10);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.runs("bad-0"), 3U);
  EXPECT_EQ(sum_counted(), 200);
  const auto letter = dead_letter(partition_of(bad));
  EXPECT_EQ(letter.death.dead_class, stream::DeadClass::kFailed);
  EXPECT_EQ(letter.death.attempts, 3U);
  EXPECT_EQ(letter.death.error, "exception: always");
  EXPECT_EQ(letter.death.worker, worker.name());
  EXPECT_EQ(attempts(), 0);
}

TEST_F(WorkerTest, ATargetThatIsAwayDeadLettersNothingAndKeepsOrder) {
  std::atomic<bool> away{true};
  Script script([&](const Notification& notification) { return away ? Handled::unavailable("away") : counted(notification); });
  Worker worker(server, script);
  add_many(50, 5);
  ASSERT_TRUE(wait_until(kSoon, [&] { return script.runs("0-0") > 4; }));
  EXPECT_EQ(attempts(), 5) << "one of each chat";
  EXPECT_EQ(script.messages(), 5U);
  away = false;
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), 0);
  EXPECT_EQ(sum_counted(), 50);
  expect_in_order(script);
}

TEST_F(WorkerTest, FailedAttemptsSurviveATakeover) {
  Script script([](const Notification&) { return Handled::retry("no"); });
  const auto bad = entry("bad@c.us", "bad-0");
  add(bad);
  Worker::With slow;
  slow.retry = {.attempts = 2, .first = 1s, .max = 1s};
  {
    Worker worker(server, script, slow);
    ASSERT_TRUE(wait_until(kSoon, [&] { return attempts() == 1; }));
    EXPECT_TRUE(worker.stop());
  }
  slow.name = lifecycle::unique_name();
  Worker worker(server, script, slow);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.runs("bad-0"), 2U);
  EXPECT_EQ(dead_letter(partition_of(bad)).death.attempts, 2U);
}

TEST_F(WorkerTest, TwoShareEvenlyAndOneTakesAllWhenTheOtherStops) {
  Script script(counted);
  Worker first(server, script);
  ASSERT_TRUE(wait_until(kSoon, [&] { return owners()[first.name()] == 32; }));
  {
    Worker second(server, script);
    ASSERT_TRUE(wait_until(kSoon, [&] { return owners() == (std::map<std::string, unsigned>{{first.name(), 16}, {second.name(), 16}}); }));
    add_many(500, 50);
    EXPECT_TRUE(drained());
    EXPECT_TRUE(second.stop());
    EXPECT_EQ(owners()[second.name()], 0U) << "given back before it ends";
  }
  EXPECT_TRUE(wait_until(kSoon, [&] { return owners()[first.name()] == 32; }));
  add_many(500, 50, 500);
  EXPECT_TRUE(drained());
  EXPECT_EQ(script.most_runs(), 1U);
  EXPECT_EQ(sum_counted(), 1000);
  EXPECT_EQ(first.metric(R"(hookfleet_worker_takeovers_total{how="crash"})"), 0);
}

TEST_F(WorkerTest, StopsOnlyAfterWhatRunsIsAcknowledgedAndLeavesTheRest) {
  std::atomic<bool> go{false};
  Script script([&](const Notification& notification) {
    while (!go) std::this_thread::sleep_for(1ms);
    return counted(notification);
  });
  add(entry("a@c.us", "a-0"));
  add(entry("a@c.us", "a-1"));
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(kSoon, [&] { return script.runs("a-0") == 1; }));
  std::jthread stopper([&] { EXPECT_TRUE(worker.stop()); });
  ASSERT_TRUE(wait_until(kSoon, [&] { return owners()[worker.name()] == 1; })) << "all others are given back";
  go = true;
  stopper.join();
  EXPECT_EQ(backlog(), 1);
  EXPECT_EQ(script.runs("a-1"), 0U);
  EXPECT_EQ(owners()[""], 32U);
}

TEST_F(WorkerTest, AHandlerThatHangsCostsItsPartitionAndNothingElse) {
  std::latch go(1);
  Script script([&](const Notification& notification) {
    if (notification.id_message == "0-0") go.wait();
    return counted(notification);
  });
  Worker::With with;
  with.options.handler_timeout = 100ms;
  Worker worker(server, script, with);
  add_many(64, 16);
  ASSERT_TRUE(wait_until(kSoon, [&] { return worker.hung(); }));
  EXPECT_EQ(backlog(), 4) << "all chats but the one that hangs flow";
  EXPECT_EQ(worker.metric("hookfleet_worker_handlers_overdue_total"), 1);
  EXPECT_FALSE(worker.stop());
  const auto left = owners();
  EXPECT_EQ(left.at(worker.name()), 1U) << "only its partition is not given back";
  go.count_down();
}

TEST_F(WorkerTest, AHeldTypeWaitsOverTakeoversUntilItIsResumed) {
  const std::string field = stream::hold_field("incomingMessageReceived");
  const std::string value = stream::TypeHold{.since_ms = 1, .crashes = {}}.text();
  for (unsigned p = 0; p < kKeys.partitions(); ++p) server.call({"HSET", kKeys.ctl(p), field, value});
  Script script(counted);
  add_many(8, 8);
  {
    Worker worker(server, script);
    ASSERT_TRUE(wait_until(kSoon, [&] { return worker.metric("hookfleet_worker_lanes_blocked") == 8; }));
    EXPECT_EQ(worker.metric("hookfleet_worker_type_held{typeWebhook=\"incomingMessageReceived\"}"), 1);
    EXPECT_TRUE(worker.stop());
  }
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(kSoon, [&] { return worker.metric("hookfleet_worker_lanes_blocked") == 8; }));
  EXPECT_EQ(backlog(), 8);
  EXPECT_EQ(script.most_runs(), 0U);
  for (unsigned p = 0; p < kKeys.partitions(); ++p) server.call({"HDEL", kKeys.ctl(p), field});
  EXPECT_TRUE(drained());
  EXPECT_EQ(sum_counted(), 8);
  EXPECT_EQ(dead(), 0);
}

TEST_F(WorkerTest, ARedisRestartUnderLoadLosesAndRepeatsNothing) {
  Script script(counted);
  Worker worker(server, script);
  add_many(5000, 40);
  ASSERT_TRUE(wait_until(kSoon, [&] { return script.messages() > 500; }));
  server.restart();
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.messages(), 5000U);
  EXPECT_EQ(script.most_runs(), 1U);
  EXPECT_EQ(sum_counted(), 5000);
  expect_in_order(script);
}

TEST_F(WorkerTest, ACutConnectionRepeatsNothing) {
  Script script(counted);
  support::TcpGate gate(server.port());
  Worker::With with;
  with.port = gate.port();
  Worker worker(server, script, with);
  add_many(6000, 40);
  for (int i = 0; i < 8; ++i) {
    const std::size_t before = script.messages();
    if (!wait_until(kSoon, [&] { return script.messages() > before + 200 || script.messages() == 6000; })) break;
    gate.cut();
  }
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.messages(), 6000U);
  EXPECT_EQ(script.most_runs(), 1U);
  EXPECT_EQ(sum_counted(), 6000) << "effects of an ack whose reply was lost must not run again";
  expect_in_order(script);
}

TEST_F(WorkerTest, ScriptsThatAreGoneAreLoadedAgain) {
  Script script(counted);
  Worker worker(server, script);
  add_many(500, 10);
  ASSERT_TRUE(drained());
  server.call({"SCRIPT", "FLUSH"});
  add_many(500, 10, 500);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.most_runs(), 1U);
  EXPECT_EQ(sum_counted(), 1000);
}

TEST_F(WorkerTest, DrainsARedisAtMaxmemory) {
  Script script(counted);
  {
    auto connection = server.connect();
    ASSERT_EQ(stream::check_layout(connection, {}).verdict, stream::LayoutCheck::Verdict::kSame);  // an ingress has been there
  }
  add_many(2000, 20);
  server.config_set("maxmemory", "1mb");
  ASSERT_EQ(server.call({"SET", "x", "y"}).view().error(), redis::ReplyError::kOom);
  Worker worker(server, script);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.messages(), 2000U);
}

TEST_F(WorkerTest, AWorkerCutOffPastItsLeaseChangesNothingAfterwards) {
  std::atomic<bool> go{false};
  Script script([&](const Notification& notification) {
    while (!go) std::this_thread::sleep_for(1ms);
    return counted(notification);
  });
  support::TcpGate gate(server.port());
  Worker::With with;
  with.port = gate.port();
  Worker cut_off(server, script, with);
  ASSERT_TRUE(wait_until(kSoon, [&] { return owners()[cut_off.name()] == 32; }));
  add_many(20, 20);
  ASSERT_TRUE(wait_until(kSoon, [&] { return script.messages() >= 16; }));
  gate.stall();
  Script other(counted);
  Worker successor(server, other);
  ASSERT_TRUE(drained()) << "the successor handles what the other had begun";
  EXPECT_EQ(sum_counted(), 20);
  EXPECT_EQ(successor.metric(R"(hookfleet_worker_takeovers_total{how="crash"})"), 32);
  go = true;
  gate.open();
  ASSERT_TRUE(wait_until(kSoon, [&] { return owners()[cut_off.name()] == 16; })) << "it comes back into its share";
  EXPECT_EQ(sum_counted(), 20);
  add_many(100, 20, 20);
  ASSERT_TRUE(drained());
  EXPECT_EQ(sum_counted(), 120);
}

TEST_F(WorkerTest, AKeyOfAnotherTypeMakesADeadLetterAndStopsNothing) {
  Script script(counted);
  const auto first = entry("a@c.us", "a-0");
  server.call({"SET", kKeys.cnt(partition_of(first)), "oops"});
  Worker worker(server, script);
  add(first);
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead_letter(partition_of(first)).death.dead_class, stream::DeadClass::kFailed);
  EXPECT_GE(worker.lines_with(R"("event":"notification.refused")"), 1U);
}

TEST_F(WorkerTest, FlushallIsSurvived) {
  Script script(counted);
  Worker worker(server, script);
  add_many(100, 10);
  ASSERT_TRUE(drained());
  server.call({"FLUSHALL"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return owners()[worker.name()] == 32; }));
  add_many(100, 10, 100);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.messages(), 200U);
}

TEST_F(WorkerTest, RefusesARedisOfAFleetWithAnotherLayout) {
  server.call({"HSET", kKeys.meta(), "layout", "1 16 chat"});
  Script script(counted);
  Worker worker(server, script);
  EXPECT_TRUE(wait_until(kSoon, [&] { return worker.other_fleet(); }));
  EXPECT_EQ(owners()[""], 32U);
}

TEST_F(WorkerTest, NoticesThatTheLayoutWasChanged) {
  Script script(counted);
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(kSoon, [&] { return worker.reachable(); }));
  server.call({"HSET", kKeys.meta(), "layout", "1 16 chat"});
  EXPECT_TRUE(wait_until(kSoon, [&] { return worker.other_fleet(); }));
}

TEST_F(WorkerTest, MoreThanItsMemoryHoldsIsDrainedInOrder) {
  Script script(counted);
  redis::Pipeline pipeline(server.connect());
  for (std::size_t i = 0; i < 400; ++i) {
    const std::string chat = std::to_string(i % 4);
    const auto made = entry(chat + "@c.us", chat + "-" + std::to_string(i / 4), std::string(100'000, 'x'));
    pipeline.append(stream::XaddCommand(kKeys.stream(partition_of(made)), made).argv());
  }
  while (pipeline.unanswered() > 0) {
    ASSERT_TRUE(pipeline.io(1s, nullptr));
    for (auto reply = pipeline.next(); reply && *reply; reply = pipeline.next()) {
    }
  }
  Worker::With with;
  with.options.memory_max = 4 << 20;
  Worker worker(server, script, with);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.messages(), 400U);
  EXPECT_EQ(script.most_runs(), 1U);
  expect_in_order(script);
}

TEST_F(WorkerTest, BlockedChatsBeyondItsMemoryStayInRedisInOrderAndOthersFlow) {
  constexpr int kBlockedChats = 9'000, kOthers = 1'000;
  std::atomic<bool> away{true};
  Script script([&](const Notification& notification) {
    const bool others = std::stoi(notification.chat) >= kBlockedChats;
    return away && !others ? Handled::unavailable("away") : counted(notification);
  });
  add_many(3 * (kBlockedChats + kOthers), kBlockedChats + kOthers);
  Worker::With with;
  with.options.memory_max = 8UL << 20;
  with.retry.max = 2s;
  Worker worker(server, script, with);
  ASSERT_TRUE(wait_until(60s, [&] { return backlog() == 3 * kBlockedChats; })) << backlog();
  EXPECT_TRUE(wait_until(kSoon, [&] { return worker.metric("hookfleet_worker_lanes_overflowed") > 0; }));
  // Half of the memory, and for a moment beyond it one read and what is started ahead.
  const std::size_t half = with.options.memory_max / 2 / 512;
  const auto entries = [&] { return worker.metric("hookfleet_worker_entries"); };
  EXPECT_LT(entries(), static_cast<double>(half + ReadSize::kCountMax * kKeys.partitions() + 512));
  EXPECT_TRUE(wait_until(kSoon, [&] { return entries() < static_cast<double>(half); })) << entries();
  add_many(kOthers, kOthers, 4 * (kBlockedChats + kOthers));  // chats 0 … of the blocked ones
  for (int chat = kBlockedChats; chat < kBlockedChats + 10; ++chat) {
    add(entry(std::to_string(chat) + "@c.us", std::to_string(chat) + "-9"));
  }
  EXPECT_TRUE(wait_until(60s, [&] { return sum_counted() == 3 * kOthers + 10; })) << "what comes later flows too";
  away = false;
  EXPECT_TRUE(drained(90s)) << backlog();
  EXPECT_EQ(sum_counted(), 3 * (kBlockedChats + kOthers) + 10 + kOthers);
  EXPECT_EQ(dead(), 0);
  expect_in_order(script);
}

TEST_F(WorkerTest, ExportsBacklogAndAgeOfAllPartitions) {
  std::atomic<bool> go{false};
  Script script([&](const Notification& notification) {
    while (!go) std::this_thread::sleep_for(1ms);
    return counted(notification);
  });
  auto old = entry("a@c.us", "a-0");
  old.received_ms -= 3'600'000;
  add(old);
  add(entry("a@c.us", "a-1"));
  Worker worker(server, script);
  const std::string partition = "{partition=\"" + std::to_string(partition_of(old)) + "\"}";
  EXPECT_TRUE(wait_until(kSoon, [&] { return worker.metric("hookfleet_stream_backlog_entries" + partition) == 2; }));
  EXPECT_GE(worker.metric("hookfleet_stream_oldest_entry_age_seconds" + partition), 3600);
  go = true;
}

TEST_F(WorkerTest, ExportsDeadLettersOfAllPartitionsAndTheirAge) {
  Script script([](const Notification&) { return Handled::reject("no"); });
  const auto bad = entry("bad@c.us", "bad-0");
  const std::string partition = "{partition=\"" + std::to_string(partition_of(bad)) + "\"}";
  const std::int64_t hour_ago_ms = bad.received_ms - 3'600'000;
  server.call({"XADD", kKeys.dlq(partition_of(bad)), std::to_string(hour_ago_ms) + "-0", "a", "dead letter of old"});
  Worker worker(server, script);
  EXPECT_EQ(worker.metric("hookfleet_stream_dead_letter_entries" + partition), 0);
  add(bad);
  ASSERT_TRUE(wait_until(kSoon, [&] { return worker.metric("hookfleet_stream_dead_letter_entries" + partition) == 2; }));
  EXPECT_GE(worker.metric("hookfleet_stream_oldest_dead_letter_age_seconds" + partition), 3600);
}

TEST_F(WorkerTest, ExportsWhatRedisSaysOfItself) {
  Script script(counted);
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(kSoon, [&] { return worker.metric("hookfleet_redis_info_up") == 1; }));
  EXPECT_GT(worker.metric("hookfleet_redis_memory_used_bytes"), 100'000);
  EXPECT_EQ(worker.metric("hookfleet_redis_memory_max_bytes"), 256 << 20);
  EXPECT_EQ(worker.metric("hookfleet_redis_aof_enabled"), 1);
  EXPECT_EQ(worker.metric("hookfleet_redis_aof_last_write_ok"), 1);
  EXPECT_TRUE(wait_until(
      kSoon, [&] { return worker.metric(R"(hookfleet_redis_command_latency_seconds{command="evalsha",quantile="0.99"})") > 0; }));
}

TEST_F(WorkerTest, WorksWhereInfoIsForbidden) {
  ASSERT_EQ(server.text({"ACL", "SETUSER", "default", "-info"}), "OK");
  Script script(counted);
  add_many(100, 10);
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(kSoon, [&] { return server.call({"ACL", "LOG"}).view().size() > 0; })) << "INFO was asked for and refused";
  ASSERT_TRUE(drained());
  EXPECT_EQ(worker.metric("hookfleet_redis_info_up"), 0);
  EXPECT_EQ(worker.metric("hookfleet_worker_redis_connections_total"), 1) << "a refused INFO costs no connection";
  EXPECT_EQ(worker.metric("hookfleet_worker_calls_failed_total"), 0);
}

/// The program itself, as ./fleet starts it.
class ProgramTest : public WorkerTest {
 protected:
  support::Process start(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> argv{HOOKFLEET_BIN_DIR "/hookfleet-worker", "--redis.url", server.url(), "--server.metrics_listen",
                                  "127.0.0.1:" + std::to_string(support::free_port())};
    argv.insert(argv.end(), flags.begin(), flags.end());
    return support::Process({.argv = argv, .environment = {}, .output = dir_ / ("worker-" + std::to_string(started_++) + ".log")});
  }
  std::string output(int number = 0) const { return support::read_file(dir_ / ("worker-" + std::to_string(number) + ".log")); }
  bool shared_by_two() {
    return wait_until(kSoon, [&] {
      const auto owned = owners();
      return owned.size() == 2 && owned.begin()->second == 16;
    });
  }

 private:
  support::TempDir dir_;
  int started_ = 0;
};

TEST_F(ProgramTest, RefusesSchemasThatItCannotUseWithAllThatIsWrong) {
  support::TempDir schemas;
  std::ofstream(schemas / "a.json") << "{";
  std::ofstream(schemas / "b.json") << R"({"pattern":"x"})";
  auto worker = start({"--worker.schemas_dir", schemas.path()});
  EXPECT_EQ(worker.wait(kSoon), 2);
  EXPECT_NE(output().find("a.json"), std::string::npos) << output();
  EXPECT_NE(output().find("b.json: /pattern: this keyword is not known here"), std::string::npos) << output();
}

TEST_F(ProgramTest, TakesNewSchemasFromItsDirectoryAndABrokenOneChangesNothing) {
  support::TempDir schemas;
  const auto write = [&](const char* text) { support::replace_file(schemas / "incomingMessageReceived.json", text); };
  write(R"({"required":["first"]})");
  auto worker = start({"--worker.schemas_dir", schemas.path()});
  const auto error_of_next = [&](const std::string& message) {
    const auto broken = entry("a@c.us", message);
    add(broken);
    EXPECT_TRUE(drained());
    const auto letters = server.call({"XREVRANGE", kKeys.dlq(partition_of(broken)), "+", "-", "COUNT", "1"});
    const auto letter = stream::decode_dead_letter(letters.view()[0][1]);
    return letter ? letter->death.error : letter.error();
  };
  EXPECT_EQ(error_of_next("m-0"), "/first: expected a value, found nothing");
  write(R"({"required":["second"],"format":"x"})");
  ASSERT_TRUE(wait_until(kSoon, [&] { return output().find("system.reload_failed") != std::string::npos; }));
  EXPECT_NE(output().find("incomingMessageReceived.json: /format: this keyword is not known here"), std::string::npos);
  EXPECT_EQ(error_of_next("m-1"), "/first: expected a value, found nothing");
  write(R"({"required":["second"]})");
  ASSERT_TRUE(wait_until(kSoon, [&] { return output().find("system.reloaded") != std::string::npos; }));
  EXPECT_EQ(error_of_next("m-2"), "/second: expected a value, found nothing");
}

TEST_F(ProgramTest, TheNextOwnerResumesWithin12SecondsOfAKill) {
  auto first = start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return !owners().contains(""); }));
  auto second = start();
  ASSERT_TRUE(shared_by_two());
  first.kill();
  const auto killed = std::chrono::steady_clock::now();
  add_many(1000, 100);
  ASSERT_TRUE(drained());
  EXPECT_LE(std::chrono::steady_clock::now() - killed, 12s + 3s) << "three for a machine that is busy with other tests";
  EXPECT_EQ(sum_counted(), 1000);
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait(kSoon), 0);
  EXPECT_EQ(owners()[""], 32U);
}

TEST_F(ProgramTest, FrozenAndKilledOnesLoseNothingAndCountNothingTwice) {
  const std::vector<std::string> quick{"--worker.heartbeat",   "200ms", "--worker.member_ttl",     "1500ms", "--worker.lease_ttl", "2s",
                                       "--worker.lease_renew", "300ms", "--worker.lease_validity", "1500ms", "--log.level",        "warn"};
  std::vector<support::Process> workers;
  for (int i = 0; i < 2; ++i) workers.push_back(start(quick));
  ASSERT_TRUE(shared_by_two());
  std::size_t sent = 0;
  for (std::size_t round = 0; round < 4; ++round) {
    const auto load = [&] {
      add_many(500, 50, sent);
      sent += 500;
    };
    load();
    auto& victim = workers[round % 2];
    if (round < 2) {
      victim.signal(SIGSTOP);
      load();
      EXPECT_TRUE(drained()) << "by the other, after the lease has ended";
      victim.signal(SIGCONT);
    } else {
      victim.kill();
      load();
      victim = start(quick);
    }
    ASSERT_TRUE(drained());
    ASSERT_TRUE(shared_by_two());
  }
  EXPECT_EQ(sum_counted(), static_cast<std::int64_t>(sent));
  EXPECT_EQ(dead(), 0);
  EXPECT_EQ(attempts(), 0);
}

/// What the program shows of notifications to those who read logs, metrics and alerts.
class PayloadTest : public ProgramTest {
 protected:
  struct Shown {
    std::string log, metrics, alerts;
  };
  /// Has a worker handle all documented bodies and the broken ones.
  Shown shown(const std::string& payload, const std::string& attach) {
    const std::string log = dir_ / (payload + ".log");
    const std::string settings = dir_ / (payload + ".yaml");
    const int metrics_port = support::free_port();
    std::ofstream(settings) << "alerts: {attach: " << attach << ", sinks: [{http: {url: \"http://127.0.0.1:" << support::free_port()
                            << "/\"}}]}\nlog: {level: debug, payload: " << payload << ", file: " << log << "}\n";
    support::Process worker({.argv = {HOOKFLEET_BIN_DIR "/hookfleet-worker", "--config", settings, "--redis.url", server.url(),
                                      "--server.metrics_listen", "127.0.0.1:" + std::to_string(metrics_port)},
                             .environment = {},
                             .output = dir_ / "worker.out"});
    std::size_t sent = 0;
    for (const auto& samples : {support::samples(), support::broken_samples()}) {
      for (const auto& sample : samples) {
        const auto envelope = notification::read_envelope(sample.body);
        const auto now = std::chrono::system_clock::now();
        add({base::make_uuid_v7(now), envelope.id_instance.value_or(0), envelope.chat, envelope.type_webhook, base::unix_ms(now),
             stream::Source::kWebhook, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", sample.body});
        ++sent;
      }
    }
    EXPECT_TRUE(drained());
    EXPECT_TRUE(wait_until(kSoon, [&] { return server.call({"XLEN", "hf:alerts"}).view().integer() > 0; })) << "something was told";
    support::HttpClient client(metrics_port);
    const auto metrics = client.get("/metrics");
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.wait(kSoon), 0);
    Shown shown{support::read_file(log), {}, {}};
    std::istringstream lines(metrics ? metrics->body : "");
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with('#')) shown.metrics.append(line).append("\n");  // help is ours
    }
    const auto alerts = server.call({"XRANGE", "hf:alerts", "-", "+"});
    for (std::size_t i = 0; i < alerts.view().size(); ++i) {
      const auto fields = alerts.view()[i][1];
      for (std::size_t at = 0; at < fields.size(); ++at) shown.alerts.append(fields[at].text()).append("\n");
    }
    EXPECT_GT(static_cast<std::size_t>(std::count(shown.log.begin(), shown.log.end(), '\n')), sent / 2);
    EXPECT_NE(shown.metrics.find("hookfleet_worker_notifications_total"), std::string::npos);
    EXPECT_NE(shown.log.find(R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736")"), std::string::npos);
    return shown;
  }

 private:
  support::TempDir dir_;
};

TEST_F(PayloadTest, RedactedLeavesNoNumberNameOrTextAnywhere) {
  const Shown redacted = shown("redacted", "redacted");
  for (const auto& sample : support::samples()) {
    const auto personal = support::personal_values(sample.body);
    EXPECT_TRUE(support::told(redacted.log, personal).empty()) << sample.path << ": " << support::told(redacted.log, personal).front();
    EXPECT_TRUE(support::told(redacted.metrics, personal).empty()) << sample.path;
    EXPECT_TRUE(support::told(redacted.alerts, personal).empty())
        << sample.path << ": " << support::told(redacted.alerts, personal).front();
  }
}

TEST_F(PayloadTest, FullTellsEachInTheLog) {
  const Shown full = shown("full", "full");
  std::size_t told = 0;
  for (const auto& sample : support::samples()) {
    std::vector<std::string> written;  // as JSON writes them
    for (const auto& value : support::personal_values(sample.body)) {
      const std::string quoted = nlohmann::json(value).dump();
      written.push_back(quoted.substr(1, quoted.size() - 2));
    }
    const auto given = support::told(sample.body, written);
    EXPECT_EQ(support::told(full.log, given), given) << sample.path;
    told += given.size();
  }
  EXPECT_GT(told, 400U);
}

TEST_F(ProgramTest, ReadsThePayloadAnewOnSighup) {
  support::TempDir dir;
  const std::string settings = dir / "settings.yaml";
  const std::string log = dir / "worker.log";
  const auto write = [&](const std::string& payload) {
    std::ofstream(settings) << "log: {payload: " << payload << ", file: " << log << "}\n";
  };
  const auto lines = [&](const std::string& part) {
    const std::string text = support::read_file(log);
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
  };
  write("full");
  auto worker = start({"--config", settings});
  add(entry("79001234567@c.us", "first"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return lines(R"("idMessage":"first")") > 0; }));
  EXPECT_GT(lines("79001234567"), 0U);
  write("off");
  worker.signal(SIGHUP);
  ASSERT_TRUE(wait_until(kSoon, [&] { return lines("system.reloaded") > 0; }));
  const std::size_t before = lines("79001234567");
  add(entry("79001234567@c.us", "second2"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return lines(R"("idMessage":"second2")") > 0; }));
  EXPECT_EQ(lines("79001234567"), before);
}

}  // namespace
}  // namespace hookfleet::worker
