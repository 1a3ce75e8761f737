// `hookfleet simulate` as main() calls it, against what stands in for a fleet: an HTTP server, and a Redis with the layout of one.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "cli/simulate/http_server.hpp"
#include "cli/simulate/posts.hpp"
#include "cli/simulate/token.hpp"
#include "common/base/uuid.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "tests/support/called.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using simulate::HttpServer;
using simulate::Posts;
using simulate::Token;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Reply = HttpServer::Reply;
using Request = HttpServer::Request;

const Environment kToken{{"HOOKFLEET_TOKEN", "push-token"}};

Called simulate_to(const HttpServer& server, std::vector<std::string> more, Environment environment = kToken) {
  std::vector<std::string> arguments{"simulate", "--to", server.url("/webhook"), "--rate", "1000/s", "-o", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return called(arguments, environment);
}

/// The requests of an instance, in order.
std::vector<std::string> bodies_of(const HttpServer& server, std::uint64_t instance) {
  std::vector<std::string> bodies;
  for (const Request& request : server.requests()) {
    const auto token = Token::find(request.body);
    if (token && token->instance == instance) bodies.push_back(request.body);
  }
  return bodies;
}

TEST(SimulatePush, PostsWithTheTokenAndCountsWhatIsAcknowledged) {
  HttpServer ingress;
  const auto said = simulate_to(ingress, {"--count", "50", "--instances", "4", "--seed", "9"});
  ASSERT_EQ(said.code, kOk) << said.err;
  const auto report = json::parse(said.out);
  EXPECT_EQ(report["sent"], 50);
  EXPECT_EQ(report["acknowledged"], 50);
  EXPECT_EQ(report["answers"]["200"], 50);
  EXPECT_EQ(report["seed"], 9);
  ASSERT_EQ(ingress.count(), 50U);
  EXPECT_LE(ingress.most_at_once(), 4U);
  const Request first = ingress.requests()[0];
  EXPECT_EQ(first.method, "POST");
  EXPECT_EQ(first.target, "/webhook");
  EXPECT_EQ(first.headers.at("authorization"), "Bearer push-token");
  EXPECT_EQ(first.headers.at("content-type"), "application/json");
}

TEST(SimulatePush, SendsTheSameAgainAfterAPauseAndHoldsBackWhatFollows) {
  std::set<std::string> refused;
  HttpServer ingress([&](const Request& request) { return Reply::of(refused.insert(request.body).second ? 503 : 200); });
  const auto said = simulate_to(ingress, {"--count", "6", "--instances", "2", "--pause", "100ms"});
  ASSERT_EQ(said.code, kOk) << said.err;
  const auto report = json::parse(said.out);
  EXPECT_EQ(report["acknowledged"], 6);
  EXPECT_EQ(report["pauses"], 6);
  EXPECT_EQ(report["answers"]["503"], 6);
  for (const std::uint64_t instance : {1'101'000'001U, 1'101'000'002U}) {
    const auto bodies = bodies_of(ingress, instance);
    ASSERT_EQ(bodies.size() % 2, 0U);
    for (std::size_t i = 0; i < bodies.size(); i += 2) EXPECT_EQ(bodies[i], bodies[i + 1]);
  }
}

TEST(SimulatePush, TakesNoAnswerForARefusal) {
  std::atomic<unsigned> count = 0;
  HttpServer ingress([&](const Request&) { return count++ == 0 ? Reply::hang() : Reply{}; });
  const auto said = simulate_to(ingress, {"--count", "3", "--instances", "1", "--pause", "100ms", "--answer-timeout", "150ms"});
  ASSERT_EQ(said.code, kOk) << said.err;
  const auto report = json::parse(said.out);
  EXPECT_EQ(report["answers"]["no answer in time"], 1);
  EXPECT_EQ(report["acknowledged"], 3);
}

TEST(SimulatePush, GivesUpWhatIsNotKeptAnyMore) {
  HttpServer ingress([](const Request&) { return Reply::of(500); });
  const auto said = simulate_to(ingress, {"--count", "2", "--instances", "1", "--pause", "100ms", "--keep", "250ms"});
  EXPECT_EQ(said.code, kFailed);
  const auto report = json::parse(said.out);
  EXPECT_EQ(report["given_up"], 2);
  EXPECT_EQ(report["acknowledged"], 0);
}

TEST(SimulatePush, FailsWhenNobodyIsThere) {
  const auto said =
      called({"simulate", "--to", "http://127.0.0.1:" + std::to_string(support::free_port()), "--count", "1", "--settle", "300ms"});
  EXPECT_EQ(said.code, kFailed);
  EXPECT_THAT(said.out, AllOf(HasSubstr("no connection: 1"), HasSubstr("1 not yet")));
}

TEST(SimulatePush, ComesFromTheAddressesGiven) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::set<std::string> from;
  std::jthread server([&] {
    for (int i = 0; i < 2; ++i) {
      sockaddr_in peer{};
      socklen_t peer_size = sizeof peer;
      const int fd = ::accept(listener, reinterpret_cast<sockaddr*>(&peer), &peer_size);
      char text[INET_ADDRSTRLEN];
      from.insert(::inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text));
      char chunk[65536];
      std::string request;
      while (request.find("\r\n\r\n") == std::string::npos || request.back() != '}') {
        const auto got = ::recv(fd, chunk, sizeof chunk, 0);
        if (got <= 0) break;
        request.append(chunk, static_cast<std::size_t>(got));
      }
      const std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      EXPECT_EQ(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
      ::close(fd);
    }
  });
  const auto said = called({"simulate", "--to", "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)), "--count", "2",
                            "--instances", "2", "--from", "127.0.0.2,127.0.0.3", "--settle", "5s"});
  if (said.code != kOk) ::shutdown(listener, SHUT_RDWR);
  server.join();
  ::close(listener);
  EXPECT_EQ(said.code, kOk) << said.out;
  EXPECT_EQ(from, (std::set<std::string>{"127.0.0.2", "127.0.0.3"}));
}

