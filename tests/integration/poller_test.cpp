// hookfleet-poller against a fake of GREEN-API's HTTP side and a real Redis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <string>
#include <vector>

#include "cli/simulate/http_server.hpp"
#include "common/base/clock.hpp"
#include "common/stream/keys.hpp"
#include "common/stream/poll_trouble.hpp"
#include "tests/support/pollers.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using simulate::FakeApi;
using support::kSoon;
using support::Pollers;
using support::text_message;
using support::wait_until;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kFirst = 1'101'000'001;
const std::string kOwned = "hookfleet_poller_instances_owned";

// What became of each notification of an instance: enqueued, in order, is what was deleted, in order, is what is stored, in order.
void expect_conserved(Pollers& pollers, std::uint64_t id, const std::vector<std::string>& sent) {
  const FakeApi::Record record = pollers.api().record(id);
  std::vector<std::string> deleted;
  for (const auto& notification : record.deleted) deleted.push_back(notification.body);
  EXPECT_EQ(deleted, sent) << id;
  EXPECT_EQ(pollers.stored()[id], sent) << id;
  EXPECT_LE(record.receives_at_once_max, 1U) << id;
}

std::vector<std::string> enqueue(Pollers& pollers, std::uint64_t id, std::uint64_t first, std::uint64_t count) {
  std::vector<std::string> sent;
  for (std::uint64_t number = first; number < first + count; ++number) {
    sent.push_back(text_message(id, "79001234567@c.us", number));
    pollers.api().enqueue(id, sent.back());
  }
  return sent;
}

TEST(Poller, StoresInOrderThenDeletes) {
  Pollers pollers;
  pollers.add(kFirst, 2);
  pollers.write_settings();
  const auto one = enqueue(pollers, kFirst, 1, 20);
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  const auto two = enqueue(pollers, kFirst + 1, 1, 1);  // while it waits
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); }));
  expect_conserved(pollers, kFirst, one);
  expect_conserved(pollers, kFirst + 1, two);
  const auto entries = pollers.entries();
  ASSERT_EQ(entries.size(), 21U);
  EXPECT_EQ(entries.front().source, stream::Source::kPoll);
  EXPECT_EQ(entries.front().type_webhook, "incomingMessageReceived");
  EXPECT_EQ(entries.front().chat, "79001234567@c.us");
  EXPECT_TRUE(pollers.ready());
  EXPECT_TRUE(wait_until(
      kSoon, [&] { return pollers.metric(R"(hookfleet_poller_notifications_total{typeWebhook="incomingMessageReceived"})") == 21; }));
  EXPECT_EQ(pollers.metric(R"(hookfleet_poller_removals_total{outcome="removed"})"), 21);
}

TEST(Poller, KeepsTheBytesOfTheBody) {
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  const std::vector<std::string> sent{
      R"({ "typeWebhook" : "incomingCall", "n": 1.0e0, "u":"\u00e4ä", "instanceData":{"idInstance":1101000001} })", "[1, 2]", R"("text")",
      R"({"no":"instance"})", R"({"broken":tru})"};
  for (const std::string& body : sent) pollers.api().enqueue(kFirst, body);
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  std::vector<std::string> stored;
  for (const auto& entry : pollers.entries()) {
    EXPECT_EQ(entry.id_instance, kFirst);
    stored.push_back(entry.body);
  }
  EXPECT_THAT(stored, testing::UnorderedElementsAreArray(sent));
}

TEST(Poller, StoresAndTellsWhatNamesAnotherInstance) {
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  pollers.api().enqueue(kFirst, text_message(4711, "a@c.us", 1));
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  ASSERT_EQ(pollers.entries().size(), 1U);
  EXPECT_EQ(pollers.entries()[0].id_instance, kFirst);
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.log().find("\"event\":\"alert\"") != std::string::npos; }));
  EXPECT_THAT(pollers.log(), AllOf(HasSubstr("instance_mismatch"), HasSubstr("poll.mismatch")));
}

TEST(Poller, SharesInstancesWithOthersAndTakesThoseOfADeadOne) {
  Pollers pollers;
  pollers.add(kFirst, 9);
  pollers.write_settings();
  for (std::size_t number : {0U, 1U, 2U}) pollers.start(number);
  // All instances are owned, and each poller that lives has so many at least.
  const auto shared = [&](double each) {
    double sum = 0;
    for (const std::size_t number : {0U, 1U, 2U}) {
      if (!pollers.poller(number).running()) continue;
      const double owned = pollers.metric(kOwned, number);
      if (owned < each) return false;
      sum += owned;
    }
    return sum == 9;
  };
  ASSERT_TRUE(wait_until(kSoon, [&] { return shared(3); })) << pollers.log();
  pollers.poller(1).kill();
  ASSERT_TRUE(wait_until(kSoon, [&] { return shared(4); }));
  std::vector<std::vector<std::string>> sent;
  for (std::uint64_t id = kFirst; id < kFirst + 9; ++id) sent.push_back(enqueue(pollers, id, 1, 3));
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); }));
  for (std::uint64_t id = kFirst; id < kFirst + 9; ++id) expect_conserved(pollers, id, sent[id - kFirst]);
}

