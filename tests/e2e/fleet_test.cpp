// The whole fleet as real processes: what a sender sees, and what became of what was answered 200.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "common/notification/identity.hpp"
#include "common/redis/connection.hpp"
#include "common/stream/keys.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/http.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/sender.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using support::Fleet;
using support::HttpClient;
using support::kSoon;
using support::Sender;
using support::wait_until;
using testing::IsEmpty;

std::vector<nlohmann::json> records(const std::vector<std::string>& files, const std::string& event) {
  std::vector<nlohmann::json> found;
  for (const auto& file : files) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      auto record = nlohmann::json::parse(line, nullptr, false);
      if (record.is_object() && record.value("event", "") == event) found.push_back(std::move(record));
    }
  }
  return found;
}

/// The value of a metric's sample in Prometheus text; 0 when it isn't there.
double metric(const std::optional<std::string>& text, const std::string& sample) {
  if (!text) return 0;
  const auto at = text->find("\n" + sample + " ");
  return at == std::string::npos ? 0 : std::atof(text->c_str() + at + sample.size() + 2);
}

/// What the workers' logs say of notifications that were handled twice, or handled and not acknowledged.
std::string oddities(Fleet& fleet, Sender& sender) {
  std::set<std::string> acknowledged;
  for (const auto& [chat, ids] : sender.acknowledged()) acknowledged.insert(ids.begin(), ids.end());
  std::string text;
  for (const auto& [id, times] : support::read_worker_logs(fleet.worker_logs()).done) {
    if (times == 1 && acknowledged.contains(id)) continue;
    text.append(" ").append(id).append(" done ").append(std::to_string(times)).append(acknowledged.contains(id) ? "" : " (no 200)");
    for (const auto& record : records(fleet.worker_logs(), "notification")) {
      if (record.value("idMessage", "") == id) text.append("\n    ").append(record.dump().substr(0, 700));
    }
  }
  return text;
}

/// Every notification that was answered 200 left its mark in Redis, and as many effects were counted as there were notifications.
/// Logs can lose their last lines when a process is killed; marks and counts can't.
void expect_conserved(Fleet& fleet, Sender& sender) {
  ASSERT_TRUE(fleet.drained(60s)) << fleet.backlog() << " entries left in the streams";
  std::vector<std::string> unmarked;
  std::uint64_t acknowledged = 0;
  for (const auto& [chat, ids] : sender.acknowledged()) {
    const std::uint64_t instance = std::stoull(chat);
    const std::string chat_id = chat.substr(chat.find('/') + 1);
    const unsigned partition = stream::partition_of(instance, chat_id, fleet.keys().partitions());
    for (const auto& id : ids) {
      ++acknowledged;
      const std::string body = Sender::body(instance, chat_id, id, 600);
      const auto identity =
          notification::identity_of(instance, "incomingMessageReceived", chat_id, notification::read_envelope(body), body);
      const std::string key = fleet.keys().mark(partition, {reinterpret_cast<const char*>(identity.data()), identity.size()});
      if (fleet.redis().call({"EXISTS", key}).view().integer() != 1) unmarked.push_back(id);
    }
  }
  EXPECT_GT(acknowledged, 0U);
  ASSERT_THAT(sender.tally().given_up, IsEmpty()) << "no 200 within 60 s of the end: what became of these can't be told from the counts";
  EXPECT_THAT(unmarked, IsEmpty()) << unmarked.size() << " of " << acknowledged << " acknowledged were not handled";
  EXPECT_EQ(fleet.counted("incomingMessageReceived"), acknowledged)
      << "effects inside the acknowledgement must be exactly once; from the logs:" << oddities(fleet, sender);
  EXPECT_EQ(fleet.dead_letters(), 0U);
  EXPECT_THAT(support::compare(sender, support::read_worker_logs(fleet.worker_logs())).reordered, IsEmpty());
}

Sender::Options load(const Fleet& fleet) {
  return {.port = fleet.port(), .token = fleet.token(), .instances = 8, .chats = 4, .pause = 2ms};
}

