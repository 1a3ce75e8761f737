#include "ingress/append/appender.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/base/uuid.hpp"
#include "common/metrics/registry.hpp"
#include "common/stream/layout.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::append {
namespace {

using namespace std::chrono_literals;
using support::kSoon;
using support::RedisServer;
using support::TcpGate;
using support::wait_until;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const base::SystemClock kClock;

RedisServer::Options with(std::vector<std::string> arguments) {
  RedisServer::Options options;
  options.arguments = std::move(arguments);
  return options;
}
RedisServer::Options guarded_by(std::string password) {
  RedisServer::Options options;
  options.password = std::move(password);
  return options;
}
RedisServer::Options later() {
  RedisServer::Options options;
  options.started = false;
  return options;
}

stream::Entry make_entry(unsigned number) {
  stream::Entry entry;
  entry.id = base::make_uuid_v7(kClock.wall());
  entry.id_instance = 1101000001 + number % 7;
  entry.chat = std::to_string(79000000000 + number % 50) + "@c.us";
  entry.type_webhook = "incomingMessageReceived";
  entry.received_ms = base::unix_ms(kClock.wall());
  entry.trace = "request-" + std::to_string(number);
  entry.body = R"({"typeWebhook":"incomingMessageReceived","n":)" + std::to_string(number) + "}" + std::string(200, ' ');
  return entry;
}

/// An appender with all it needs, and a record of every answer.
class Subject {
 public:
  explicit Subject(const redis::Endpoint& endpoint, const Options& options = {}, const stream::Layout& layout = {})
      : registry_(kTable, "test"),
        metrics_(registry_, layout.partitions),
        logger_(log::Options{}, "test", [this](std::string_view line) { note(line); }),
        appender_(std::make_unique<Appender>(endpoint, layout, options, metrics_, logger_, kClock,
                                             Events{[this](const State& state) { note(state); }, [this] { ++beats_; }})) {}

  struct Answer {
    std::string id;
    int calls = 0;
    Outcome outcome{};
    base::BootTime at{};
  };

  /// Submits one entry and returns its number.
  std::size_t submit(std::chrono::milliseconds deadline = 10s) {
    std::size_t number = 0;
    stream::Entry entry;
    {
      base::MutexLock lock(mutex_);
      number = answers_.size();
      entry = make_entry(static_cast<unsigned>(number));
      answers_.push_back({.id = entry.id});
    }
    appender_->submit(std::move(entry), kClock.now() + deadline, [this, number](Outcome outcome) {
      base::MutexLock lock(mutex_);
      Answer& answer = answers_[number];
      ++answer.calls;
      answer.outcome = outcome;
      answer.at = kClock.now();
      ++answered_;
    });
    return number;
  }
  void submit_many(std::size_t count, std::chrono::milliseconds deadline = 10s) {
    while (count-- > 0) submit(deadline);
  }
  bool all_answered(std::chrono::milliseconds within = 15s) {
    return wait_until(within, [this] {
      base::MutexLock lock(mutex_);
      return answered_ >= answers_.size();
    });
  }
  /// Submits one entry and waits for its outcome.
  std::optional<Outcome> outcome_of_one(std::chrono::milliseconds deadline = 10s) {
    const std::size_t number = submit(deadline);
    if (!all_answered(deadline + 5s)) return std::nullopt;
    base::MutexLock lock(mutex_);
    return answers_[number].outcome;
  }
  std::vector<Answer> answers() {
    base::MutexLock lock(mutex_);
    return answers_;
  }
  std::vector<std::string> ids(Outcome outcome) {
    std::vector<std::string> ids;
    for (const Answer& answer : answers()) {
      if (answer.calls > 0 && answer.outcome == outcome) ids.push_back(answer.id);
    }
    return ids;
  }
  std::vector<int> calls() {
    std::vector<int> calls;
    for (const Answer& answer : answers()) calls.push_back(answer.calls);
    return calls;
  }

