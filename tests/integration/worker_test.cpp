#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "common/base/uuid.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/layout.hpp"
#include "common/stream/type_hold.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"
#include "worker/engine.hpp"
#include "worker/handlers/message.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;
using handlers::Handled;
using notification::Notification;
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
    std::string name = unique_name();
    Options options = quick();
    retry::Options retry = {.attempts = 3, .first = 20ms, .max = 100ms};
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
    routes_.emplace(handlers_);
    Engine::Setup setup;
    setup.endpoint = server.endpoint();
    if (with.port != 0) setup.endpoint.port = static_cast<std::uint16_t>(with.port);
    setup.timeouts = {1s, 2s};
    setup.options = with.options;
    setup.retry = with.retry;
    setup.name = with.name;
    name_ = with.name;
    Engine::Callbacks callbacks;
    callbacks.beat = [] {};
    callbacks.redis = [this](bool reachable, const std::string&) { reachable_ = reachable; };
    callbacks.other_fleet = [this](const std::string&) { other_fleet_ = true; };
    callbacks.hung = [this] { hung_ = true; };
    engine_.emplace(std::move(setup), *routes_, metrics_, log_, clock_, std::move(callbacks));
  }
  Worker(support::RedisServer& server, Script& script) : Worker(server, script, With()) {}

  bool stop() { return engine_->stop(); }
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
  std::size_t lines_with(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) { return line.find(part) != std::string::npos; }));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::string name_;
  std::atomic<bool> reachable_{false}, other_fleet_{false}, hung_{false};
  base::SystemClock clock_;
  log::Logger log_;
  metrics::Registry registry_;
  Metrics metrics_;
  handlers::Handlers handlers_;
  std::optional<routes::Routes> routes_;
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
    made.body = R"({"typeWebhook":"incomingMessageReceived","idMessage":")" + message + R"(","senderData":{"chatId":")" + chat +
                R"("},"messageData":{"typeMessage":"textMessage","x":")" + more + R"("}})";
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
  bool drained(std::chrono::milliseconds deadline = 30s) {
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
  ASSERT_TRUE(wait_until(10s, [&] { return owners()[worker.name()] == kKeys.partitions(); }));
  for (int i = 0; i < 20; ++i) {
    add(entry("a@c.us", "a-" + std::to_string(i)));
    ASSERT_TRUE(wait_until(5s, [&] { return script.runs("a-" + std::to_string(i)) == 1; })) << i;
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
    EXPECT_TRUE(wait_until(5s, [&] { return worker.lines_with(R"("outcome":"repeat")") == 1; }));
  }
  Worker another(server, script);
  add(entry("a@c.us", "a-1"));
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.runs("a-1"), 1U);
  add(entry("a@c.us", "a-1", "changed"));
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.runs("a-1"), 2U);
  EXPECT_TRUE(wait_until(5s, [&] { return another.lines_with(R"("changed":true)") == 1; }));
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
  EXPECT_TRUE(wait_until(5s, [&] { return worker.lines_with(R"("event":"notification.invalid")") == 1; }));
}

TEST_F(WorkerTest, AnUnknownTypeIsAcknowledgedWithAWarning) {
  Script script(counted);
  Worker worker(server, script);
  auto unknown = entry("a@c.us", "a-1");
  unknown.type_webhook = "somethingNew";
  add(unknown);
  ASSERT_TRUE(drained());
  EXPECT_EQ(dead(), 0);
  EXPECT_TRUE(wait_until(5s, [&] { return worker.lines_with(R"("event":"notification.unknown")") == 1; }));
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
  ASSERT_TRUE(wait_until(10s, [&] { return script.runs("0-0") > 4; }));
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
    ASSERT_TRUE(wait_until(10s, [&] { return attempts() == 1; }));
    EXPECT_TRUE(worker.stop());
  }
  slow.name = unique_name();
  Worker worker(server, script, slow);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.runs("bad-0"), 2U);
  EXPECT_EQ(dead_letter(partition_of(bad)).death.attempts, 2U);
}

TEST_F(WorkerTest, TwoShareEvenlyAndOneTakesAllWhenTheOtherStops) {
  Script script(counted);
  Worker first(server, script);
  ASSERT_TRUE(wait_until(10s, [&] { return owners()[first.name()] == 32; }));
  {
    Worker second(server, script);
    ASSERT_TRUE(wait_until(10s, [&] { return owners() == (std::map<std::string, unsigned>{{first.name(), 16}, {second.name(), 16}}); }));
    add_many(500, 50);
    EXPECT_TRUE(drained());
    EXPECT_TRUE(second.stop());
    EXPECT_EQ(owners()[second.name()], 0U) << "given back before it ends";
  }
  EXPECT_TRUE(wait_until(10s, [&] { return owners()[first.name()] == 32; }));
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
  ASSERT_TRUE(wait_until(10s, [&] { return script.runs("a-0") == 1; }));
  std::jthread stopper([&] { EXPECT_TRUE(worker.stop()); });
  ASSERT_TRUE(wait_until(5s, [&] { return owners()[worker.name()] == 1; })) << "all others are given back";
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
  ASSERT_TRUE(wait_until(30s, [&] { return worker.hung(); }));
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
    ASSERT_TRUE(wait_until(10s, [&] { return worker.metric("hookfleet_worker_lanes_blocked") == 8; }));
    EXPECT_EQ(worker.metric("hookfleet_worker_type_held{typeWebhook=\"incomingMessageReceived\"}"), 1);
    EXPECT_TRUE(worker.stop());
  }
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(10s, [&] { return worker.metric("hookfleet_worker_lanes_blocked") == 8; }));
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
  ASSERT_TRUE(wait_until(20s, [&] { return script.messages() > 500; }));
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
    if (!wait_until(20s, [&] { return script.messages() > before + 200 || script.messages() == 6000; })) break;
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
  ASSERT_TRUE(wait_until(10s, [&] { return owners()[cut_off.name()] == 32; }));
  add_many(20, 20);
  ASSERT_TRUE(wait_until(10s, [&] { return script.messages() >= 16; }));
  gate.stall();
  Script other(counted);
  Worker successor(server, other);
  ASSERT_TRUE(drained()) << "the successor handles what the other had begun";
  EXPECT_EQ(sum_counted(), 20);
  EXPECT_EQ(successor.metric(R"(hookfleet_worker_takeovers_total{how="crash"})"), 32);
  go = true;
  gate.open();
  ASSERT_TRUE(wait_until(20s, [&] { return owners()[cut_off.name()] == 16; })) << "it comes back into its share";
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
  ASSERT_TRUE(wait_until(15s, [&] { return owners()[worker.name()] == 32; }));
  add_many(100, 10, 100);
  ASSERT_TRUE(drained());
  EXPECT_EQ(script.messages(), 200U);
}

