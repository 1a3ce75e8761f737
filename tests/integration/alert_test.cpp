#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/simulate/http_server.hpp"
#include "common/alert/delivery.hpp"
#include "common/alert/outbox.hpp"
#include "common/alert/sink_state.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::alert {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using simulate::HttpServer;
using support::kSoon;
using support::wait_until;
using testing::ElementsAre;
using testing::HasSubstr;

SinkOptions http(const HttpServer& server) {
  SinkOptions options;
  options.http.url = config::Secret(server.url("/alert"));
  return options;
}

Options to(std::initializer_list<const HttpServer*> servers) {
  Options options;
  options.rate = 6000;
  for (const HttpServer* server : servers) options.sinks.push_back(http(*server));
  return options;
}

Alert dead_letter(std::uint64_t instance, const std::string& text = "it failed eight times") {
  Alert alert;
  alert.kind = Kind::kDeadLetter;
  alert.type_webhook = "incomingMessageReceived";
  alert.id_instance = instance;
  alert.text = text;
  alert.body = std::make_shared<const std::string>(R"({"typeWebhook":"incomingMessageReceived"})");
  return alert;
}

/// The instances of what a sink was told, in order.
std::vector<std::uint64_t> instances(const HttpServer& server) {
  std::vector<std::uint64_t> all;
  for (const auto& request : server.requests()) {
    const Json json = Json::parse(request.body);
    all.push_back(json.contains("idInstance") ? json["idInstance"].get<std::uint64_t>() : 0);
  }
  return all;
}

std::vector<std::uint64_t> counted(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all;
  for (; from <= to; ++from) all.push_back(from);
  return all;
}

/// One process of the fleet as far as alerts go.
class Member {
 public:
  Member(const redis::Endpoint& endpoint, const Options& options, const std::string& name = "one", bool delivers = true,
         const log::Options& log_options = {}, std::chrono::milliseconds gone = 1h)
      : log_(log_options, "test",
             [this](std::string_view line) {
               const std::lock_guard lock(mutex_);
               lines_.emplace_back(line);
             }),
        registry_(kTable, "test"),
        sinks_(make_sinks(options)),
        metrics_(registry_, sinks_) {
    const redis::Timeouts timeouts{500ms, 1s};
    outbox_.emplace(Outbox::Setup{.endpoint = endpoint, .timeouts = timeouts, .layout = {}, .options = options, .process = name}, sinks_,
                    client_, metrics_, log_, clock_);
    if (!delivers) return;
    delivery_.emplace(
        Delivery::Setup{.endpoint = endpoint,
                        .timeouts = timeouts,
                        .layout = {},
                        .options = options,
                        .owner = name,
                        .timers = {.lease_ttl = 1500ms, .renew = 200ms, .validity = 1000ms, .poll = 20ms, .stop = 1s, .gone = gone}},
        sinks_, client_, metrics_, log_, clock_);
  }

  void tell(Alert alert) { outbox_->tell(std::move(alert)); }
  void stop() {
    outbox_->stop();
    if (delivery_) delivery_->stop();
  }
  double metric(const std::string& series) const {
    const std::string text = registry_.text();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
  std::size_t lines_with(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(), [&](const std::string& line) { return line.find(part) != std::string::npos; }));
  }
  std::string lines() const {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const auto& line : lines_) all += line + '\n';
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  base::SystemClock clock_;
  log::Logger log_;
  metrics::Registry registry_;
  std::vector<Sink> sinks_;
  Metrics metrics_;
  web::Client client_;
  std::optional<Outbox> outbox_;
  std::optional<Delivery> delivery_;
};

std::uint64_t queue_length(support::RedisServer& redis) { return std::stoul(redis.text({"XLEN", "hf:alerts"})); }