  State state() {
    base::MutexLock lock(mutex_);
    return state_;
  }
  bool becomes_writable(std::chrono::milliseconds within = 10s) {
    return wait_until(within, [this] { return state().writable; });
  }
  bool becomes_unwritable(const std::string& reason, std::chrono::milliseconds within = 10s) {
    return wait_until(within, [this, &reason] { return !state().writable && state().reason.find(reason) != std::string::npos; });
  }
  std::string log() {
    base::MutexLock lock(mutex_);
    return log_;
  }
  double metric(const std::string& series) const {
    const std::string text = "\n" + registry_.text();
    const std::size_t at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
  unsigned beats() const { return beats_; }
  Appender& appender() { return *appender_; }

 private:
  void note(std::string_view line) {
    base::MutexLock lock(mutex_);
    log_.append(line).append("\n");
  }
  void note(const State& state) {
    base::MutexLock lock(mutex_);
    state_ = state;
  }

  base::Mutex mutex_;
  std::vector<Answer> answers_ HOOKFLEET_GUARDED_BY(mutex_);
  std::size_t answered_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  State state_ HOOKFLEET_GUARDED_BY(mutex_);
  std::string log_ HOOKFLEET_GUARDED_BY(mutex_);
  std::atomic<unsigned> beats_{0};
  metrics::Registry registry_;
  Metrics metrics_;
  log::Logger logger_;
  std::unique_ptr<Appender> appender_;
};

/// The field `id` of every entry in Redis, as often as it stands there.
std::multiset<std::string> stored_ids(RedisServer& server, const stream::Layout& layout = {}) {
  const stream::Keys keys(layout);
  std::multiset<std::string> ids;
  for (unsigned partition = 0; partition < keys.partitions(); ++partition) {
    const redis::Reply reply = server.call({"XRANGE", keys.stream(partition), "-", "+"});
    for (std::size_t at = 0; at < reply.view().size(); ++at) ids.insert(std::string(reply.view()[at][1][3].text()));
  }
  return ids;
}

std::uint64_t xadd_calls(RedisServer& server, std::string_view what) {
  const std::string stats = server.text({"INFO", "commandstats"});
  const std::size_t line = stats.find("cmdstat_xadd:");
  if (line == std::string::npos) return 0;
  const std::string wanted = std::string(what) + "=";
  return std::stoull(stats.substr(stats.find(wanted, line) + wanted.size()));
}

std::uint64_t calls_of(RedisServer& server, const std::string& command) {
  const std::string stats = server.text({"INFO", "commandstats"});
  const std::string name = "cmdstat_" + command + ":calls=";
  const std::size_t at = stats.find(name);
  return at == std::string::npos ? 0 : std::stoull(stats.substr(at + name.size()));
}

redis::Endpoint through(const TcpGate& gate) {
  redis::Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(gate.port());
  return endpoint;
}

/// Keeps `parallel` entries unanswered, as that many keep-alive senders would, until told to stop.
class Load {
 public:
  Load(Subject& subject, std::size_t parallel, std::chrono::milliseconds deadline)
      : thread_([&subject, parallel, deadline](const std::stop_token& stop) {
          std::size_t submitted = 0;
          while (!stop.stop_requested()) {
            const std::vector<int> calls = subject.calls();
            const auto answered = static_cast<std::size_t>(std::ranges::count(calls, 1));
            for (; submitted < answered + parallel; ++submitted) subject.submit(deadline);
            std::this_thread::yield();
          }
        }) {}
  void stop() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  std::jthread thread_;
};

// ---- what a stored entry is ----

TEST(Appender, StoresEveryFieldInTheEntrysPartition) {
  RedisServer server;
  Subject subject(server.endpoint());
  const stream::Layout layout;
  const stream::Keys keys(layout);
  stream::Entry entry = make_entry(7);
  entry.body = std::string("bytes \0 \r\n \xff as received", 24);
  std::atomic<bool> stored{false};

  subject.appender().submit(entry, kClock.now() + 10s, [&](Outcome outcome) { stored = outcome == Outcome::kStored; });

  ASSERT_TRUE(wait_until(kSoon, [&] { return stored.load(); }));
  const unsigned partition = stream::partition_of(entry.id_instance, entry.chat, layout.partitions);
  const redis::Reply reply = server.call({"XRANGE", keys.stream(partition), "-", "+"});
  ASSERT_EQ(reply.view().size(), 1U);
  const auto decoded = stream::decode(reply.view()[0][1]);
  ASSERT_TRUE(decoded) << decoded.error();
  EXPECT_EQ(*decoded, entry);
}

TEST(Appender, KeepsTheOrderOfOneChat) {
  RedisServer server;
  Subject subject(server.endpoint());
  std::atomic<int> stored{0};
  for (int number = 0; number < 1000; ++number) {
    stream::Entry entry = make_entry(0);
    entry.trace = std::to_string(number);
    subject.appender().submit(std::move(entry), kClock.now() + 10s, [&](Outcome outcome) { stored += outcome == Outcome::kStored; });
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return stored == 1000; }));
  const stream::Entry entry = make_entry(0);
  const stream::Keys keys{stream::Layout{}};
  const redis::Reply reply = server.call({"XRANGE", keys.stream(stream::partition_of(entry.id_instance, entry.chat, 32)), "-", "+"});
  ASSERT_EQ(reply.view().size(), 1000U);
  for (std::size_t at = 0; at < 1000; ++at) ASSERT_EQ(reply.view()[at][1][15].integer(), static_cast<std::int64_t>(at));
}

TEST(Appender, ManyEntriesShareOneRoundTrip) {
  RedisServer server;
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  subject.submit_many(5000);
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 5000U);
  EXPECT_EQ(subject.metric("hookfleet_append_batch_entries_sum"), 5000);
  EXPECT_LT(subject.metric("hookfleet_append_batch_entries_count"), 1000);
  EXPECT_EQ(subject.metric("hookfleet_append_entries_total{outcome=\"stored\"}"), 5000);
}