TEST(SimulatePush, RefusesAnAddressThatIsNoneOfThisMachine) {
  HttpServer ingress;
  const auto said = simulate_to(ingress, {"--count", "1", "--from", "127.0.0.2,192.0.2.7"});
  EXPECT_EQ(said.code, kUsage);
  EXPECT_THAT(said.err, AllOf(HasSubstr("\"192.0.2.7\""), HasSubstr("Cannot assign requested address")));
  EXPECT_EQ(ingress.count(), 0U);
}

TEST(SimulatePush, SaysAtOnceWhyItIsRefused) {
  std::atomic<int> status = 401;
  HttpServer ingress([&](const Request&) { return Reply::of(status); });
  const auto errors = [&](const Environment& environment) {
    const auto said = simulate_to(ingress, {"--count", "2", "--instances", "2", "--settle", "100ms"}, environment);
    EXPECT_EQ(said.code, kFailed);
    EXPECT_THAT(said.err, Not(HasSubstr("push-token")));
    return said.err;
  };
  const auto times = [](const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
    return count;
  };
  const std::string unnamed = errors({});
  EXPECT_THAT(unnamed, AllOf(HasSubstr("no token is sent"), HasSubstr("--token-file FILE"), HasSubstr(". .fleet/env")));
  EXPECT_EQ(times(unnamed, "answered 401, for"), 1U);
  const std::string wrong = errors(kToken);
  EXPECT_THAT(wrong, AllOf(HasSubstr("doesn't take the token of HOOKFLEET_TOKEN"), Not(HasSubstr("no token is sent"))));
  EXPECT_EQ(times(wrong, "answered 401"), 1U) << "not for each";
  status = 403;
  EXPECT_THAT(errors(kToken), AllOf(HasSubstr("answered 403"), HasSubstr("auth.instances"), HasSubstr("allowlist")));
}