TEST(Alerts, ReachEverySinkOnceAndLeaveTheQueue) {
  support::RedisServer redis;
  const HttpServer one, two;
  Member member(redis.endpoint(), to({&one, &two}));
  for (std::uint64_t instance = 1; instance <= 20; ++instance) member.tell(dead_letter(instance));
  ASSERT_TRUE(wait_until(kSoon, [&] { return one.count() >= 20 && two.count() >= 20; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; })) << "what all sinks have takes no memory";
  member.stop();
  EXPECT_EQ(instances(one), counted(1, 20));
  EXPECT_EQ(instances(two), counted(1, 20));
  EXPECT_EQ(Json::parse(one.requests()[0].body)["notification"]["typeWebhook"], "incomingMessageReceived");
  EXPECT_EQ(member.metric(R"(hookfleet_alert_deliveries_total{outcome="delivered",sink="http"})"), 20);
  EXPECT_EQ(member.metric(R"(hookfleet_alert_told_total{kind="dead_letter"})"), 20);
  EXPECT_EQ(member.lines_with(R"("event":"alert")"), 20U);
}

TEST(Alerts, OfOneKindTypeAndInstanceAreOneWithinTheWindowInAllProcesses) {
  support::RedisServer redis;
  const HttpServer sink;
  Options options = to({&sink});
  options.window = 2s;
  Member one(redis.endpoint(), options, "one");
  Member two(redis.endpoint(), options, "two", false);
  for (int i = 0; i < 10; ++i) {
    one.tell(dead_letter(1));
    two.tell(dead_letter(1));
  }
  const std::string told_until = base::rfc3339(std::chrono::system_clock::now());
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 1; }));
  const auto held_back = [&] { return one.metric("hookfleet_alert_held_back_total") + two.metric("hookfleet_alert_held_back_total"); };
  ASSERT_TRUE(wait_until(kSoon, [&] { return held_back() == 19; }));
  // When the window has ended each process tells the last it has held back, one window after the other, and then nothing is left to tell.
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 3; }));
  const auto held_before = [&](std::size_t request) { return Json::parse(sink.requests()[request].body)["suppressed"].get<int>(); };
  EXPECT_EQ(held_before(1) + held_before(2) + 2, 19);
  for (const std::size_t request : {1U, 2U}) {
    const Json told = Json::parse(sink.requests()[request].body);
    EXPECT_LE(told["time"].get<std::string>(), told_until) << "when the last of them happened, not when the window ended";
    EXPECT_LE(told["suppressed_since"].get<std::string>(), told["time"].get<std::string>());
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return redis.text({"DBSIZE"}) == "2"; })) << "the queue and its lease";
  one.tell(dead_letter(1));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 4; }));
  EXPECT_FALSE(Json::parse(sink.requests()[3].body).contains("suppressed"));
}

TEST(Alerts, OfAStateAreNotToldWhenTheWindowEnds) {
  support::RedisServer redis;
  const HttpServer sink;
  Options options = to({&sink});
  options.window = 200ms;
  Member member(redis.endpoint(), options);
  const Alert backlog{.kind = Kind::kBacklog, .text = "many wait"};
  member.tell(backlog);
  member.tell(backlog);
  member.tell(dead_letter(1));
  member.tell(dead_letter(1));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 3; })) << "the second dead letter when the window has ended";
  std::size_t backlogs = 0;
  for (const auto& request : sink.requests()) backlogs += Json::parse(request.body)["kind"] == "backlog" ? 1U : 0U;
  EXPECT_EQ(backlogs, 1U);
}

TEST(Alerts, OfAStateThatBeganAgainWithinTheWindowAreToldWhenItEnds) {
  support::RedisServer redis;
  const HttpServer sink;
  Options options = to({&sink});
  options.window = 200ms;
  Member member(redis.endpoint(), options);
  member.tell({.kind = Kind::kSettingsDrift, .id_instance = 7, .text = "stateWebhook is no"});
  member.tell({.kind = Kind::kSettingsDrift, .id_instance = 7, .text = "stateWebhook is no again"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 2; }));
  EXPECT_EQ(Json::parse(sink.requests()[1].body)["text"], "stateWebhook is no again");
}