TEST(Appender, OneBrokenPartitionHoldsUpNoOther) {
  RedisServer server;
  const stream::Keys keys{stream::Layout{}};
  const stream::Entry first = make_entry(0);
  server.call({"SET", keys.stream(stream::partition_of(first.id_instance, first.chat, 32)), "no stream"});
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  subject.submit_many(500, 2s);
  ASSERT_TRUE(subject.all_answered());
  EXPECT_GT(subject.metric("hookfleet_append_refusals_total{error=\"other\"}"), 0);
  EXPECT_EQ(subject.answers()[0].outcome, Outcome::kUnavailable);
  EXPECT_GT(subject.ids(Outcome::kStored).size(), 400U);
  EXPECT_EQ(subject.ids(Outcome::kUnknown).size(), 0U);
  EXPECT_GE(calls_of(server, "exec"), 1U);  // large batches went as one transaction
}

TEST(Appender, BoundsABatchByBytesButLetsALargeEntryThrough) {
  RedisServer server;
  Subject subject(server.endpoint(), {.batch_bytes_max = 4096});
  std::atomic<int> stored{0};
  for (int number = 0; number < 20; ++number) {
    stream::Entry entry = make_entry(static_cast<unsigned>(number));
    entry.body.assign(1'000'000, 'x');
    subject.appender().submit(std::move(entry), kClock.now() + 20s, [&](Outcome outcome) { stored += outcome == Outcome::kStored; });
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return stored == 20; }));
  EXPECT_EQ(subject.metric("hookfleet_append_batch_entries_count"), 20);
}

TEST(Appender, LingeringGathersWhatComesMeanwhile) {
  RedisServer server;
  Subject subject(server.endpoint(), {.linger = 50ms});
  ASSERT_TRUE(subject.becomes_writable());
  for (int number = 0; number < 5; ++number) {
    subject.submit();
    std::this_thread::sleep_for(2ms);  // senders arrive one after the other
  }
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 5U);
  EXPECT_LE(subject.metric("hookfleet_append_batch_entries_count"), 2);
}

TEST(Appender, ExportsBacklogAndAgeOfEveryPartition) {
  RedisServer server;
  const stream::Layout layout{.partitions = 2};
  Subject subject(server.endpoint(), {}, layout);
  ASSERT_TRUE(subject.becomes_writable());
  stream::Entry old = make_entry(0);
  old.received_ms -= 100'000;
  const unsigned partition = stream::partition_of(old.id_instance, old.chat, 2);
  subject.appender().submit(std::move(old), kClock.now() + 10s, [](Outcome) {});
  const std::string label = "{partition=\"" + std::to_string(partition) + "\"}";
  EXPECT_TRUE(wait_until(kSoon, [&] { return subject.metric("hookfleet_stream_backlog_entries" + label) == 1; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return subject.metric("hookfleet_stream_oldest_entry_age_seconds" + label) >= 100; }));
}

// ---- durability ----

TEST(Appender, AppendsNothingToAServerThatDoesNotSync) {
  RedisServer server(with({"--appendfsync", "everysec"}));
  Subject subject(server.endpoint());
  EXPECT_EQ(subject.outcome_of_one(1s), Outcome::kUnavailable);
  EXPECT_THAT(subject.state().reason, HasSubstr("appendfsync: is everysec, must be always"));
  EXPECT_THAT(subject.log(), HasSubstr("redis.not_durable"));
  EXPECT_EQ(subject.metric("hookfleet_append_check_failed{check=\"appendfsync\"}"), 1);
  EXPECT_EQ(subject.metric("hookfleet_append_durable"), 0);
  EXPECT_THAT(stored_ids(server), IsEmpty());

  server.config_set("appendfsync", "always");
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
  EXPECT_EQ(subject.metric("hookfleet_append_check_failed{check=\"appendfsync\"}"), 0);
  EXPECT_EQ(subject.metric("hookfleet_append_durable"), 1);
}

TEST(Appender, NoticesWithinFiveSecondsThatDurabilityIsSwitchedOffAndRecovers) {
  RedisServer server;
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  Load load(subject, 8, 60s);

  server.config_set("appendfsync", "everysec");
  const base::BootTime switched_off = kClock.now();
  ASSERT_TRUE(subject.becomes_unwritable("appendfsync"));
  std::this_thread::sleep_until(std::chrono::steady_clock::now() + (switched_off + 6s - kClock.now()));  // the promise is about this time
  const base::BootTime switched_on = kClock.now();
  for (const Subject::Answer& answer : subject.answers()) {
    if (answer.calls > 0) {
      EXPECT_LT(answer.at, switched_off + 5s);
    }
  }
  server.config_set("appendfsync", "always");

  ASSERT_TRUE(subject.becomes_writable());
  load.stop();
  ASSERT_TRUE(subject.all_answered());
  EXPECT_THAT(subject.calls(), Each(1));
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), subject.answers().size());
  EXPECT_GT(subject.answers().back().at, switched_on);
}