TEST(SimulatePush, EndsWithItsReportWhenInterrupted) {
  HttpServer ingress;
  const support::TempDir directory;
  support::Process simulator(
      {{HOOKFLEET_BIN_DIR "/hookfleet", "simulate", "--to", ingress.url("/webhook"), "--rate", "200/s"}, {}, directory / "said"});
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return ingress.count() > 20; }));
  simulator.signal(SIGINT);
  EXPECT_EQ(simulator.wait(support::kSoon), kOk);
  const std::string said = support::read_file(directory / "said");
  EXPECT_THAT(said, HasSubstr("answers        200: " + std::to_string(ingress.count()) + "\n"));
  EXPECT_THAT(said, HasSubstr("acknowledged   " + std::to_string(ingress.count()) + "\n"));
}

TEST(SimulatePush, InterruptedWaitsForNoPause) {
  HttpServer ingress([](const Request&) { return Reply::of(503); });
  const support::TempDir directory;
  support::Process simulator(
      {{HOOKFLEET_BIN_DIR "/hookfleet", "simulate", "--to", ingress.url("/webhook"), "--instances", "3"}, {}, directory / "said"});
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return ingress.count() == 3; }));
  simulator.signal(SIGINT);
  EXPECT_EQ(simulator.wait(support::kSoon), kFailed) << "nothing was acknowledged";
  EXPECT_THAT(support::read_file(directory / "said"), HasSubstr("acknowledged   0, 3 not yet\n"));
}

TEST(SimulatePush, RefusesWrongUseAndSaysWhy) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows{
      {{"--verify"}, "--receive PORT or --stream KEY"},
      {{"--types", "textMesage"}, "textMesage"},
      {{"--repeats", "60%", "--changed", "60%"}, "more than 100%"},
      {{"--repeats", "x"}, "0% to 100%"},
      {{"--fast", "--rate", "1/s"}, "use one"},
      {{"--to", "https://example.com/webhook"}, "no TLS"},
      {{"--to", "nonsense"}, "--to"},
      {{"--serve", "0", "--to", "http://127.0.0.1/"}, "--serve"},
      {{"--serve", "0", "--faults", "503=1%"}, "cut_after"},
      {{"--serve", "0", "--malformed", "1%"}, "--malformed"},
      {{"--receive", "99999"}, "no port"},
  };
  for (const auto& [arguments, expected] : rows) {
    std::vector<std::string> all{"simulate", "--count", "1"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto said = called(all);
    EXPECT_EQ(said.code, kUsage) << testing::PrintToString(arguments);
    EXPECT_THAT(said.err, HasSubstr(expected));
  }
}

TEST(SimulatePosts, SendsAgainOnceWhenAKeptConnectionWasClosed) {
  std::atomic<unsigned> count = 0;
  HttpServer server([&](const Request&) { return ++count == 2 ? Reply::close() : Reply{}; });
  Posts posts({.to = *simulate::Target::find(server.url("/"))});
  std::vector<int> statuses;
  for (int i = 0; i < 3; ++i) {
    posts.post(0, "{}");
    while (posts.busy(0)) posts.wait(1s, [&](const Posts::Answer& answer) { statuses.push_back(answer.status); });
  }
  EXPECT_EQ(statuses, (std::vector{200, 200, 200}));
  EXPECT_EQ(count, 4U);
}

TEST(SimulatePosts, ANewConnectionThatIsCutOffIsNoAnswer) {
  HttpServer server([](const Request&) { return Reply::close(); });
  Posts posts({.to = *simulate::Target::find(server.url("/"))});
  posts.post(0, "{}");
  std::optional<Posts::Answer> got;
  while (posts.busy(0)) posts.wait(1s, [&](const Posts::Answer& answer) { got = answer; });
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 0);
  EXPECT_EQ(got->failure, Posts::Failure::kCutOff);
}