TEST(Fleet, AnswersEveryDocumentedBodyWith200AndLeavesOneRecordOfEach) {
  Fleet fleet;
  HttpClient client(fleet.port());
  std::map<std::string, std::string> type_of;  // path → typeWebhook
  std::multiset<std::string> sent;
  for (const auto& sample : support::samples()) {
    const auto response = client.post("/webhook", fleet.token(), support::fresh(sample));
    ASSERT_TRUE(response.has_value()) << sample.path;
    EXPECT_EQ(response->status, 200) << sample.path << ": " << response->body;
    sent.insert(sample.type_webhook);
  }
  ASSERT_EQ(sent.size(), 107U);
  ASSERT_TRUE(fleet.drained(kSoon));
  ASSERT_TRUE(wait_until(kSoon, [&] { return records(fleet.worker_logs(), "notification").size() >= sent.size(); }));
  std::multiset<std::string> logged;
  for (const auto& record : records(fleet.worker_logs(), "notification")) {
    logged.insert(record.value("typeWebhook", ""));
    EXPECT_THAT((std::set<std::string>{"done", "ignored"}), testing::Contains(record.value("outcome", ""))) << record.dump();
    EXPECT_TRUE(record.contains("data")) << record.dump();
    EXPECT_TRUE(record.contains("timestamp")) << record.dump();
  }
  EXPECT_EQ(logged, sent);
  EXPECT_EQ(fleet.dead_letters(), 0U);
}

TEST(Fleet, RefusesWhatIsNotAuthenticAndKeepsNothingOfIt) {
  Fleet fleet({.workers = 0});
  HttpClient client(fleet.port());
  const std::string body = R"({"typeWebhook":"x"})";
  EXPECT_EQ(client.post("/webhook", "wrong", body)->status, 401);
  EXPECT_EQ(client.post("/webhook", "", body)->status, 401);
  EXPECT_EQ(client.post("/elsewhere", fleet.token(), body)->status, 404);
  EXPECT_EQ(client.get("/webhook")->status, 405);
  EXPECT_EQ(client.get("/metrics")->status, 404);
  EXPECT_EQ(client.get("/healthz")->status, 200);
  EXPECT_EQ(fleet.backlog(), 0U);
  EXPECT_EQ(client.post("/webhook", fleet.token(), body)->status, 200);
  EXPECT_EQ(fleet.backlog(), 1U);
}