TEST(Appender, WaitsForTheFirstRewriteAfterAppendonlyIsSwitchedOn) {
  RedisServer server(with({"--appendonly", "no"}));
  for (int key = 0; key < 100; ++key) server.call({"SET", std::to_string(key), "x"});
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_unwritable("appendonly: is no"));

  server.config_set("rdb-key-save-delay", "30000");  // the rewrite takes 3 s
  server.config_set("appendonly", "yes");
  ASSERT_TRUE(subject.becomes_unwritable("aof_live"));
  subject.submit();
  const auto rewriting = [&] { return server.text({"INFO", "persistence"}).find("aof_rewrite_in_progress:1") != std::string::npos; };
  for (;;) {
    const std::vector<std::string> stored = subject.ids(Outcome::kStored);  // asked first: it may end at any moment
    if (!rewriting()) break;
    ASSERT_THAT(stored, IsEmpty());
  }
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 1U);
}

TEST(Appender, NoticesThatAppendonlyWasSwitchedOffAndOnBetweenTwoLooks) {
  RedisServer server(with({"--rdb-key-save-delay", "60000"}));
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  for (int key = 0; key < 100; ++key) server.call({"SET", std::to_string(key), "x"});
  server.config_set("appendonly", "no");
  server.config_set("appendonly", "yes");
  EXPECT_TRUE(subject.becomes_unwritable("aof_live", 6s));
  EXPECT_TRUE(subject.becomes_writable());
}

TEST(Appender, GoesOnDuringAnOrdinaryRewrite) {
  RedisServer server(with({"--rdb-key-save-delay", "60000"}));  // 6 s for 100 keys: longer than the time between two preflights
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  for (int key = 0; key < 100; ++key) server.call({"SET", std::to_string(key), "x"});
  server.call({"BGREWRITEAOF"});
  Load load(subject, 2, 2s);
  EXPECT_TRUE(wait_until(kSoon, [&] {
    return server.text({"INFO", "persistence"}).find("aof_rewrite_in_progress:0") != std::string::npos;
  }));
  load.stop();
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), subject.answers().size()) << subject.log();
}

TEST(Appender, AppendsNothingWhereAnotherLayoutStands) {
  RedisServer server;
  server.call({"HSET", "hf:meta", "layout", "1 64 chat"});
  Subject subject(server.endpoint());
  EXPECT_EQ(subject.outcome_of_one(1s), Outcome::kUnavailable);
  EXPECT_TRUE(subject.state().foreign_layout);
  EXPECT_THAT(subject.state().reason, HasSubstr("1 64 chat"));
  EXPECT_THAT(stored_ids(server), IsEmpty());
}

TEST(Appender, WritesTheLayoutAgainAfterFlushall) {
  RedisServer server;
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  EXPECT_EQ(server.text({"HGET", "hf:meta", "layout"}), "1 32 chat");
  server.call({"FLUSHALL"});
  EXPECT_TRUE(wait_until(kSoon, [&] { return server.text({"HGET", "hf:meta", "layout"}) == "1 32 chat"; }));
}

TEST(Appender, NeedsOnlyTheCommandsOfItsRole) {
  RedisServer server;
  server.call({"ACL", "SETUSER", "ingress", "on", ">secret", "~hf:*", "+xadd", "+xlen", "+xrange", "+wait", "+ping", "+role", "+info",
               "+config|get", "+hgetall", "+hsetnx"});
  redis::Endpoint endpoint = server.endpoint();
  endpoint.user = "ingress";
  endpoint.password = "secret";
  {
    Subject subject(endpoint);
    subject.submit_many(500);
    ASSERT_TRUE(subject.all_answered());
    EXPECT_EQ(subject.ids(Outcome::kStored).size(), 500U);
  }
  EXPECT_EQ(calls_of(server, "exec"), 0U);
  server.call({"ACL", "SETUSER", "ingress", "+multi", "+exec"});  // what makes it fast with appendfsync always
  Subject subject(endpoint);
  subject.submit_many(500);
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 500U);
  EXPECT_GT(calls_of(server, "exec"), 1U);
}

TEST(Appender, RefusesAServerWhoseDefaultUserMayNotReadItsLog) {
  RedisServer server({.roles = true});
  const redis::Endpoint endpoint = redis::Endpoint::parse(server.url_of("ingress")).value();
  server.call({"ACL", "SETUSER", "default", "-@all", "+ping", "+acl"});  // Redis would leave out what transactions have written
  {
    Subject subject(endpoint);
    EXPECT_EQ(subject.outcome_of_one(1s), Outcome::kUnavailable);
    EXPECT_THAT(subject.state().reason, HasSubstr("aof_user: "));
  }
  server.call({"ACL", "SETUSER", "default", "off", "resetpass", "~*", "&*", "+@all"});
  Subject subject(endpoint);
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
}