TEST(SimulatePosts, SendsBodiesThatNoSocketTakesAtOnceAndReadsAnyFraming) {
  const std::string large(8UL << 20, 'x');
  std::vector<Reply> replies{Reply{}, Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
                             Reply::raw("HTTP/1.0 201 Created\r\n\r\nuntil the end"), Reply::raw("nonsense\r\n\r\n")};
  std::atomic<std::size_t> next = 0;
  HttpServer server([&](const Request& request) {
    EXPECT_EQ(request.body.size(), large.size());
    return replies.at(next++);
  });
  Posts posts({.to = *simulate::Target::find(server.url("/"))});
  std::vector<int> statuses;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    posts.post(0, large);
    while (posts.busy(0)) posts.wait(1s, [&](const Posts::Answer& answer) { statuses.push_back(answer.status); });
  }
  EXPECT_EQ(statuses, (std::vector{200, 200, 201, 0}));
}

/// Stands in for a fleet: acknowledges, and hands on to the simulator's receiver as it is told.
class SimulateProofTest : public testing::Test {
 protected:
  SimulateProofTest() { redis_.call({"HSET", keys_.meta(), "layout", "1 32 chat"}); }

  /// What a fleet does with the n-th notification, from 0: hands some on.
  using HandOn = std::function<std::vector<std::string>(std::size_t number, const std::string& body)>;

  Called run(const HandOn& hand_on, std::vector<std::string> more = {}) {
    const int port = support::free_port();
    support::HttpClient receiver(port);
    std::size_t number = 0;
    HttpServer fleet([&](const Request& request) {
      for (const std::string& body : hand_on(number++, request.body)) {
        const auto answer = receiver.request("POST", "/", {}, body);
        EXPECT_TRUE(answer && answer->status == 200);
      }
      return Reply{};
    });
    more.insert(more.begin(), {"--count", "40", "--instances", "2", "--types", "incomingCall", "--chats", "1", "--receive",
                               std::to_string(port), "--verify"});
    return simulate_to(fleet, more, environment());
  }
  Environment environment() const { return {{"HOOKFLEET_REDIS__URL", redis_.url()}}; }

  support::RedisServer redis_;
  const stream::Keys keys_{stream::Layout{}};
};

TEST_F(SimulateProofTest, IsKeptWhenEverythingComesInOrder) {
  const auto said = run([](std::size_t, const std::string& body) { return std::vector{body}; });
  ASSERT_EQ(said.code, kOk) << said.out;
  const auto proof = json::parse(said.out)["proof"];
  EXPECT_EQ(proof["received"], 40);
  EXPECT_EQ(proof["lost"], 0);
  EXPECT_EQ(proof["settled"], true);
  EXPECT_THAT(said.err, HasSubstr("routes:\n  - actions: [{forward: {name: simulate, url: \"http://127.0.0.1:"));
}

TEST_F(SimulateProofTest, NamesAPlantedLossAndFails) {
  std::string forgotten;
  const auto said = run([&](std::size_t number, const std::string& body) {
    if (number == 17) forgotten = body;
    return number == 17 ? std::vector<std::string>{} : std::vector{body};
  });
  EXPECT_EQ(said.code, kFailed);
  const auto proof = json::parse(said.out)["proof"];
  EXPECT_EQ(proof["lost"], 1);
  EXPECT_EQ(proof["out_of_order"], 0);
  EXPECT_EQ(proof["lost_first"][0]["simulated"], Token::find(forgotten)->text());
}