TEST(Poller, FinishesWhatIsInHandOnSigtermAndGivesItsInstancesBack) {
  FakeApi::Options slow = Pollers::quick_api();
  slow.latency = 100ms;
  Pollers pollers(slow);
  pollers.add(kFirst, 3);
  pollers.write_settings();
  std::vector<std::vector<std::string>> sent;
  for (std::uint64_t id = kFirst; id < kFirst + 3; ++id) sent.push_back(enqueue(pollers, id, 1, 200));
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.api().deleted() >= 6; })) << pollers.log();
  pollers.poller().signal(SIGTERM);
  EXPECT_EQ(pollers.poller().wait(kSoon), 0) << pollers.log();
  EXPECT_EQ(pollers.entries().size(), pollers.api().deleted()) << "what was stored was deleted, too";
  for (std::uint64_t id = kFirst; id < kFirst + 3; ++id) {
    EXPECT_EQ(pollers.redis().text({"HGET", "hf:poll:" + std::to_string(id), "owner"}), "");
  }
  EXPECT_EQ(pollers.redis().text({"ZCARD", "hf:pollers"}), "0");
}

TEST(Poller, PausesAnInstanceWhoseTokenIsRefusedUntilItsSettingsChange) {
  Pollers pollers;
  pollers.add(kFirst, 2);
  pollers.write_settings({}, kFirst, "mistyped");
  const auto one = enqueue(pollers, kFirst, 1, 3);
  const auto two = enqueue(pollers, kFirst + 1, 1, 3);
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.api().record(kFirst + 1).deleted.size() == 3; })) << pollers.log();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.api().record(kFirst).refused == 1; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.log().find("poll_failed") != std::string::npos; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.metric(R"(hookfleet_poller_instances_in_trouble{kind="unauthorized"})") == 1; }));
  const std::string key = "hf:poll:" + std::to_string(kFirst);
  const auto shown = [&] { return pollers.redis().text({"HGET", key, "trouble"}); };
  const auto trouble = stream::PollTrouble::parse(shown());
  ASSERT_TRUE(trouble) << shown();
  EXPECT_EQ(trouble->epoch, pollers.redis().text({"HGET", key, "epoch"}));
  EXPECT_EQ(trouble->kind, "unauthorized");
  EXPECT_THAT(trouble->message, HasSubstr("401"));
  EXPECT_NEAR(static_cast<double>(trouble->since_ms), static_cast<double>(base::unix_ms(std::chrono::system_clock::now())), 60'000);
  pollers.write_settings();  // noticed within seconds
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  EXPECT_TRUE(wait_until(kSoon, [&] { return shown().empty(); }));
  EXPECT_EQ(pollers.api().record(kFirst).refused, 1U) << "it was left alone in between";
  expect_conserved(pollers, kFirst, one);
  expect_conserved(pollers, kFirst + 1, two);
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.log().find("\"kind\":\"poll_recovered\"") != std::string::npos; }));
  EXPECT_THAT(pollers.log(), AllOf(HasSubstr("poll.recovered"), HasSubstr("fetched again; they weren't for"), Not(HasSubstr("mistyped")),
                                   Not(HasSubstr("token-11"))));
}

// What one tenure knew of failures is not for the next.
TEST(Poller, ForgetsTroubleWithTheLease) {
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings({}, kFirst, "mistyped");
  const auto sent = enqueue(pollers, kFirst, 1, 3);
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.log().find("poll_failed") != std::string::npos; })) << pollers.log();
  pollers.redis().call({"HSET", "hf:poll:1101000001", "owner", "another", "epoch", "9", "until", "1"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.metric("hookfleet_poller_leases_lost_total") == 1; })) << pollers.log();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.redis().text({"HGET", "hf:poll:1101000001", "owner"}) != "another"; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.metric(R"(hookfleet_poller_instances_in_trouble{kind="unauthorized"})") == 0; }));
  pollers.write_settings();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  expect_conserved(pollers, kFirst, sent);
  EXPECT_THAT(pollers.log(), Not(HasSubstr("poll.recovered")));
}