// As README describes it: old, old and new, the sender's settings, new; by the file alone, and by SIGHUP.
TEST(Fleet, RotatesATokenWithoutARefusedRequest) {
  const support::TempDir dir;
  const std::string tokens = dir / "tokens";
  std::ofstream(tokens) << "old-token\n";
  Fleet fleet({.ingress_flags = {"--auth.tokens_file", tokens}});
  Sender::Options options = load(fleet);
  options.token = "old-token";
  Sender sender(options);
  sender.start();

  constexpr std::size_t kIngresses = 2;
  const auto sum = [&](const std::string& sample) {
    double all = 0;
    for (std::size_t i = 0; i < kIngresses; ++i) all += metric(fleet.ingress_metrics(i), sample);
    return all;
  };
  const auto by_index = [&](int index) { return sum("hookfleet_ingress_token_matches_total{index=\"" + std::to_string(index) + "\"}"); };
  const auto more = [&](std::uint64_t notifications) {
    const auto target = sender.acknowledged_count() + notifications;
    return wait_until(60s, [&] { return sender.acknowledged_count() > target; });
  };
  const auto taken_over = [&](double times) {
    return wait_until(kSoon, [&] { return sum("hookfleet_settings_reloads_total{result=\"ok\"}") == times; });
  };
  const auto right = [&](double ingresses) {
    return wait_until(kSoon, [&] { return sum("hookfleet_settings_last_reload_successful") == ingresses; });
  };
  ASSERT_TRUE(more(200));
  EXPECT_GT(by_index(0), 0);

  support::replace_file(tokens, "old-token\nnew-token\n");
  ASSERT_TRUE(taken_over(1 * kIngresses));
  ASSERT_TRUE(more(200));
  EXPECT_EQ(by_index(1), 0);

  support::replace_file(tokens, "old-token\nnew-\x01token\n");
  ASSERT_TRUE(right(0));
  EXPECT_TRUE(wait_until(kSoon, [&] { return records(fleet.ingress_logs(), "system.reload_failed").size() == kIngresses; }));
  ASSERT_TRUE(more(200)) << "a wrong file changes nothing";
  support::replace_file(tokens, "old-token\nnew-token\n");
  ASSERT_TRUE(right(kIngresses));
  ASSERT_TRUE(taken_over(2 * kIngresses));

  sender.use_token("new-token");
  const double old_ones = by_index(0);
  ASSERT_TRUE(more(200));
  EXPECT_EQ(by_index(0), old_ones) << "nobody sends the old one any more: it can go";
  EXPECT_GE(by_index(1), 200);

  support::replace_file(tokens, "new-token\n");
  for (std::size_t i = 0; i < kIngresses; ++i) fleet.ingress(i).signal(SIGHUP);
  for (std::size_t i = 0; i < kIngresses; ++i) {
    const auto reloads = [&] { return metric(fleet.ingress_metrics(i), "hookfleet_settings_reloads_total{result=\"ok\"}"); };
    ASSERT_TRUE(wait_until(kSoon, [&] { return reloads() >= 3; }));
    EXPECT_EQ(HttpClient(fleet.ingress_port(i)).post("/webhook", "old-token", "{}")->status, 401);
  }
  ASSERT_TRUE(more(200));
  EXPECT_GT(by_index(0), old_ones) << "the new one is the first now";
  sender.stop();
  EXPECT_EQ(sender.tally().by_status.size(), 1U) << "nothing but 200";
  EXPECT_TRUE(sender.tally().by_status.contains(200));
  expect_conserved(fleet, sender);
}

TEST(Fleet, KeepsWhatAnAuthenticSenderSendsByteForByteHoweverBroken) {
  Fleet fleet;
  HttpClient client(fleet.port());
  const std::string text = Sender::body(1'101'000'001, "79000000001@c.us", "A1", 600);
  const std::vector<std::string> broken{
      "",
      "not json",
      text.substr(0, 100),
      std::string(100'000, '['),
      R"({"typeWebhook":"incomingCall","typeWebhook":"incomingBlock"})",
      std::string("{\"typeWebhook\":\"a\0b\"}", 21),
      "[1,2,3]",
  };
  for (const auto& body : broken) EXPECT_EQ(client.post("/webhook", fleet.token(), body)->status, 200) << body.substr(0, 40);
  EXPECT_EQ(client.post("/webhook", fleet.token(), Sender::body(1'101'000'001, "79000000001@c.us", "BIG", 1 << 20))->status, 200);
  ASSERT_TRUE(fleet.drained(kSoon));
  EXPECT_EQ(fleet.dead_bodies(), std::set<std::string>(broken.begin(), broken.end()));
  ASSERT_TRUE(wait_until(kSoon, [&] { return records(fleet.worker_logs(), "notification.invalid").size() >= broken.size(); }));
  EXPECT_EQ(records(fleet.worker_logs(), "notification.invalid").size(), broken.size()) << "one record each";
  ASSERT_TRUE(wait_until(kSoon, [&] { return !records(fleet.worker_logs(), "notification").empty(); }));
  const auto others = records(fleet.worker_logs(), "notification");
  EXPECT_EQ(others.size(), 1U);
  EXPECT_EQ(others.front().value("idMessage", ""), "BIG");
}

TEST(Fleet, RefusesATooLargeBodyAndServesTheNextRequestsAtOnce) {
  Fleet fleet;
  HttpClient client(fleet.port());
  const auto refused = client.post("/webhook", fleet.token(), std::string(5 << 20, 'x'));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 413);
  for (int i = 0; i < 20; ++i) {
    const auto before = std::chrono::steady_clock::now();
    const auto response = client.post("/webhook", fleet.token(), Sender::body(1, "1@c.us", "AFTER" + std::to_string(i), 600));
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 200);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  }
  ASSERT_TRUE(fleet.drained(kSoon));
  EXPECT_EQ(fleet.dead_letters(), 0U);
}

TEST(Fleet, KeepsItsUpstreamConnectionsUnderLoad) {
  Fleet fleet({.ingresses = 1});
  Sender sender(load(fleet));
  sender.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > 1000; }));
  sender.stop();
  const auto text = fleet.ingress_metrics(0);
  // 8 serial senders need at most 8 upstream connections at a time, besides self-probe and health check; a connection per request would
  // have left over a thousand.
  EXPECT_LT(metric(text, "hookfleet_ingress_connections_total"), 100) << *text;
  EXPECT_GT(metric(text, "hookfleet_ingress_connections_total"), 0);
  expect_conserved(fleet, sender);
}

TEST(Fleet, DropsRepeatsAndHandlesEachOnce) {
  Fleet fleet;
  auto options = load(fleet);
  options.repeat_percent = 30;
  Sender sender(options);
  sender.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > 800; }));
  sender.stop();
  expect_conserved(fleet, sender);
  const auto handled = support::read_worker_logs(fleet.worker_logs());
  EXPECT_GT(handled.repeats, 100U);
  EXPECT_EQ(support::compare(sender, handled).handled_twice, 0U);
  EXPECT_EQ(sender.tally().by_status.size(), 1U) << "nothing but 200";
}