TEST(Alerts, ThatDifferInWhichAreToldEach) {
  support::RedisServer redis;
  const HttpServer sink;
  Member member(redis.endpoint(), to({&sink}));
  for (const char* which : {"a", "b", "a", "c"}) {
    Alert alert = dead_letter(1);
    alert.which = which;
    alert.text = which;
    member.tell(std::move(alert));
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() >= 3 && queue_length(redis) == 0; }));
  std::vector<std::string> texts;
  for (const auto& request : sink.requests()) texts.push_back(Json::parse(request.body)["text"]);
  EXPECT_THAT(texts, ElementsAre("a", "b", "c"));
}

TEST(Alerts, SayWordsOfTheBodyToTheLogOnlyWhereItShowsThem) {
  redis::Endpoint nowhere;
  nowhere.port = static_cast<std::uint16_t>(support::free_port());
  const auto lines = [&](log::Payload payload) {
    log::Options options;
    options.payload = payload;
    Member member(nowhere, {}, "one", false, options);
    Alert alert = dead_letter(1, "John Smith twice in the root");
    alert.type_webhook = "John Smith";
    alert.redacted = "a key twice";
    member.tell(std::move(alert));
    return member.lines();
  };
  EXPECT_THAT(lines(log::Payload::kFull), testing::AllOf(HasSubstr(R"("text":"John Smith twice)"), HasSubstr(R"("typeWebhook":"John)")));
  for (const auto payload : {log::Payload::kRedacted, log::Payload::kOff}) {
    EXPECT_THAT(lines(payload), testing::AllOf(HasSubstr(R"("text":"a key twice")"), testing::Not(HasSubstr("John"))));
  }
}

TEST(Alerts, WaitInOrderForASinkThatIsDown) {
  support::RedisServer redis;
  HttpServer up;
  HttpServer down([](const HttpServer::Request&) { return HttpServer::Reply::of(503); });
  Member member(redis.endpoint(), to({&down, &up}));
  for (std::uint64_t instance = 1; instance <= 50; ++instance) member.tell(dead_letter(instance));
  ASSERT_TRUE(wait_until(kSoon, [&] { return up.count() == 50; })) << "the other isn't held up";
  ASSERT_TRUE(wait_until(kSoon, [&] { return down.count() >= 2; })) << "it is tried again";
  EXPECT_EQ(queue_length(redis), 50U);
  EXPECT_TRUE(wait_until(kSoon, [&] { return member.metric(R"(hookfleet_alert_sink_queue_alerts{sink="http"})") == 50; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return member.metric(R"(hookfleet_alert_sink_queue_alerts{sink="http-2"})") == 0; }));
  down.answer([](const HttpServer::Request&) { return HttpServer::Reply{}; });
  const std::size_t failed = down.count();
  ASSERT_TRUE(wait_until(kSoon, [&] { return down.count() >= failed + 50; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  std::vector<std::uint64_t> all = instances(down);
  all.erase(std::unique(all.begin(), all.end()), all.end());  // the first was tried several times
  EXPECT_EQ(all, counted(1, 50));
  EXPECT_EQ(instances(up), counted(1, 50));
}

TEST(Alerts, AreToldToASinkWhileAnotherHangs) {
  support::RedisServer redis;
  const HttpServer up;
  const HttpServer hangs([](const HttpServer::Request&) { return HttpServer::Reply::hang(); });
  Member member(redis.endpoint(), to({&hangs, &up}));
  for (std::uint64_t instance = 1; instance <= 10; ++instance) member.tell(dead_letter(instance));
  ASSERT_TRUE(wait_until(kSoon, [&] { return up.count() == 10; }));
  EXPECT_EQ(hangs.count(), 1U);
  const auto before = std::chrono::steady_clock::now();
  member.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 8s) << "it doesn't hold up the end either";
}

TEST(Alerts, ThatASinkRefusesForGoodDontHoldUpTheNext) {
  support::RedisServer redis;
  const HttpServer picky([](const HttpServer::Request& request) {
    return HttpServer::Reply::of(request.body.find(R"("idInstance":2,)") == std::string::npos ? 200 : 422);
  });
  Member member(redis.endpoint(), to({&picky}));
  for (std::uint64_t instance = 1; instance <= 3; ++instance) member.tell(dead_letter(instance));
  ASSERT_TRUE(wait_until(kSoon, [&] { return picky.count() == 3; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  EXPECT_EQ(member.metric(R"(hookfleet_alert_deliveries_total{outcome="rejected",sink="http"})"), 1);
}

TEST(Alerts, SurviveTheProcessThatToldThemAndARestartOfRedis) {
  support::RedisServer redis;
  HttpServer sink;
  const Options options = to({&sink});
  {
    Member ingress(redis.endpoint(), options, "ingress", false);
    for (std::uint64_t instance = 1; instance <= 5; ++instance) ingress.tell(dead_letter(instance));
  }  // the end brings what waits to Redis
  EXPECT_EQ(queue_length(redis), 5U);
  redis.restart();
  Member worker(redis.endpoint(), options, "worker");
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 5; }));
  EXPECT_EQ(instances(sink), counted(1, 5));
}

TEST(Alerts, WaitInMemoryWhileRedisIsAway) {
  support::RedisServer redis;
  const HttpServer sink;
  Member member(redis.endpoint(), to({&sink}));
  member.tell(dead_letter(1));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 1; }));
  redis.kill();
  for (std::uint64_t instance = 2; instance <= 6; ++instance) member.tell(dead_letter(instance));
  ASSERT_TRUE(wait_until(kSoon, [&] { return member.lines_with("alert.queue_unavailable") > 0; }));
  redis.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 6; }));
  EXPECT_EQ(instances(sink), counted(1, 6));
}