// It holds back what is behind it, and nothing can be done about that; but it is neither asked for without a pause nor passed over.
TEST(Poller, TellsOfANotificationThatCantBeDeletedAndLeavesItAlone) {
  simulate::HttpServer api([](const simulate::HttpServer::Request&) {
    simulate::HttpServer::Reply reply;
    reply.body = R"({"receiptId":null,"body":{"typeWebhook":"incomingMessageReceived"}})";
    return reply;
  });
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  std::string settings = support::read_file(pollers.directory() + "/hookfleet.yaml");
  settings.replace(settings.find(pollers.api().url()), pollers.api().url().size(), "http://127.0.0.1:" + std::to_string(api.port()));
  support::replace_file(pollers.directory() + "/hookfleet.yaml", settings);
  const auto begun = std::chrono::steady_clock::now();
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.metric(R"(hookfleet_poller_receives_total{outcome="unreadable"})") >= 4; }))
      << pollers.log();
  const auto lasted = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(api.count(), static_cast<std::size_t>(lasted / 200ms) + 1) << "one each retry_max";
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.metric(R"(hookfleet_poller_instances_in_trouble{kind="unreadable"})") == 1; }));
  EXPECT_THAT(pollers.log(), AllOf(HasSubstr("\"kind\":\"poll_failed\""), HasSubstr("receiptId is no number")));
  EXPECT_EQ(pollers.entries().size(), 0U);
  for (const auto& request : api.requests()) EXPECT_EQ(request.method, "GET");
}

TEST(Poller, HoldsNoMoreInHandThanItMay) {
  Pollers pollers(Pollers::quick_api(),
                  "  retry_first: 50ms\n  retry_max: 200ms\n  heartbeat: 200ms\n  member_ttl: 30s\n  lease_ttl: 60s\n  lease_renew: 10s\n"
                  "  lease_validity: 50s\n  in_hand_bytes_max: 8MiB\n");
  constexpr std::size_t kInstances = 40, kBody = 3UL << 20;
  pollers.add(kFirst, kInstances);
  pollers.write_settings();
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.metric(kOwned) == kInstances && pollers.api().receives_now() == kInstances; }))
      << pollers.log();
  pollers.redis().call({"CLIENT", "PAUSE", "60000", "WRITE"});
  std::map<std::uint64_t, std::vector<std::string>> sent;
  for (std::uint64_t id = kFirst; id < kFirst + kInstances; ++id) {
    sent[id] = {text_message(id, "79001234567@c.us", 1)};
    sent[id][0].insert(1, "\"padding\":\"" + std::string(kBody, 'p') + "\",");
    pollers.api().enqueue(id, sent[id][0]);
  }
  const auto shows = [&] {
    const double held = pollers.metric("hookfleet_poller_in_hand_bytes");
    return pollers.metric("hookfleet_poller_answers_waiting") == kInstances - 2 && held > 2 * kBody && held < 2.1 * kBody;
  };
  EXPECT_TRUE(wait_until(kSoon, shows)) << pollers.log();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these keep what was freed, and shadows of all
  const double memory = pollers.metric("process_resident_memory_bytes");
  EXPECT_GT(memory, 0);
  EXPECT_LT(memory, kInstances * kBody / 2) << "of what would have come";
#endif
  pollers.redis().call({"CLIENT", "UNPAUSE"});
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  EXPECT_TRUE(pollers.stored() == sent) << "each is stored as it was sent";
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.metric("hookfleet_poller_in_hand_bytes") == 0; }));
}

TEST(Poller, SaysWhichLeasesItCouldNotGiveBackWithoutRedis) {
  Pollers pollers;
  pollers.add(kFirst, 2);
  pollers.write_settings();
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.metric(kOwned) == 2; })) << pollers.log();
  pollers.redis().kill();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.log().find("redis.lost") != std::string::npos; }));
  pollers.poller().signal(SIGTERM);
  EXPECT_EQ(pollers.poller().wait(kSoon), 1) << pollers.log();
  EXPECT_THAT(pollers.log(), AllOf(HasSubstr(R"("leases":"1101000001, 1101000002")"), HasSubstr("leases_end_ms")));
}