TEST(Fleet, AnIngressThatIsAskedToStopAnswersWhatItTookAndNginxSendsTheRestElsewhere) {
  Fleet fleet;
  Sender sender(load(fleet));
  sender.start();
  for (int round = 0; round < 4; ++round) {
    const auto target = sender.acknowledged_count() + 300;
    ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > target; }));
    const std::size_t index = static_cast<std::size_t>(round % 2);
    fleet.ingress(index).signal(SIGTERM);
    ASSERT_EQ(fleet.ingress(index).wait(kSoon), 0) << "an orderly stop ends with exit code 0";
    fleet.restart_ingress(index);
    ASSERT_TRUE(wait_until(kSoon, [&] { return fleet.ingress_ready(index); }));
  }
  sender.stop();
  EXPECT_EQ(sender.tally().by_status.size(), 1U) << "nothing but 200";
  EXPECT_TRUE(sender.tally().by_status.contains(200));
  expect_conserved(fleet, sender);
}

TEST(Fleet, LosesNothingWhenIngressesAreKilled) {
  Fleet fleet;
  Sender sender(load(fleet));
  sender.start();
  for (int round = 0; round < 6; ++round) {
    const auto target = sender.acknowledged_count() + 200;
    ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > target; }));
    const std::size_t index = static_cast<std::size_t>(round % 2);
    fleet.ingress(index).kill();
    fleet.restart_ingress(index);
    ASSERT_TRUE(wait_until(kSoon, [&] { return fleet.ingress_ready(index); }));
  }
  sender.stop();
  EXPECT_EQ(sender.tally().by_status.size(), 1U) << "nginx tries another ingress: the sender sees only 200";
  expect_conserved(fleet, sender);
}

TEST(Fleet, AnIngressWhoseEventThreadSpinsEndsByItselfAndTheSenderSeesOnly200) {
  Fleet fleet({.ingress_flags = {"--server.hang_timeout", "5s"}});
  Sender sender(load(fleet));
  sender.start();
  const auto more = [&](std::uint64_t notifications) {
    const auto target = sender.acknowledged_count() + notifications;
    return wait_until(60s, [&] { return sender.acknowledged_count() > target; });
  };
  ASSERT_TRUE(more(300));
  ASSERT_TRUE(support::spin_event_thread(fleet.ingress_port(0)));
  ASSERT_EQ(fleet.ingress(0).wait(60s), 70);
  ASSERT_TRUE(more(300)) << "the other one takes it all";
  fleet.restart_ingress(0);
  ASSERT_TRUE(wait_until(kSoon, [&] { return fleet.ingress_ready(0); }));
  ASSERT_TRUE(
      wait_until(kSoon, [&] { return metric(fleet.ingress_metrics(0), "hookfleet_ingress_deliveries_total{outcome=\"stored\"}") > 0; }));
  sender.stop();
  EXPECT_EQ(sender.tally().by_status.size(), 1U) << "nothing but 200";
  EXPECT_TRUE(sender.tally().by_status.contains(200));
  expect_conserved(fleet, sender);
}