TEST_F(WorkerTest, RefusesARedisOfAFleetWithAnotherLayout) {
  server.call({"HSET", kKeys.meta(), "layout", "1 16 chat"});
  Script script(counted);
  Worker worker(server, script);
  EXPECT_TRUE(wait_until(10s, [&] { return worker.other_fleet(); }));
  EXPECT_EQ(owners()[""], 32U);
}

TEST_F(WorkerTest, NoticesThatTheLayoutWasChanged) {
  Script script(counted);
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(10s, [&] { return worker.reachable(); }));
  server.call({"HSET", kKeys.meta(), "layout", "1 16 chat"});
  EXPECT_TRUE(wait_until(10s, [&] { return worker.other_fleet(); }));
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
  EXPECT_TRUE(wait_until(20s, [&] { return worker.metric("hookfleet_worker_lanes_overflowed") > 0; }));
  EXPECT_LT(worker.metric("hookfleet_worker_entries") * 512, with.options.memory_max / 2);
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
  EXPECT_TRUE(wait_until(20s, [&] { return worker.metric("hookfleet_stream_backlog_entries" + partition) == 2; }));
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
  ASSERT_TRUE(wait_until(30s, [&] { return worker.metric("hookfleet_stream_dead_letter_entries" + partition) == 2; }));
  EXPECT_GE(worker.metric("hookfleet_stream_oldest_dead_letter_age_seconds" + partition), 3600);
}

TEST_F(WorkerTest, ExportsWhatRedisSaysOfItself) {
  Script script(counted);
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(20s, [&] { return worker.metric("hookfleet_redis_info_up") == 1; }));
  EXPECT_GT(worker.metric("hookfleet_redis_memory_used_bytes"), 100'000);
  EXPECT_EQ(worker.metric("hookfleet_redis_memory_max_bytes"), 256 << 20);
  EXPECT_EQ(worker.metric("hookfleet_redis_aof_enabled"), 1);
  EXPECT_EQ(worker.metric("hookfleet_redis_aof_last_write_ok"), 1);
  EXPECT_TRUE(
      wait_until(20s, [&] { return worker.metric(R"(hookfleet_redis_command_latency_seconds{command="evalsha",quantile="0.99"})") > 0; }));
}

TEST_F(WorkerTest, WorksWhereInfoIsForbidden) {
  ASSERT_EQ(server.text({"ACL", "SETUSER", "default", "-info"}), "OK");
  Script script(counted);
  add_many(100, 10);
  Worker worker(server, script);
  ASSERT_TRUE(wait_until(20s, [&] { return server.call({"ACL", "LOG"}).view().size() > 0; })) << "INFO was asked for and refused";
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
  bool shared_by_two() {
    return wait_until(20s, [&] {
      const auto owned = owners();
      return owned.size() == 2 && owned.begin()->second == 16;
    });
  }

 private:
  support::TempDir dir_;
  int started_ = 0;
};

TEST_F(ProgramTest, TheNextOwnerResumesWithin12SecondsOfAKill) {
  auto first = start();
  ASSERT_TRUE(wait_until(10s, [&] { return !owners().contains(""); }));
  auto second = start();
  ASSERT_TRUE(shared_by_two());
  first.kill();
  const auto killed = std::chrono::steady_clock::now();
  add_many(1000, 100);
  ASSERT_TRUE(drained(15s));
  EXPECT_LE(std::chrono::steady_clock::now() - killed, 12s);
  EXPECT_EQ(sum_counted(), 1000);
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait(25s), 0);
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
      EXPECT_TRUE(drained(20s)) << "by the other, after the lease has ended";
      victim.signal(SIGCONT);
    } else {
      victim.kill();
      load();
      victim = start(quick);
    }
    ASSERT_TRUE(drained(20s));
    ASSERT_TRUE(shared_by_two());
  }
  EXPECT_EQ(sum_counted(), static_cast<std::int64_t>(sent));
  EXPECT_EQ(dead(), 0);
  EXPECT_EQ(attempts(), 0);
}

}  // namespace
}  // namespace hookfleet::worker