TEST_F(SimulateProofTest, NamesAPlantedDisorderAndFails) {
  // The first of a chat is handed on behind the second one.
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::string> first;
  std::optional<Token> late;
  const auto said = run([&](std::size_t, const std::string& body) {
    const Token token = *Token::find(body);
    std::string& kept_back = first[{token.instance, token.chat}];
    if (late || token.sequence > 1) return std::vector{body};
    if (token.sequence == 0 && token.chat == 0 && token.instance == 1'101'000'001) {
      kept_back = body;
      return std::vector<std::string>{};
    }
    if (kept_back.empty()) return std::vector{body};
    late = Token::find(kept_back);
    return std::vector{body, kept_back};
  });
  EXPECT_EQ(said.code, kFailed);
  const auto proof = json::parse(said.out)["proof"];
  EXPECT_EQ(proof["lost"], 0);
  EXPECT_EQ(proof["out_of_order"], 1);
  EXPECT_EQ(proof["out_of_order_first"][0]["simulated"], late->text());
  EXPECT_EQ(proof["out_of_order_first"][0]["after"], 1);
}

TEST_F(SimulateProofTest, SaysWhatToConfigureWhenNothingArrives) {
  const auto said = run([](std::size_t, const std::string&) { return std::vector<std::string>{}; });
  EXPECT_EQ(said.code, kFailed);
  EXPECT_THAT(said.err, HasSubstr("nothing arrived"));
}

TEST_F(SimulateProofTest, WaitsNoLongerThanItIsToldForAFleetThatIsBehind) {
  redis_.call({"XADD", keys_.stream(0), "*", "waits", "1"});
  const auto said = run([](std::size_t, const std::string&) { return std::vector<std::string>{}; }, {"--settle", "300ms"});
  EXPECT_EQ(said.code, kFailed);
  const auto proof = json::parse(said.out)["proof"];
  EXPECT_EQ(proof["settled"], false);
  EXPECT_THAT(said.err, HasSubstr("of 300.0ms for 40 not received yet, 1 in the fleet"));
  EXPECT_EQ(proof["backlog"], 1);
  EXPECT_EQ(proof["lost"], 40);
}

TEST_F(SimulateProofTest, CountsEveryDeadLetterOfAPartitionHoweverMany) {
  auto connection = redis_.connect();
  std::mutex mutex;
  HttpServer fleet([&](const Request& request) {
    const std::lock_guard lock(mutex);
    const auto now = std::chrono::system_clock::now();
    const stream::Entry entry{
        base::make_uuid_v7(now), 1'101'000'001, "", "incomingCall", base::unix_ms(now), stream::Source::kWebhook, "", request.body};
    const stream::XaddCommand command(keys_.dlq(5), entry);
    EXPECT_TRUE(connection.call(command.argv()));
    return Reply{};
  });
  const auto said = simulate_to(
      fleet, {"--count", "1250", "--instances", "8", "--receive", std::to_string(support::free_port()), "--verify"}, environment());
  ASSERT_EQ(said.code, kOk) << said.out << said.err;
  const auto proof = json::parse(said.out)["proof"];
  EXPECT_EQ(proof["dead_letters"], 1250);
  EXPECT_EQ(proof["lost"], 0);
}

TEST_F(SimulateProofTest, WhatNoPollerTookWaitsAndWhatOneDeletedAndNobodyGotIsLost) {
  const int port = support::free_port();
  Called said{};
  std::jthread simulator([&] {
    said = called({"simulate", "--serve", std::to_string(port), "--instances", "1", "--count", "10", "--rate", "1000/s", "-o", "json",
                   "--seed", "3", "--verify", "--receive", std::to_string(support::free_port()), "--settle", "3s"},
                  environment());
  });
  support::HttpClient poller(port);
  std::string taken;
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] {
    const auto answer = poller.get("/waInstance1101000001/receiveNotification/simulated?receiveTimeout=5");
    if (!answer || answer->status != 200 || answer->body == "null") return false;
    const auto received = json::parse(answer->body);
    taken = Token::find(received["body"].dump())->text();
    const auto deleted = poller.request("DELETE", "/waInstance1101000001/deleteNotification/simulated/" + received["receiptId"].dump());
    return deleted && deleted->status == 200;
  }));
  simulator.join();
  EXPECT_EQ(said.code, kFailed);
  const auto report = json::parse(said.out);
  EXPECT_EQ(report["queues"]["waiting"], 9);
  EXPECT_EQ(report["proof"]["lost"], 1);
  EXPECT_EQ(report["proof"]["lost_first"][0]["simulated"], taken);
  EXPECT_THAT(said.err, HasSubstr("9 in the provider's queues"));
}