TEST(Fleet, AnotherWorkerResumesWithinTwelveSecondsWhenOneIsKilled) {
  Fleet fleet;
  Sender sender(load(fleet));
  sender.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > 500; }));
  fleet.worker(0).kill();
  const auto killed = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until(kSoon, [&] { return metric(fleet.worker_metrics(1), "hookfleet_worker_partitions_owned") == 32; }));
  EXPECT_LT(std::chrono::steady_clock::now() - killed, 15s) << "12 s, and three for a machine that is busy with other tests";
  sender.stop();
  expect_conserved(fleet, sender);
}

TEST(Fleet, TwoWorkersShareThePartitionsEvenlyAndHandThemOverCleanly) {
  Fleet fleet;
  const auto owned = [&](std::size_t index) { return metric(fleet.worker_metrics(index), "hookfleet_worker_partitions_owned"); };
  ASSERT_TRUE(wait_until(kSoon, [&] { return owned(0) == 16 && owned(1) == 16; }));
  Sender sender(load(fleet));
  sender.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > 300; }));
  fleet.worker(0).signal(SIGTERM);
  ASSERT_EQ(fleet.worker(0).wait(kSoon), 0);
  ASSERT_TRUE(wait_until(kSoon, [&] { return owned(1) == 32; })) << "a clean hand-over doesn't wait for leases to end";
  fleet.restart_worker(0);
  ASSERT_TRUE(wait_until(kSoon, [&] { return owned(0) == 16 && owned(1) == 16; }));
  sender.stop();
  expect_conserved(fleet, sender);
  EXPECT_EQ(support::compare(sender, support::read_worker_logs(fleet.worker_logs())).handled_twice, 0U)
      << "clean hand-overs repeat nothing";
}

TEST(Fleet, LosesNothingWhenRedisIsKilledAndStartedAgain) {
  Fleet fleet;
  Sender sender(load(fleet));
  sender.start();
  for (int round = 0; round < 3; ++round) {
    const auto target = sender.acknowledged_count() + 300;
    ASSERT_TRUE(wait_until(60s, [&] { return sender.acknowledged_count() > target; }));
    fleet.redis().restart();
  }
  const auto target = sender.acknowledged_count() + 100;
  ASSERT_TRUE(wait_until(60s, [&] { return sender.acknowledged_count() > target; }));
  sender.stop();
  for (const auto& [status, count] : sender.tally().by_status) {
    EXPECT_THAT((std::set<int>{200, 503, 504}), testing::Contains(status)) << count << " times";
  }
  expect_conserved(fleet, sender);
}

/// One step of a test under load: what senders saw meanwhile.
struct Step {
  const char* name;
  Sender& sender;
  const Sender::Tally before = sender.tally();
  const std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();

  std::uint64_t answered(int status) const { return of(sender.tally(), status) - of(before, status); }
  std::uint64_t refused() const { return sender.tally().refused - before.refused; }
  /// Answers other than 200 and those of `also`; 0 stands for none at all.
  std::uint64_t other_than_200(const std::set<int>& also = {}) const {
    std::uint64_t count = 0;
    for (const auto& [status, times] : sender.tally().by_status) {
      if (status != 200 && !also.contains(status)) count += times - of(before, status);
    }
    return count;
  }
  /// Ends it: the load flows.
  void settle() const {
    const std::uint64_t target = sender.acknowledged_count() + 100;
    EXPECT_TRUE(wait_until(60s, [&] { return sender.acknowledged_count() >= target; })) << name;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("| %-40s | %5.1f | %7llu | %7llu | %9llu | %9llu | %10lld |\n", name, seconds,
                static_cast<unsigned long long>(answered(200)), static_cast<unsigned long long>(other_than_200({0})),
                static_cast<unsigned long long>(answered(0) - refused()), static_cast<unsigned long long>(refused()),
                static_cast<long long>(sender.tally().slowest.count()));
  }