TEST(Appender, WhereConfigIsForbiddenItTakesTheOperatorsWord) {
  RedisServer server;
  server.call({"ACL", "SETUSER", "managed", "on", ">secret", "~*", "+@all", "-config"});
  redis::Endpoint endpoint = server.endpoint();
  endpoint.user = "managed";
  endpoint.password = "secret";
  {
    Subject subject(endpoint);
    EXPECT_EQ(subject.outcome_of_one(1s), Outcome::kUnavailable);
    EXPECT_THAT(subject.state().reason, HasSubstr("config: CONFIG GET is refused"));
  }
  Subject subject(endpoint, {.assume = durability::Assumption::kAlways});
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
  EXPECT_EQ(subject.metric("hookfleet_append_durability_assumed"), 1);
  EXPECT_THAT(subject.log(), HasSubstr("redis.durability_assumed"));
}

// ---- faults ----

TEST(Appender, LosesNothingAcknowledgedWhenRedisIsKilledUnderLoad) {
  RedisServer server;
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  Load load(subject, 64, 20s);
  std::size_t before = 0;
  for (int kill = 0; kill < 3; ++kill) {
    ASSERT_TRUE(wait_until(kSoon, [&] { return subject.ids(Outcome::kStored).size() > before + 500; }));
    server.kill();
    before = subject.ids(Outcome::kStored).size();
    server.start();
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return subject.ids(Outcome::kStored).size() > before + 500; }));
  load.stop();
  ASSERT_TRUE(subject.all_answered(30s));

  EXPECT_THAT(subject.calls(), Each(1));
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), subject.answers().size());  // slow ones, but none refused
  const std::multiset<std::string> stored = stored_ids(server);
  std::size_t missing = 0;
  for (const std::string& id : subject.ids(Outcome::kStored)) missing += stored.count(id) == 0;
  EXPECT_EQ(missing, 0U);
  EXPECT_GE(subject.metric("hookfleet_append_connections_total"), 4);
}

TEST(Appender, KeepsDeadlinesWhileRedisStandsStillAndRecovers) {
  RedisServer server;
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  server.freeze();
  const base::BootTime start = kClock.now();
  subject.submit(500ms);  // sent, never answered
  subject.submit(300ms);
  subject.submit(1s);
  ASSERT_TRUE(subject.all_answered());
  const std::vector<Subject::Answer> answers = subject.answers();
  const std::chrono::milliseconds deadlines[] = {500ms, 300ms, 1s};
  for (std::size_t number = 0; number < 3; ++number) {
    EXPECT_GE(answers[number].at, start + deadlines[number]);
    EXPECT_LT(answers[number].at, start + deadlines[number] + 2s) << "more than a machine that is busy with other tests adds";
  }
  EXPECT_EQ(answers[0].outcome, Outcome::kUnknown);
  EXPECT_NE(answers[2].outcome, Outcome::kStored);
  EXPECT_GE(subject.beats(), 2U);
  server.thaw();
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
  EXPECT_THAT(subject.calls(), Each(1));
}

TEST(Appender, LeavesAConnectionThatSaysNothingForEightSeconds) {
  RedisServer server;
  TcpGate gate(server.port());
  Subject subject(through(gate));
  ASSERT_TRUE(subject.becomes_writable());
  gate.stall_replies();
  subject.submit(20s);
  ASSERT_TRUE(subject.becomes_unwritable("no byte from Redis", 12s));
  gate.open();
  gate.cut();
  ASSERT_TRUE(subject.all_answered(20s));
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 1U);
}

TEST(Appender, KeepsDeadlinesWhileConnectingHangs) {
  // A listener whose backlog is full: the kernel drops further SYNs, connect(2) waits.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  std::vector<int> fillers;
  for (int filler = 0; filler < 4; ++filler) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  redis::Endpoint endpoint;
  endpoint.port = ntohs(address.sin_port);
  {
    Subject subject(endpoint);
    const base::BootTime start = kClock.now();
    EXPECT_EQ(subject.outcome_of_one(300ms), Outcome::kUnavailable);
    EXPECT_LT(kClock.now(), start + redis::Timeouts{}.connect);
  }
  for (const int fd : fillers) ::close(fd);
  ::close(listener);
}

TEST(Appender, ConnectsWhenRedisComesLate) {
  RedisServer server(later());
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_unwritable("no connection"));
  const std::size_t number = subject.submit(20s);
  server.start();
  ASSERT_TRUE(subject.all_answered(20s));
  EXPECT_EQ(subject.answers()[number].outcome, Outcome::kStored);
  EXPECT_TRUE(subject.state().writable);
}