TEST(Alerts, AreTakenWithoutWaitingForTheRedactionOfAnother) {
  constexpr std::size_t kBodies = 24;
  support::RedisServer redis;
  Options options;
  options.attach = Attach::kRedacted;
  std::string body = "[\"a\"";
  while (body.size() + 4 < kRedactableMax) body += ",\"a\"";  // a hash each: as slow as it gets
  Alert slow = dead_letter(1);
  slow.body = std::make_shared<const std::string>(body += ']');
  const auto begun = std::chrono::steady_clock::now();
  make_notice(slow, Attach::kRedacted, {}, "test");
  const auto redaction = std::chrono::steady_clock::now() - begun;

  Member member(redis.endpoint(), options, "one", false);
  for (std::uint64_t instance = 1; instance <= kBodies; ++instance) {
    slow.id_instance = instance;
    member.tell(slow);
  }
  std::size_t waited = 0;
  ASSERT_TRUE(wait_until(kSoon, [&] {
    const auto before = std::chrono::steady_clock::now();
    member.tell(dead_letter(1));
    if (std::chrono::steady_clock::now() - before > redaction / 2) ++waited;
    return member.metric("hookfleet_alert_queued_total") == kBodies;
  }));
  EXPECT_LT(waited, kBodies / 3) << "the scheduler may hold up a few";
}

TEST(Alerts, AreAddedOnceMoreWhenTheAnswerIsLostAndAreNotTakenForTheirOwnRepeat) {
  support::RedisServer redis;
  const HttpServer sink;
  support::TcpGate gate(redis.port());
  redis::Endpoint through = redis.endpoint();
  through.port = static_cast<std::uint16_t>(gate.port());
  Member ingress(through, to({&sink}), "ingress", false);
  Member worker(redis.endpoint(), to({&sink}), "worker");
  ingress.tell(dead_letter(1));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 1; }));
  gate.cut_after_from_server(0);  // the SET is executed, its reply never comes
  ingress.tell(dead_letter(2));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 2; }));
  EXPECT_EQ(instances(sink), counted(1, 2));
}