TEST_F(SimulateProofTest, ReadsAStream) {
  redis_.call({"XADD", "mine", "*", "body", "of others before"});
  auto connection = redis_.connect();
  std::mutex mutex;
  HttpServer fleet([&](const Request& request) {
    const std::lock_guard lock(mutex);
    const std::vector<std::string_view> command{"XADD", "mine", "*", "body", request.body};
    EXPECT_TRUE(connection.call(redis::Argv(command)).has_value());
    return Reply{};
  });
  const auto said = simulate_to(fleet, {"--count", "60", "--stream", "mine"}, environment());
  ASSERT_EQ(said.code, kOk) << said.out << said.err;
  const auto proof = json::parse(said.out)["proof"];
  EXPECT_EQ(proof["received"], 60);
  EXPECT_EQ(proof["foreign"], 0);
}

TEST(SimulateServe, PutsIntoQueuesAndSaysWhatPollersTook) {
  const int port = support::free_port();
  Called said{};
  std::jthread simulator([&] {
    said = called(
        {"simulate", "--serve", std::to_string(port), "--instances", "1", "--count", "20", "--rate", "200/s", "-o", "json", "--seed", "3"});
  });
  std::vector<std::uint64_t> sequences;
  support::HttpClient poller(port);
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] {
    const auto answer = poller.get("/waInstance1101000001/receiveNotification/simulated?receiveTimeout=5");
    if (!answer || answer->status != 200 || answer->body.empty() || answer->body == "null") return sequences.size() == 20;
    const auto received = json::parse(answer->body);
    sequences.push_back(Token::find(received["body"].dump())->sequence);
    const auto deleted = poller.request("DELETE", "/waInstance1101000001/deleteNotification/simulated/" + received["receiptId"].dump());
    return !deleted || sequences.size() == 20;
  }));
  simulator.join();
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_EQ(json::parse(said.out)["queues"]["deleted"], 20);
  EXPECT_EQ(json::parse(said.out)["queues"]["waiting"], 0);
}

TEST(SimulateServe, FailsWhenItsQueuesStillWait) {
  const auto said = called({"simulate", "--serve", "0", "--instances", "1", "--count", "3", "--rate", "1000/s", "--settle", "100ms"});
  EXPECT_EQ(said.code, kFailed);
  EXPECT_THAT(said.out, HasSubstr("still waiting  3 in the provider's queues: no poller has asked; --settle waits longer"));
}

TEST(SimulateServe, PutsNothingIntoItsQueuesThatIsSwitchedOff) {
  const int port = support::free_port();
  Called said{};
  std::jthread simulator([&] {
    said = called({"simulate", "--serve", std::to_string(port), "--instances", "1", "--count", "20", "--rate", "20/s", "-o", "json",
                   "--types", "incomingCall", "--settle", "100ms"});
  });
  support::HttpClient account(port);
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] {
    const auto answer = account.request("POST", "/waInstance1101000001/setSettings/simulated", {}, R"({"incomingCallWebhook":"no"})");
    return answer && answer->status == 200;
  }));
  simulator.join();
  const auto queues = json::parse(said.out)["queues"];
  EXPECT_GT(queues["switched_off"], 0);
  EXPECT_EQ(queues["switched_off"].get<int>() + queues["waiting"].get<int>(), 20);
}

}  // namespace
}  // namespace hookfleet::cli