TEST(Appender, TriesAgainWhatWasSentWhenTheLinkIsCut) {
  RedisServer server;
  TcpGate gate(server.port());
  Subject subject(through(gate));
  ASSERT_TRUE(subject.becomes_writable());
  gate.stall_replies();
  const std::size_t number = subject.submit();
  ASSERT_TRUE(wait_until(kSoon, [&] { return stored_ids(server).size() == 1; }));  // Redis has it, we don't know
  EXPECT_EQ(subject.answers()[number].calls, 0);
  gate.cut();
  gate.open();
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.answers()[number].outcome, Outcome::kStored);
  EXPECT_EQ(stored_ids(server).count(subject.answers()[number].id), 2U);  // the worker drops the copy
  EXPECT_EQ(subject.metric("hookfleet_append_retries_total{reason=\"lost\"}"), 1);
}

TEST(Appender, RefusalsAreTriedUntilTheDeadlineWithoutHurry) {
  RedisServer server(with({"--min-replicas-to-write", "1"}));
  server.config_set("min-replicas-to-write", "0");
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  server.config_set("min-replicas-to-write", "1");
  subject.submit_many(500, 20s);
  EXPECT_EQ(subject.outcome_of_one(2s), std::nullopt);  // the others wait longer
  EXPECT_EQ(subject.answers().back().outcome, Outcome::kUnavailable);
  EXPECT_THAT(subject.ids(Outcome::kStored), IsEmpty());
  EXPECT_LT(xadd_calls(server, "rejected_calls"), 600U);  // one batch or two, then one entry at a time
  EXPECT_GE(subject.metric("hookfleet_append_refusals_total{error=\"noreplicas\"}"), 10);

  server.config_set("min-replicas-to-write", "0");
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 500U);
  EXPECT_EQ(stored_ids(server).size(), 500U);
}

TEST(Appender, RefusesAtOnceWhileRedisMemoryIsHighAndTakesAgainWhenItIsNot) {
  RedisServer server;
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  server.call({"SET", "filler", std::string(20'000'000, 'x')});
  server.config_set("maxmemory", "24mb");
  ASSERT_TRUE(wait_until(kSoon, [&] { return subject.outcome_of_one() == Outcome::kOverloaded; }));
  EXPECT_GT(subject.metric("hookfleet_append_redis_memory_ratio"), 0.8);
  EXPECT_GE(subject.metric("hookfleet_append_overloads_total{reason=\"memory\"}"), 1);
  server.call({"DEL", "filler"});
  EXPECT_TRUE(wait_until(kSoon, [&] { return subject.outcome_of_one() == Outcome::kStored; }));
}

TEST(Appender, AtMaxmemoryNothingIsAcknowledgedAndItRecovers) {
  RedisServer server;
  Subject subject(server.endpoint(), {.memory_max_percent = 95});
  ASSERT_TRUE(subject.becomes_writable());
  subject.submit_many(100);
  ASSERT_TRUE(subject.all_answered());
  const std::string maxmemory = server.text({"CONFIG", "GET", "maxmemory"});
  server.config_set("maxmemory", "500kb");  // below what is used
  subject.submit_many(50, 10s);             // perhaps before the sample: then Redis says OOM
  server.config_set("maxmemory", "256mb");
  ASSERT_TRUE(subject.all_answered());
  const auto answers = subject.answers();
  for (const auto& answer : answers) EXPECT_TRUE(answer.outcome == Outcome::kStored || answer.outcome == Outcome::kOverloaded);
  EXPECT_EQ(stored_ids(server).size(), subject.ids(Outcome::kStored).size());
  EXPECT_TRUE(wait_until(kSoon, [&] { return subject.outcome_of_one() == Outcome::kStored; }));
}

TEST(Appender, AWrongPasswordIsToldAndNotHammered) {
  RedisServer server(guarded_by("right"));
  TcpGate gate(server.port());
  redis::Endpoint endpoint = through(gate);
  endpoint.password = "wrong";
  Subject subject(endpoint);
  EXPECT_EQ(subject.outcome_of_one(2s), Outcome::kUnavailable);
  EXPECT_THAT(subject.state().reason, HasSubstr("refused AUTH"));
  EXPECT_THAT(subject.log() + subject.state().reason, Not(HasSubstr("\"wrong\"")));
  EXPECT_LE(gate.accepted(), 4U);
}

