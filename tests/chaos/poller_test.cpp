// Pollers that are killed at random while the service answers with faults; and an instance that moves from one door to the other.
// HOOKFLEET_CHAOS_SECONDS: how long (15); HOOKFLEET_CHAOS_SEED: which faults and kills (printed).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/stream/keys.hpp"
#include "tests/support/http.hpp"
#include "tests/support/pollers.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using simulate::FakeApi;
using support::HttpClient;
using support::kSoon;
using support::Pollers;
using support::Process;
using support::text_message;
using support::wait_until;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kFirst = 1'101'000'001;
const std::string kChat = "79001234567@c.us";

long from_environment(const char* name, long otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::atol(value) : otherwise;
}

std::vector<std::string> bodies(const std::vector<FakeApi::Notification>& notifications) {
  std::vector<std::string> all;
  for (const auto& notification : notifications) all.push_back(notification.body);
  return all;
}

// A worker handles all that the streams hold; how many messages it counted, each once.
std::uint64_t handled(Pollers& pollers) {
  Process worker({.argv = {HOOKFLEET_BIN_DIR "/hookfleet-worker", "--redis.url", pollers.redis().url(), "--server.metrics_listen",
                           "127.0.0.1:" + std::to_string(support::free_port())},
                  .environment = {},
                  .output = pollers.directory() + "/worker.log"});
  const stream::Keys keys(stream::Layout{});
  EXPECT_TRUE(wait_until(60s, [&] {
    std::int64_t backlog = 0;
    for (unsigned partition = 0; partition < keys.partitions(); ++partition) {
      backlog += pollers.redis().call({"XLEN", keys.stream(partition)}).view().integer();
    }
    return backlog == 0;
  })) << support::read_file(pollers.directory() + "/worker.log");
  std::uint64_t sum = 0;
  for (unsigned partition = 0; partition < keys.partitions(); ++partition) {
    EXPECT_EQ(pollers.redis().call({"XLEN", keys.dlq(partition)}).view().integer(), 0);
    sum += static_cast<std::uint64_t>(pollers.redis().call({"HGET", keys.cnt(partition), "incomingMessageReceived"}).view().integer());
  }
  return sum;
}

TEST(Chaos, PollersThatDieWhileTheServiceFailsLoseAndReorderNothing) {
  const auto seed = static_cast<std::uint64_t>(from_environment("HOOKFLEET_CHAOS_SEED", std::random_device{}() % 100'000));
  const auto lasts = std::chrono::seconds(from_environment("HOOKFLEET_CHAOS_SECONDS", 15));
  std::printf("HOOKFLEET_CHAOS_SEED=%lu\n", static_cast<unsigned long>(seed));
  constexpr std::uint64_t kInstances = 60;
  constexpr std::size_t kPollers = 3;
  FakeApi::Options options = Pollers::quick_api();
  options.latency = 5ms;
  options.seed = seed;
  options.faults = {.error_500 = 0.01, .error_502 = 0.01, .throttled = 0.01, .cut_before = 0.01, .cut_after = 0.005, .late = 0.005};
  Pollers pollers(options);
  pollers.add(kFirst, kInstances);
  pollers.write_settings();
  for (std::size_t number = 0; number < kPollers; ++number) pollers.start(number);

  std::map<std::uint64_t, std::vector<std::string>> sent;
  std::minstd_rand random(static_cast<unsigned>(seed + 1));
  const auto any = [&](std::uint64_t below) { return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random); };
  unsigned kills = 0;
  const Clock::time_point end = Clock::now() + lasts;
  for (Clock::time_point next_kill = Clock::now() + 2s; Clock::now() < end;) {
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t id = kFirst + any(kInstances);
      sent[id].push_back(text_message(id, kChat, sent[id].size()));
      pollers.api().enqueue(id, sent[id].back());
    }
    if (Clock::now() >= next_kill) {
      const std::size_t number = any(kPollers);
      pollers.poller(number).kill();
      pollers.start(number);
      ++kills;
      next_kill = Clock::now() + std::chrono::milliseconds(300 + any(1500));
    }
    std::this_thread::sleep_for(20ms);  // the senders' pace, nothing is waited for
  }
  pollers.api().set_faults({});
  ASSERT_TRUE(wait_until(60s, [&] { return pollers.drained(); })) << pollers.api().waiting() << " wait\n" << pollers.log();
  for (std::size_t number = 0; number < kPollers; ++number) {
    pollers.poller(number).signal(SIGTERM);
    EXPECT_EQ(pollers.poller(number).wait(kSoon), 0) << pollers.log(number);
  }

  const auto stored = pollers.stored();
  std::size_t faults = 0;
  std::size_t total = 0;
  for (const auto& [id, notifications] : sent) {
    const FakeApi::Record record = pollers.api().record(id);
    EXPECT_EQ(bodies(record.deleted), notifications) << id;
    ASSERT_TRUE(stored.contains(id)) << id;
    EXPECT_EQ(stored.at(id), notifications) << id;
    EXPECT_LE(record.receives_at_once_max, 1U) << id;
    faults += record.faults;
    total += notifications.size();
  }
  const std::size_t entries = pollers.entries().size();
  std::printf("%zu notifications, %u kills, %zu faults, %zu repeats\n", total, kills, faults, entries - total);
  EXPECT_GT(kills, 0U);
  EXPECT_GT(faults, 0U);
  EXPECT_EQ(handled(pollers), total);
}