TEST(Alerts, AreToldByTheNextWorkerWhereTheFirstStopped) {
  support::RedisServer redis;
  const HttpServer sink;
  const Options options = to({&sink});
  std::optional<Member> first(std::in_place, redis.endpoint(), options, "first");
  Member ingress(redis.endpoint(), options, "ingress", false);
  ingress.tell(dead_letter(1));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 1; }));
  Member second(redis.endpoint(), options, "second");
  first->stop();
  first.reset();
  ingress.tell(dead_letter(2));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 2; }));
  EXPECT_EQ(instances(sink), counted(1, 2)) << "nothing twice";
  EXPECT_EQ(second.lines_with("alert.delivering"), 1U);
}

TEST(Alerts, AreDeliveredByOneWorkerAtATime) {
  support::RedisServer redis;
  const HttpServer sink;
  const Options options = to({&sink});
  Member one(redis.endpoint(), options, "one"), two(redis.endpoint(), options, "two"), three(redis.endpoint(), options, "three");
  for (std::uint64_t instance = 1; instance <= 60; ++instance) one.tell(dead_letter(instance));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() >= 60; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  EXPECT_EQ(instances(sink), counted(1, 60));
  EXPECT_EQ(one.lines_with("alert.delivering") + two.lines_with("alert.delivering") + three.lines_with("alert.delivering"), 1U);
}

TEST(Alerts, OfTheLastWindowOnlyReachASinkThatIsNew) {
  support::RedisServer redis;
  const HttpServer sink;
  Options options = to({&sink});
  options.window = 1min;
  {
    Member before(redis.endpoint(), options, "before", false);
    before.tell(dead_letter(2));
  }
  // One that came up long before the sink was there.
  redis::Command old;
  Notice notice = make_notice(dead_letter(1), Attach::kFull, base::from_unix_ms(1), "test");
  old.borrow("XADD").borrow("hf:alerts").borrow("1-1");
  encode(old, notice);
  redis.call({"DEL", "hf:alerts"});
  redis.call(old.argv());
  Member member(redis.endpoint(), options);
  member.tell(dead_letter(3));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() >= 1; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  EXPECT_EQ(instances(sink), std::vector<std::uint64_t>{3});
}

/// What came up before is out of the window of a sink that is new: whoever is to have it must deliver already.
Options with_short_window(std::initializer_list<const HttpServer*> servers) {
  Options options = to(servers);
  options.window = 10ms;
  return options;
}

TEST(Alerts, ThatWaitReachASinkWhoseUrlWasChanged) {
  support::RedisServer redis;
  const HttpServer revoked([](const HttpServer::Request&) { return HttpServer::Reply::of(404); });
  const HttpServer other, fresh;
  {
    Member before(redis.endpoint(), with_short_window({&other, &revoked}), "before");
    ASSERT_TRUE(wait_until(kSoon, [&] { return before.lines_with("alert.delivering") == 1; }));
    for (std::uint64_t instance = 1; instance <= 3; ++instance) before.tell(dead_letter(instance));
    ASSERT_TRUE(wait_until(kSoon, [&] { return other.count() == 3 && revoked.count() >= 2; }));
  }
  Member after(redis.endpoint(), with_short_window({&other, &fresh}), "after");
  after.tell(dead_letter(4));
  ASSERT_TRUE(wait_until(kSoon, [&] { return other.count() >= 4 && fresh.count() >= 4; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; })) << "nothing is kept for the URL that has gone";
  EXPECT_EQ(instances(fresh), counted(1, 4));
  EXPECT_EQ(instances(other), counted(1, 4)) << "nothing twice";
}