 private:
  static std::uint64_t of(const Sender::Tally& tally, int status) {
    const auto found = tally.by_status.find(status);
    return found == tally.by_status.end() ? 0 : found->second;
  }
};

// HOOKFLEET_CHAOS_SECONDS=60: rounds until that long has passed; otherwise one.
TEST(Fleet, RestartingEverythingInTurnUnderLoadIsSeenOnlyWhileRedisIsAwayForLongerThanTheDeadline) {
  Fleet fleet({.ingress_flags = {"--append.deadline", "10s"}});
  const auto ready = [&] {
    return wait_until(kSoon, [&] {
      return fleet.ingress_ready(0) && fleet.ingress_ready(1) &&
             metric(fleet.worker_metrics(0), "hookfleet_worker_partitions_owned") == 16 &&
             metric(fleet.worker_metrics(1), "hookfleet_worker_partitions_owned") == 16;
    });
  };
  ASSERT_TRUE(ready());
  auto options = load(fleet);
  options.instances = 12;
  options.pause = 5ms;
  Sender sender(options);
  sender.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return sender.acknowledged_count() > 300; }));
  std::printf("| %-40s | %5s | %7s | %7s | %9s | %9s | %10s |\n", "step", "s", "200", "other", "no answer", "refused", "slowest ms");
  const char* seconds = std::getenv("HOOKFLEET_CHAOS_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : 0);
  do {
    {
      // A connection that nginx's old worker closes, being idle, in the very moment when a request is on its way: HTTP has no cure but to
      // repeat (RFC 9112, 9.5). Nobody is refused.
      const Step step{"nginx, reload", sender};
      fleet.reload_nginx();
      step.settle();
      EXPECT_EQ(step.refused(), 0U) << "the listening socket stays";
      EXPECT_EQ(step.other_than_200({0}), 0U);
    }
    {
      const Step step{"nginx, SIGQUIT and start", sender};
      fleet.restart_nginx();
      step.settle();
      EXPECT_EQ(step.other_than_200({0}), 0U) << "refused while nobody listens, but nothing else";
    }
    for (std::size_t index = 0; index < 2; ++index) {
      const Step step{"ingress, SIGTERM and start", sender};
      fleet.ingress(index).signal(SIGTERM);
      ASSERT_EQ(fleet.ingress(index).wait(kSoon), 0);
      fleet.restart_ingress(index);
      ASSERT_TRUE(ready());
      step.settle();
      EXPECT_EQ(step.other_than_200(), 0U);
    }
    for (std::size_t index = 0; index < 2; ++index) {
      const Step step{"worker, SIGTERM and start", sender};
      fleet.worker(index).signal(SIGTERM);
      ASSERT_EQ(fleet.worker(index).wait(kSoon), 0);
      fleet.restart_worker(index);
      ASSERT_TRUE(ready());
      step.settle();
      EXPECT_EQ(step.other_than_200(), 0U);
    }
    {
      const Step step{"Redis, SIGTERM and start", sender};
      fleet.redis().stop();
      fleet.redis().start();
      ASSERT_TRUE(ready());
      step.settle();
      EXPECT_EQ(step.other_than_200(), 0U) << "shorter than the deadline: slow 200s";
    }
  } while (std::chrono::steady_clock::now() < end);
  {
    const Step step{"Redis, away for longer than the deadline", sender};
    fleet.redis().stop();
    ASSERT_TRUE(wait_until(60s, [&] { return step.other_than_200() > 0; }));
    fleet.redis().start();
    ASSERT_TRUE(ready());
    step.settle();
    EXPECT_EQ(step.other_than_200({503, 504}), 0U);
  }
  const Step after{"nothing more", sender};
  after.settle();
  EXPECT_EQ(after.other_than_200(), 0U);
  sender.stop();
  expect_conserved(fleet, sender);
}