// Receipts are numbers that begin anew with each service: what one gave may be another notification at the next.
TEST(Poller, RemovesNothingAtAnotherAddressThanItCameFrom) {
  std::atomic<bool> asked = false;
  simulate::HttpServer before([&](const simulate::HttpServer::Request& request) {
    simulate::HttpServer::Reply reply;
    if (request.method == "GET") {
      reply.body = R"({"receiptId":1,"body":{"typeWebhook":"of the address before"}})";
    } else {
      asked = true;
      reply.status = 500;
    }
    return reply;
  });
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  const std::string settings = support::read_file(pollers.directory() + "/hookfleet.yaml");
  std::string other = settings;
  other.replace(other.find(pollers.api().url()), pollers.api().url().size(), "http://127.0.0.1:" + std::to_string(before.port()));
  support::replace_file(pollers.directory() + "/hookfleet.yaml", other);
  const auto sent = enqueue(pollers, kFirst, 1, 2);
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return asked.load(); })) << pollers.log();
  support::replace_file(pollers.directory() + "/hookfleet.yaml", settings);
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  EXPECT_THAT(pollers.stored()[kFirst], testing::UnorderedElementsAre(HasSubstr("of the address before"), sent[0], sent[1]));
  EXPECT_THAT(pollers.api().record(kFirst).received, testing::ElementsAre(1, 2));
}

TEST(Poller, TakesInstancesThatComeAndGivesBackThoseThatGo) {
  Pollers pollers;
  pollers.add(kFirst, 2);
  pollers.write_settings({kFirst + 1});
  pollers.start();
  const auto one = enqueue(pollers, kFirst, 1, 2);
  const auto two = enqueue(pollers, kFirst + 1, 1, 2);
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.api().record(kFirst).deleted.size() == 2; })) << pollers.log();
  EXPECT_EQ(pollers.api().record(kFirst + 1).receives, 0U);
  const auto polled = [&](std::uint64_t id) {
    return !pollers.redis().text({"ZSCORE", "hf:pollers:instances", std::to_string(id)}).empty();
  };
  EXPECT_TRUE(polled(kFirst));
  EXPECT_FALSE(polled(kFirst + 1));
  pollers.write_settings({kFirst});
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.api().record(kFirst + 1).deleted.size() == 2; })) << pollers.log();
  EXPECT_THAT(pollers.log(), AllOf(HasSubstr(R"("added":"1101000002")"), HasSubstr(R"("gone":"1101000001")")));
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.api().record(kFirst).receives_now == 0; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.redis().text({"HGET", "hf:poll:1101000001", "owner"}).empty(); }));
  EXPECT_FALSE(polled(kFirst));
  EXPECT_TRUE(polled(kFirst + 1));
  expect_conserved(pollers, kFirst, one);
  expect_conserved(pollers, kFirst + 1, two);
}

TEST(Poller, TellsThatWebhookUrlIsSetAndFetchesOnceItIsTakenAway) {
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  pollers.api().set_settings(kFirst, R"({"webhookUrl":"https://example.com/hook"})");
  const auto sent = enqueue(pollers, kFirst, 1, 5);
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.log().find("webhook_set") != std::string::npos; })) << pollers.log();
  EXPECT_EQ(pollers.entries().size(), 0U);
  pollers.api().set_settings(kFirst, R"({"webhookUrl":""})");
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  expect_conserved(pollers, kFirst, sent);
}

TEST(Poller, DeletesNothingWhileRedisIsAway) {
  Pollers pollers;
  pollers.add(kFirst, 3);
  pollers.write_settings();
  pollers.start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.ready() && pollers.api().receives_now() == 3; })) << pollers.log();
  pollers.redis().kill();
  std::vector<std::vector<std::string>> sent{enqueue(pollers, kFirst, 1, 3)};  // the first is fetched, and waits for Redis
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.api().receives_now() == 0; })) << "receives end with the leases";
  const auto receives = pollers.api().receives();
  for (std::uint64_t id = kFirst + 1; id < kFirst + 3; ++id) sent.push_back(enqueue(pollers, id, 1, 3));
  EXPECT_EQ(pollers.api().deleted(), 0U);
  EXPECT_EQ(pollers.api().receives(), receives);
  pollers.redis().start();
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); })) << pollers.log();
  for (std::uint64_t id = kFirst; id < kFirst + 3; ++id) expect_conserved(pollers, id, sent[id - kFirst]);
}

TEST(Poller, LeavesOffWhenItWasFrozenPastItsLease) {
  Pollers pollers;
  pollers.add(kFirst, 2);
  pollers.write_settings();
  pollers.start(0);
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.metric(kOwned, 0) == 2; })) << pollers.log();
  pollers.poller(0).signal(SIGSTOP);
  pollers.start(1);
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.metric(kOwned, 1) == 2; })) << pollers.log(1);
  const auto sent = enqueue(pollers, kFirst, 1, 5);
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.drained(); }));
  pollers.poller(0).signal(SIGCONT);
  ASSERT_TRUE(wait_until(kSoon, [&] { return pollers.metric(kOwned, 0) == 1 && pollers.metric(kOwned, 1) == 1; })) << pollers.log();
  const FakeApi::Record record = pollers.api().record(kFirst);
  EXPECT_EQ(record.deleted.size(), 5U);
  EXPECT_EQ(pollers.stored()[kFirst], sent);
}