// The service's side that pushes: one notification at a time, repeated until its 200 came; some 200s are lost.
class Push {
 public:
  Push(FakeApi& api, int ingress_port) : api_(api), client_(ingress_port, 10s) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  void url(bool set) { on_ = set; }
  std::uint64_t repeats() const { return repeats_; }

 private:
  void run(const std::stop_token& stop) {
    for (std::uint64_t posts = 1; !stop.stop_requested();) {
      const auto notification = on_ ? api_.front(kFirst) : std::nullopt;
      if (!notification) {
        std::this_thread::sleep_for(1ms);
        continue;
      }
      const auto answer = client_.post("/webhook", "secret", notification->body);
      if (!answer || answer->status != 200) continue;
      if (++posts % 5 == 0 || !on_) {  // the answer is lost: it comes again, by this door or the other
        ++repeats_;
        continue;
      }
      api_.remove(kFirst, notification->receipt_id);
    }
  }

  FakeApi& api_;
  HttpClient client_;
  std::atomic<bool> on_ = false;
  std::atomic<std::uint64_t> repeats_ = 0;
  std::jthread thread_;
};

TEST(Chaos, AnInstanceThatMovesFromDoorToDoorLosesNothing) {
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  const int port = support::free_port();
  const int metrics_port = support::free_port();
  Process ingress(
      {.argv = {HOOKFLEET_BIN_DIR "/hookfleet-ingress", "--redis.url", pollers.redis().url(), "--auth.tokens", "secret", "--server.listen",
                "127.0.0.1:" + std::to_string(port), "--server.metrics_listen", "127.0.0.1:" + std::to_string(metrics_port)},
       .environment = {},
       .output = pollers.directory() + "/ingress.log"});
  ASSERT_TRUE(wait_until(kSoon, [&] {
    const auto answer = HttpClient(metrics_port, 2s).get("/readyz");
    return answer && answer->status == 200;
  })) << support::read_file(pollers.directory() + "/ingress.log");

  FakeApi& api = pollers.api();
  Push push(api, port);
  std::vector<std::string> sent;
  const auto come = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sent.push_back(text_message(kFirst, kChat, sent.size()));
      api.enqueue(kFirst, sent.back());
    }
  };
  const auto set_url = [&](bool set) {
    if (!set) push.url(false);
    api.set_settings(kFirst, set ? R"({"webhookUrl":"http://127.0.0.1/webhook"})" : R"({"webhookUrl":""})");
    if (set) push.url(true);
  };

  set_url(true);
  pollers.start();
  for (int round = 0; round < 3; ++round) {
    come(100);  // some wait while the door changes
    const std::size_t half = sent.size() - 50;
    ASSERT_TRUE(wait_until(kSoon, [&] { return api.deleted() >= half; })) << round;
    set_url(round % 2 != 0);
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  pollers.poller().signal(SIGTERM);
  EXPECT_EQ(pollers.poller().wait(kSoon), 0);

  EXPECT_EQ(bodies(api.record(kFirst).deleted), sent);
  EXPECT_EQ(pollers.stored()[kFirst], sent);
  EXPECT_GT(push.repeats(), 0U);
  EXPECT_GT(api.record(kFirst).received.size(), 0U) << "the other door was used";
  EXPECT_EQ(handled(pollers), sent.size());
}

}  // namespace
}  // namespace hookfleet