TEST(Appender, FollowsTheRoleOfTheServer) {
  RedisServer server;
  Subject subject(server.endpoint());
  ASSERT_TRUE(subject.becomes_writable());
  server.call({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_EQ(subject.outcome_of_one(3s), Outcome::kUnavailable);
  EXPECT_TRUE(subject.becomes_unwritable("role: is slave"));
  server.call({"REPLICAOF", "NO", "ONE"});
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
}

// ---- bounds, end ----

TEST(Appender, RefusesAtOnceWhenTheQueueIsFull) {
  RedisServer server;
  Subject subject(server.endpoint(), {.queue_max = 10});
  ASSERT_TRUE(subject.becomes_writable());
  server.freeze();
  subject.submit_many(25, 1s);
  EXPECT_EQ(subject.ids(Outcome::kOverloaded).size(), 15U);  // already
  ASSERT_TRUE(subject.all_answered());
  server.thaw();
  EXPECT_EQ(subject.metric("hookfleet_append_overloads_total{reason=\"queue\"}"), 15);
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
}

TEST(Appender, StopStoresWhatWaits) {
  RedisServer server;
  Subject subject(server.endpoint());
  subject.submit_many(2000);
  subject.appender().stop();
  EXPECT_THAT(subject.calls(), Each(1));
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 2000U);
  subject.submit();
  EXPECT_EQ(subject.answers().back().outcome, Outcome::kOverloaded);
}

TEST(Appender, StopAnswersEverythingThoughRedisIsAway) {
  RedisServer server;
  Subject subject(server.endpoint(), {.drain_timeout = 500ms});
  ASSERT_TRUE(subject.becomes_writable());
  server.freeze();
  subject.submit_many(1000, 20s);
  const base::BootTime start = kClock.now();
  subject.appender().stop();
  EXPECT_LT(kClock.now(), start + 3s);
  EXPECT_THAT(subject.calls(), Each(1));
  EXPECT_THAT(subject.ids(Outcome::kStored), IsEmpty());
  EXPECT_EQ(subject.ids(Outcome::kUnknown).size() + subject.ids(Outcome::kUnavailable).size(), 1000U);
}

// ---- a server that behaves as no Redis does ----

/// Passes every preflight, and does with XADD and WAIT what the test says. One connection at a time is enough for it.
class OddServer {
 public:
  using Reaction = std::function<std::optional<std::string>(unsigned nth)>;  ///< bytes to answer; nothing: cut the connection

  OddServer(Reaction on_xadd, Reaction on_wait) : on_xadd_(std::move(on_xadd)), on_wait_(std::move(on_wait)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(listener_, 16) != 0) std::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    endpoint_.port = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~OddServer() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
  }

  const redis::Endpoint& endpoint() const { return endpoint_; }
  std::vector<base::BootTime> xadds() {
    base::MutexLock lock(mutex_);
    return xadds_;
  }
  unsigned waits() const { return waits_; }

 private:
  static bool readable(int fd) {
    pollfd poll_fd{fd, POLLIN, 0};
    return ::poll(&poll_fd, 1, 20) > 0;
  }
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!readable(listener_)) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      std::string received;
      bool open = true;
      while (open && !stop.stop_requested()) {
        if (!readable(fd)) continue;
        char bytes[65536];
        const ssize_t size = ::recv(fd, bytes, sizeof bytes, 0);
        if (size <= 0) break;
        received.append(bytes, static_cast<std::size_t>(size));
        while (open) {
          const auto name = take_command(received);
          if (!name) break;
          const auto answer = react(*name);
          open = answer && ::send(fd, answer->data(), answer->size(), MSG_NOSIGNAL) >= 0;
        }
      }
      ::close(fd);
    }
  }
  /// The first command's name and argument, cut off `received`; nothing while it is incomplete.
  static std::optional<std::string> take_command(std::string& received) {
    std::size_t at = 0;
    const auto number = [&](char sign) -> std::optional<std::size_t> {
      const std::size_t end = received.find("\r\n", at);
      if (end == std::string::npos || received[at] != sign) return std::nullopt;
      const std::size_t value = std::stoul(received.substr(at + 1, end - at - 1));
      at = end + 2;
      return value;
    };
    const auto count = number('*');
    if (!count) return std::nullopt;
    std::string name;
    for (std::size_t argument = 0; argument < *count; ++argument) {
      const auto size = number('$');
      if (!size || at + *size + 2 > received.size()) return std::nullopt;
      if (argument == 0) name = received.substr(at, *size);
      at += *size + 2;
    }
    received.erase(0, at);
    return name;
  }
  std::optional<std::string> react(const std::string& name) {
    const auto bulk = [](const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; };
    if (name == "HSETNX") return ":0\r\n";
    if (name == "HGETALL") return "*2\r\n" + bulk("layout") + bulk("1 32 chat");
    if (name == "INFO") {
      return bulk(
          "run_id:odd\r\nrole:master\r\nconnected_slaves:1\r\nused_memory:1\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\n"
          "aof_enabled:1\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\naof_base_size:1\r\naof_last_write_status:ok\r\n");
    }
    if (name == "CONFIG") {
      constexpr std::array<std::array<const char*, 2>, 3> kAnswers{
          {{"appendfsync", "always"}, {"aof-load-truncated", "no"}, {"no-appendfsync-on-rewrite", "no"}}};  // in the order of the questions
      const auto& [setting, value] = kAnswers[configs_++ % kAnswers.size()];
      return "*2\r\n" + bulk(setting) + bulk(value);
    }
    if (name == "XADD") {
      base::MutexLock lock(mutex_);
      xadds_.push_back(kClock.now());
      return on_xadd_(static_cast<unsigned>(xadds_.size()));
    }
    if (name == "WAIT") return on_wait_(++waits_);
    return ":0\r\n";
  }

  const Reaction on_xadd_, on_wait_;
  redis::Endpoint endpoint_;
  int listener_ = -1;
  std::size_t configs_ = 0;
  base::Mutex mutex_;
  std::vector<base::BootTime> xadds_ HOOKFLEET_GUARDED_BY(mutex_);
  std::atomic<unsigned> waits_{0};
  std::jthread thread_;
};