TEST(Alerts, WaitForASinkThatAWorkerWithOldSettingsDoesNotKnow) {
  support::RedisServer redis;
  const HttpServer old;
  HttpServer added([](const HttpServer::Request&) { return HttpServer::Reply::of(503); });
  const auto run = [&](const Options& options, std::uint64_t instance, std::size_t failed) {
    Member member(redis.endpoint(), options, "worker " + std::to_string(instance));
    if (!wait_until(kSoon, [&] { return member.lines_with("alert.delivering") == 1; })) return false;
    member.tell(dead_letter(instance));
    return wait_until(kSoon, [&] { return old.count() == instance && added.count() >= failed; });
  };
  const Options before = with_short_window({&old}), after = with_short_window({&old, &added});
  ASSERT_TRUE(run(after, 1, 1));
  ASSERT_TRUE(run(before, 2, 0));
  added.answer([](const HttpServer::Request&) { return HttpServer::Reply{}; });
  const std::size_t failed = added.count();
  ASSERT_TRUE(run(after, 3, failed + 3));
  ASSERT_TRUE(wait_until(kSoon, [&] {
    Member last(redis.endpoint(), after, "last");
    return wait_until(1s, [&] { return queue_length(redis) == 0; });
  }));
  std::vector<std::uint64_t> all = instances(added);
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(failed));
  EXPECT_EQ(all, counted(1, 3));
  EXPECT_EQ(instances(old), counted(1, 3));
}

TEST(Alerts, ForASinkThatHasGoneAreKeptForAWhileOnly) {
  support::RedisServer redis;
  const HttpServer stays;
  const HttpServer goes([](const HttpServer::Request&) { return HttpServer::Reply::of(503); });
  {
    Member before(redis.endpoint(), to({&stays, &goes}), "before");
    before.tell(dead_letter(1));
    ASSERT_TRUE(wait_until(kSoon, [&] { return stays.count() == 1 && goes.count() >= 1; }));
  }
  const auto sinks = [&] { return redis.call({"HSCAN", "hf:alerts:lease", "0", "MATCH", "sink:*"}).view()[1].size() / 2; };
  {
    Member after(redis.endpoint(), to({&stays}), "after");
    after.tell(dead_letter(2));
    ASSERT_TRUE(wait_until(kSoon, [&] { return stays.count() == 2; }));
  }
  EXPECT_EQ(queue_length(redis), 2U);
  EXPECT_EQ(sinks(), 2U);
  Member later(redis.endpoint(), to({&stays}), "later", true, {}, 1ms);
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0 && sinks() == 1; }));
  EXPECT_EQ(later.lines_with(R"("event":"alert.sink_forgotten")"), 1U);
  EXPECT_EQ(redis.call({"HSCAN", "hf:alerts:lease", "0", "MATCH", "gone:*"}).view()[1].size(), 0U);
  EXPECT_EQ(stays.count(), 2U);
}

/// Puts an alert into the queue as if it had been told so long ago.
void add_old(support::RedisServer& redis, std::uint64_t instance, std::chrono::milliseconds age) {
  const base::WallTime at = std::chrono::system_clock::now() - age;
  const Notice notice = make_notice(dead_letter(instance), Attach::kFull, at, "test");
  redis::Command command;
  command.borrow("XADD").borrow("hf:alerts").copy(std::to_string(base::unix_ms(at)) + "-1");
  encode(command, notice);
  redis.call(command.argv());
}

TEST(Alerts, ThatASinkNeverTakesAreGivenUpAfterADayAndDontHoldUpTheNext) {
  support::RedisServer redis;
  const HttpServer sink([](const HttpServer::Request& request) {
    return HttpServer::Reply::of(request.body.find(R"("idInstance":1,)") == std::string::npos ? 200 : 500);
  });
  Options options = to({&sink});
  options.window = 48h;
  add_old(redis, 1, 24h + 1min);
  Member member(redis.endpoint(), options);
  member.tell(dead_letter(2));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  EXPECT_EQ(instances(sink), counted(1, 2));
  EXPECT_EQ(member.metric(R"(hookfleet_alert_dropped_total{reason="expired"})"), 1);
  EXPECT_EQ(member.lines_with(R"("event":"alert.expired")"), 1U);
}