TEST(Poller, EndsWhenRedisBelongsToAnotherFleet) {
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  pollers.redis().call({"HSET", "hf:meta", "layout", "1 16 chat"});
  pollers.start();
  EXPECT_EQ(pollers.poller().wait(kSoon), 2) << pollers.log();
  EXPECT_EQ(pollers.api().receives(), 0U);
}

TEST(Poller, ChecksItsSettings) {
  Pollers pollers;
  pollers.add(kFirst, 1);
  pollers.write_settings();
  pollers.start(0, {"--check-config"});
  EXPECT_EQ(pollers.poller(0).wait(kSoon), 0) << pollers.log(0);
  pollers.write_settings({}, kFirst, "\"no token\"");
  pollers.start(1, {"--check-config"});
  EXPECT_EQ(pollers.poller(1).wait(kSoon), 2);
  EXPECT_THAT(pollers.log(1), AllOf(HasSubstr("poller.instances"), Not(HasSubstr("no token\""))));
}

TEST(Poller, WatchesTheInstancesThatSaySo) {
  Pollers pollers(Pollers::quick_api(),
                  std::string(Pollers::kQuick) + "  watch: {count_every: 1s, state_every: 1s, settings_every: 2s, queue_alert: 3}\n");
  pollers.add(kFirst, 3);
  pollers.say(kFirst, "watch: true");
  pollers.say(kFirst + 1, R"(watch: true, receive: false, webhook_url: "https://fleet/webhook", switches: [incomingWebhook])");
  pollers.write_settings();
  pollers.api().set_settings(kFirst + 1, R"({"webhookUrl":"https://fleet/webhook","incomingWebhook":"yes"})");
  const auto fetched = enqueue(pollers, kFirst, 1, 3);
  enqueue(pollers, kFirst + 1, 1, 5);  // whom it should push to is away
  pollers.start();
  const auto watched = [&](const std::string& what, std::uint64_t id) {
    return pollers.metric("hookfleet_watch_" + what + "{idInstance=\"" + std::to_string(id) + "\"}");
  };
  const auto told = [&](const std::string& kind) {
    const redis::Reply alerts = pollers.redis().call({"XRANGE", "hf:alerts", "-", "+"});
    for (std::size_t i = 0; i < alerts.view().size(); ++i) {
      for (std::size_t k = 0; k < alerts.view()[i][1].size(); ++k) {
        if (alerts.view()[i][1][k].text().find(kind) != std::string_view::npos) return true;
      }
    }
    return false;
  };
  EXPECT_TRUE(wait_until(kSoon, [&] { return watched("waiting_notifications", kFirst + 1) == 5; })) << pollers.log();
  EXPECT_TRUE(wait_until(kSoon, [&] { return watched("settings_differences", kFirst + 1) == 0; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return watched("authorized", kFirst + 1) == 1; }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return watched("settings_differences", kFirst) > 0; })) << "all of a new instance is off";
  EXPECT_TRUE(wait_until(kSoon, [&] { return told("upstream_queue") && told("settings_drift"); }));
  EXPECT_TRUE(wait_until(kSoon, [&] { return pollers.stored()[kFirst] == fetched; }));
  EXPECT_EQ(pollers.api().record(kFirst + 1).receives, 0U) << "it is only watched";
  EXPECT_EQ(pollers.metric("hookfleet_watch_instances"), 2);
  EXPECT_EQ(pollers.metric("hookfleet_poller_instances"), 2);
  EXPECT_EQ(watched("authorized", kFirst + 2), -1);
}

TEST(Poller, RefusesInstancesThatCantBeAsTheySay) {
  Pollers pollers;
  pollers.add(kFirst, 2);
  pollers.say(kFirst, "receive: false");
  pollers.say(kFirst + 1, R"(watch: true, webhook_url: "https://fleet/webhook")");
  pollers.write_settings();
  pollers.start();
  EXPECT_EQ(pollers.poller().wait(kSoon), 2) << pollers.log();
  EXPECT_THAT(pollers.log(), HasSubstr("1101000001 is neither fetched for"));
}

}  // namespace
}  // namespace hookfleet