TEST(Fleet, CountsOnceWhenAKillTearsAnAcknowledgementInRedisLog) {
  Fleet fleet;
  Sender sender(load(fleet));
  sender.start();
  ASSERT_TRUE(wait_until(60s, [&] { return sender.acknowledged_count() > 300; }));
  sender.stop();
  ASSERT_TRUE(fleet.drained(60s));
  fleet.redis().kill();
  fleet.redis().tear_log("SET");  // of a mark: the removal and the effects before it are in the log, as a part of a transaction
  fleet.redis().start();
  ASSERT_TRUE(fleet.drained(60s)) << "what was not acknowledged is handled again";
  fleet.redis().restart();
  expect_conserved(fleet, sender);
}

TEST(Fleet, WaitsForARedisThatIsNotThereYet) {
  Fleet fleet({.ingresses = 1, .workers = 1, .start_redis = false});
  ASSERT_TRUE(wait_until(kSoon, [&] { return fleet.ingress_metrics(0).has_value() && fleet.worker_metrics(0).has_value(); }));
  EXPECT_FALSE(fleet.ingress_ready(0));
  EXPECT_FALSE(fleet.worker_ready(0));
  ASSERT_TRUE(wait_until(kSoon, [&] { return !records(fleet.ingress_logs(), "redis.unavailable").empty(); }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return !records(fleet.worker_logs(), "redis.unavailable").empty(); }));
  fleet.redis().start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return fleet.ingress_ready(0) && fleet.worker_ready(0); }));
  HttpClient client(fleet.port());
  EXPECT_EQ(client.post("/webhook", fleet.token(), Sender::body(1, "1@c.us", "X", 600))->status, 200);
  EXPECT_TRUE(fleet.drained(kSoon));
}

TEST(Fleet, AnswersNo200WhileRedisIsNotDurableAndRecoversByItself) {
  Fleet fleet({.ingresses = 1, .workers = 1, .ingress_flags = {"--append.deadline", "3s"}});
  HttpClient client(fleet.port());
  int sequence = 0;
  const auto post = [&] {
    return client.post("/webhook", fleet.token(), Sender::body(1, "1@c.us", "D" + std::to_string(sequence++), 600))->status;
  };
  ASSERT_EQ(post(), 200);
  fleet.redis().config_set("appendfsync", "everysec");
  const auto changed = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until(kSoon, [&] { return post() != 200; }));
  EXPECT_LT(std::chrono::steady_clock::now() - changed, 5s + 3s + 3s) << "5 s to notice, one append deadline to answer, and noise";
  for (int i = 0; i < 2; ++i) EXPECT_EQ(post(), 504);
  fleet.redis().config_set("appendfsync", "always");
  EXPECT_TRUE(wait_until(kSoon, [&] { return post() == 200; }));
}

TEST(Fleet, Answers503AtMaxmemoryWhileTheWorkerDrainsAnd200Again) {
  Fleet fleet({.ingresses = 1, .workers = 1, .redis_flags = {"--maxmemory", "24mb"}});
  fleet.worker(0).signal(SIGSTOP);
  HttpClient client(fleet.port());
  int sequence = 0;
  const auto post = [&] {
    return client.post("/webhook", fleet.token(), Sender::body(1, "1@c.us", "M" + std::to_string(sequence++), 64'000))->status;
  };
  int stored = 0;
  int status = 200;
  while (sequence < 2000 && (status = post()) == 200) ++stored;
  // What was on its way when the memory ran out is tried until its deadline; whatever comes then is told at once to go elsewhere.
  EXPECT_TRUE(status == 503 || status == 504) << status << " after " << stored;
  EXPECT_EQ(post(), 503);
  EXPECT_GT(stored, 50);
  fleet.worker(0).signal(SIGCONT);
  EXPECT_TRUE(fleet.drained(kSoon)) << "the worker drains at maxmemory";
  EXPECT_TRUE(wait_until(kSoon, [&] { return post() == 200; }));
  EXPECT_TRUE(fleet.drained(kSoon));
}

}  // namespace
}  // namespace hookfleet