TEST(Alerts, OfADayReachASinkThatIsBack) {
  support::RedisServer redis;
  HttpServer sink([](const HttpServer::Request&) { return HttpServer::Reply::of(503); });
  Options options = to({&sink});
  options.window = 48h;
  add_old(redis, 1, 23h);
  Member member(redis.endpoint(), options);
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() >= 2; }));
  sink.answer([](const HttpServer::Request&) { return HttpServer::Reply{}; });
  const std::size_t failed = sink.count();
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  EXPECT_EQ(sink.count(), failed + 1);
  EXPECT_EQ(member.metric(R"(hookfleet_alert_dropped_total{reason="expired"})"), 0);
}

TEST(Alerts, OfMoreThanADayReachASinkThatTakesThem) {
  support::RedisServer redis;
  const HttpServer sink;
  Options options = to({&sink});
  options.window = 48h;
  for (std::uint64_t instance = 1; instance <= 3; ++instance) add_old(redis, instance, 30h - std::chrono::minutes(instance));
  Member member(redis.endpoint(), options);
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  EXPECT_EQ(instances(sink), counted(1, 3));
  EXPECT_EQ(member.metric(R"(hookfleet_alert_dropped_total{reason="expired"})"), 0);
}

TEST(Alerts, KeepTheQueueBounded) {
  support::RedisServer redis;
  const HttpServer sink([](const HttpServer::Request&) { return HttpServer::Reply::of(500); });
  redis.call(
      {"EVAL",
       "for i = 1, 10200 do redis.call('XADD', KEYS[1], '*', 'v', '1', 'n', tostring(i), 'kind', 'test', 'at', '1', 'i', '1', 'text', 'x') "
       "end return 1",
       "1", "hf:alerts"});
  Member ingress(redis.endpoint(), to({&sink}), "ingress", false);
  ingress.tell(dead_letter(7));
  ASSERT_TRUE(wait_until(kSoon, [&] { return ingress.metric("hookfleet_alert_queued_total") == 1; }));
  EXPECT_LE(queue_length(redis), 10'101U) << "XADD trims by whole nodes";
  EXPECT_GE(ingress.metric(R"(hookfleet_alert_dropped_total{reason="trimmed"})"), 100);
  const redis::Reply last = redis.call({"XREVRANGE", "hf:alerts", "+", "-", "COUNT", "1"});
  EXPECT_EQ(last.view()[0][1].field("b").text(), "") << "so many wait that they go without their attachment";
  EXPECT_EQ(last.view()[0][1].field("i").text(), "7");
}

TEST(Alerts, DropAFloodOfDifferentOnesAndSayHowMany) {
  support::RedisServer redis;
  const HttpServer sink;
  Member member(redis.endpoint(), to({&sink}), "one", false);
  for (std::uint64_t instance = 1; instance <= 5000; ++instance) member.tell(dead_letter(instance));
  member.stop();
  EXPECT_GE(member.metric(R"(hookfleet_alert_dropped_total{reason="rate"})"), 4800);
  EXPECT_LE(queue_length(redis), 200U);
  EXPECT_GE(queue_length(redis), Outbox::kBurst);
}

TEST(Alerts, AboutRedisItselfAreSentDirectlyOnceAWindow) {
  const HttpServer sink;
  redis::Endpoint nowhere;
  nowhere.port = static_cast<std::uint16_t>(support::free_port());
  Options options = to({&sink});
  options.window = 1min;
  Member member(nowhere, options);
  for (int i = 0; i < 5; ++i) member.tell({.kind = Kind::kRedisDown, .text = "no connection"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 1; }));
  member.tell({.kind = Kind::kRedisFull, .text = "no memory"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 2; }));
  member.stop();
  EXPECT_EQ(Json::parse(sink.requests()[0].body)["kind"], "redis_down");
  EXPECT_EQ(Json::parse(sink.requests()[1].body)["kind"], "redis_full");
  EXPECT_EQ(sink.count(), 2U);
}