const OddServer::Reaction kId = [](unsigned nth) { return "$3\r\n" + std::to_string(nth % 10) + "-1\r\n"; };
const OddServer::Reaction kNoWait = [](unsigned) { return ":0\r\n"; };

TEST(Appender, AppendsThreeTimesAtMostWhenEveryLinkIsCutAfterSending) {
  OddServer server([](unsigned) { return std::nullopt; }, kNoWait);
  Subject subject(server.endpoint());
  EXPECT_EQ(subject.outcome_of_one(10s), Outcome::kUnknown);
  const std::vector<base::BootTime> xadds = server.xadds();
  ASSERT_EQ(xadds.size(), 3U);
  EXPECT_GE(xadds[1] - xadds[0], 250ms);
  EXPECT_GE(xadds[2] - xadds[1], 250ms);
  EXPECT_LT(subject.answers()[0].at - xadds[2], 1s);  // nothing is left to wait for
}

TEST(Appender, WhatIsNoStreamIdIsNeverStored) {
  for (const char* answer : {":1\r\n", "+OK\r\n", "$-1\r\n", "*0\r\n", "$2\r\n{}\r\n", "*1\r\n$3\r\n1-1\r\n",
                             "HTTP/1.1 400 Bad Request\r\n\r\n", "$99999999999\r\n", "\0\0\0\0\r\n"}) {
    SCOPED_TRACE(answer);
    OddServer server([answer](unsigned) { return std::string(answer); }, kNoWait);
    Subject subject(server.endpoint());
    EXPECT_EQ(subject.outcome_of_one(700ms), Outcome::kUnknown);
  }
}

TEST(Appender, GarbageToThePreflightAppendsNothing) {
  RedisServer server;
  TcpGate gate(server.port());
  gate.answer("HTTP/1.1 400 Bad Request\r\n\r\n");
  Subject subject(through(gate));
  EXPECT_EQ(subject.outcome_of_one(1s), Outcome::kUnavailable);
  EXPECT_LE(gate.accepted(), 10U);
  gate.open();
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
}

TEST(Appender, AShortWaitIsRepeatedAsWaitNeverAsAppend) {
  // nth WAIT: 1 the preflight's probe, 2 after the batch
  OddServer server(kId, [](unsigned nth) { return nth < 5 ? ":0\r\n" : ":1\r\n"; });
  Subject subject(server.endpoint(), {.wait_replicas = 1});
  EXPECT_EQ(subject.outcome_of_one(), Outcome::kStored);
  EXPECT_EQ(server.xadds().size(), 1U);
  EXPECT_EQ(server.waits(), 5U);
}

TEST(Appender, WhatReplicasNeverConfirmIsUnknownAndNothingFollowsIt) {
  OddServer server(kId, [](unsigned) {
    std::this_thread::sleep_for(20ms);  // as a WAIT does
    return ":0\r\n";
  });
  Subject subject(server.endpoint(), {.wait_replicas = 1});
  EXPECT_EQ(subject.outcome_of_one(1s), Outcome::kUnknown);
  EXPECT_THAT(subject.state().reason, HasSubstr("replicas"));
  EXPECT_EQ(subject.outcome_of_one(1s), Outcome::kUnavailable);
  EXPECT_EQ(server.xadds().size(), 1U);
}

TEST(Appender, WithWaitOnlyWhatAReplicaHasIsStored) {
  RedisServer master;
  RedisServer replica(with({"--replicaof", "127.0.0.1", std::to_string(master.port())}));
  Subject subject(master.endpoint(), {.wait_replicas = 1});
  ASSERT_TRUE(subject.becomes_writable(30s));
  subject.submit_many(1000);
  ASSERT_TRUE(subject.all_answered());
  EXPECT_EQ(subject.ids(Outcome::kStored).size(), 1000U);
  EXPECT_EQ(stored_ids(replica).size(), 1000U);

  replica.freeze();
  EXPECT_EQ(subject.outcome_of_one(2s), Outcome::kUnknown);
  replica.thaw();
  EXPECT_EQ(subject.outcome_of_one(20s), Outcome::kStored);
}

}  // namespace
}  // namespace hookfleet::append