TEST(Alerts, AboutRedisItselfAreTriedAgain) {
  HttpServer sink([](const HttpServer::Request&) { return HttpServer::Reply::of(502); });
  redis::Endpoint nowhere;
  nowhere.port = static_cast<std::uint16_t>(support::free_port());
  Member member(nowhere, to({&sink}), "one", false);
  member.tell({.kind = Kind::kRedisDown, .text = "no connection"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 1; }));
  sink.answer([](const HttpServer::Request&) { return HttpServer::Reply{}; });
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 2; }));
  EXPECT_EQ(sink.requests()[0].headers.at("idempotency-key"), sink.requests()[1].headers.at("idempotency-key"));
}

TEST(Alerts, AboutWhatTellingTheOperatorCausedAreNotTold) {
  support::RedisServer redis;
  const HttpServer api([](const HttpServer::Request&) { return HttpServer::Reply::of(200); });
  Options options;
  options.sinks.resize(1);
  options.sinks[0].greenapi = {
      .api_url = api.url(""), .id_instance = 1101000001, .token = config::Secret("s3cret"), .chat = "79001112233@c.us"};
  Member member(redis.endpoint(), options);
  Alert own = dead_letter(1101000001);
  own.type_webhook = "outgoingMessageStatus";
  own.chat = "79001112233@c.us";
  member.tell(own);
  member.tell(dead_letter(1101000001));
  ASSERT_TRUE(wait_until(kSoon, [&] { return api.count() == 1; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return queue_length(redis) == 0; }));
  EXPECT_EQ(api.count(), 1U);
  EXPECT_EQ(api.requests()[0].target, "/waInstance1101000001/sendMessage/s3cret");
  EXPECT_THAT(Json::parse(api.requests()[0].body)["message"].get<std::string>(), HasSubstr("incomingMessageReceived"));
  EXPECT_EQ(member.metric(R"(hookfleet_alert_dropped_total{reason="feedback"})"), 1);
  EXPECT_EQ(member.lines().find("s3cret"), std::string::npos);
}

TEST(Alerts, DontLetASinksSecretsIntoLogsOrRedis) {
  support::RedisServer redis;
  const HttpServer sink([](const HttpServer::Request& request) {
    auto reply = HttpServer::Reply::of(404);
    reply.body = "Cannot POST " + request.target;
    return reply;
  });
  Options options;
  options.sinks.resize(1);
  options.sinks[0].slack.url = config::Secret(sink.url("/services/s3cret"));
  Member member(redis.endpoint(), options);
  member.tell(dead_letter(1));
  ASSERT_TRUE(wait_until(kSoon, [&] { return member.lines_with("alert.sink_failed") > 0; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return redis.call({"HGETALL", "hf:alerts:lease"}).view().size() == 12; }));
  std::string kept;
  const redis::Reply all = redis.call({"HGETALL", "hf:alerts:lease"});
  for (std::size_t i = 0; i < all.view().size(); ++i) kept.append(all.view()[i].text()).append("\n");
  EXPECT_EQ(kept.find("s3cret"), std::string::npos) << kept;
  EXPECT_EQ(member.lines().find("s3cret"), std::string::npos);
  EXPECT_THAT(kept, HasSubstr("status 404"));
}

TEST(Alerts, GoNoFasterToASinkThanItsRate) {
  support::RedisServer redis;
  const HttpServer sink;
  Options options = to({&sink});
  options.rate = 60;  // ten at once, then one a second
  Member member(redis.endpoint(), options);
  for (std::uint64_t instance = 1; instance <= 14; ++instance) member.tell(dead_letter(instance));
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() >= 10; }));
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sink.count() == 14; }));
  EXPECT_GT(std::chrono::steady_clock::now() - begun, 2500ms);
  EXPECT_EQ(instances(sink), counted(1, 14));
}

}  // namespace
}  // namespace hookfleet::alert
