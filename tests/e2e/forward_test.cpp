// hookfleet-worker as a process with routes that forward, and the user's service as an HTTP server of the test's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "cli/simulate/http_server.hpp"
#include "common/base/uuid.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/scripts.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;
using simulate::HttpServer;
using support::kSoon;
using support::wait_until;
using Reply = HttpServer::Reply;
using Request = HttpServer::Request;
using testing::Contains;
using testing::Pair;

constexpr std::uint64_t kInstance = 1'101'000'001;
const std::string kMessage = "incomingMessageReceived", kStatus = "outgoingMessageStatus";

/// What is delivered at least once: the bodies of a server's requests that it answered 200.
class Receiver {
 public:
  explicit Receiver(HttpServer::Handler handler = [](const Request&) { return Reply{}; }) : handler_(std::move(handler)) {}
  HttpServer::Handler handler() {
    return [this](const Request& request) {
      Reply reply = handler_(request);
      const std::lock_guard lock(mutex_);
      all_.push_back(request);
      if (reply.way == Reply::Way::kAnswer && reply.status == 200) taken_.push_back(request);
      return reply;
    };
  }
  std::vector<Request> taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }
  std::set<std::string> bodies() const {
    std::set<std::string> bodies;
    for (const Request& request : taken()) bodies.insert(request.body);
    return bodies;
  }

 private:
  const HttpServer::Handler handler_;
  mutable std::mutex mutex_;
  std::vector<Request> all_, taken_;
};

class ForwardTest : public testing::Test {
 protected:
  /// Workers whose routes are these lines of YAML.
  void start(const std::string& routes, unsigned workers = 1, const std::vector<std::string>& more = {}) {
    const std::string file = directory_ / "hookfleet.yaml";
    std::ofstream(file) << "routes:\n" << routes;
    support::Fleet::Options options;
    options.ingresses = 0;
    options.workers = workers;
    options.nginx = false;
    options.worker_flags = {"--config",
                            file,
                            "--worker.heartbeat",
                            "200ms",
                            "--worker.member_ttl",
                            "1500ms",
                            "--worker.lease_ttl",
                            "2s",
                            "--worker.lease_renew",
                            "300ms",
                            "--worker.lease_validity",
                            "1500ms",
                            "--retry.attempts",
                            "3",
                            "--retry.first",
                            "20ms",
                            "--retry.max",
                            "200ms"};
    options.worker_flags.insert(options.worker_flags.end(), more.begin(), more.end());
    fleet_.emplace(options);
  }
  static std::string to(const HttpServer& server, const std::string& more = "") {
    return "{forward: {url: \"" + server.url("/in") + "\"" + (more.empty() ? "" : ", " + more) + "}}";
  }
  static std::string everything(const std::string& actions) { return "  - {match: {}, actions: [" + actions + "]}\n"; }

  static stream::Entry entry(const std::string& chat, const std::string& id, const std::string& type = kMessage) {
    stream::Entry made;
    const auto now = std::chrono::system_clock::now();
    made.id = base::make_uuid_v7(now);
    made.id_instance = kInstance;
    made.chat = chat;
    made.type_webhook = type;
    made.received_ms = base::unix_ms(now);
    made.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    made.body = R"({"typeWebhook":")" + type + R"(","idMessage":")" + id + R"(","timestamp":1750000000,"status":"sent","chatId":")" + chat +
                R"(","senderData":{"chatId":")" + chat + R"("},"instanceData":{"idInstance":1101000001,"wid":"79001234567@c.us",)" +
                R"("typeInstance":"whatsapp"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"t"}}})";
    return made;
  }
  unsigned partition_of(const stream::Entry& entry) const {
    return stream::partition_of(entry.id_instance, entry.chat, fleet_->keys().partitions());
  }
  std::string add(const stream::Entry& entry) {
    const auto reply = fleet_->redis().call(stream::XaddCommand(fleet_->keys().stream(partition_of(entry)), entry).argv());
    EXPECT_FALSE(reply.view().is_error()) << reply.view().text();
    return entry.body;
  }
  /// `count` messages over `chats` chats, numbered within each; answers their bodies.
  std::set<std::string> add_many(std::size_t count, std::size_t chats) {
    std::set<std::string> bodies;
    redis::Pipeline pipeline(fleet_->redis().connect());
    for (std::size_t i = 0; i < count; ++i) {
      const stream::Entry made = entry(std::to_string(i % chats) + "@c.us", number(i / chats));
      pipeline.append(stream::XaddCommand(fleet_->keys().stream(partition_of(made)), made).argv());
      bodies.insert(made.body);
    }
    while (pipeline.unanswered() > 0) {
      EXPECT_TRUE(pipeline.io(1s, nullptr));
      for (auto reply = pipeline.next(); reply && *reply; reply = pipeline.next()) EXPECT_FALSE((*reply)->view().is_error());
    }
    return bodies;
  }
  static std::string number(std::size_t n) {
    std::string text = std::to_string(n);
    return std::string(6 - text.size(), '0') + text;
  }
  static std::string field(const std::string& body, const std::string& name) {
    const std::string key = "\"" + name + "\":\"";
    const auto at = body.find(key) + key.size();
    return body.substr(at, body.find('"', at) - at);
  }
  /// Chats whose messages were first taken in another order than they were numbered.
  static std::set<std::string> out_of_order(const std::vector<Request>& requests) {
    std::map<std::string, std::string> last;
    std::set<std::string> seen, late;
    for (const Request& request : requests) {
      if (!seen.insert(request.body).second) continue;
      const std::string chat = field(request.body, "chatId"), id = field(request.body, "idMessage");
      if (id < last[chat]) late.insert(chat);
      last[chat] = id;
    }
    return late;
  }
  double metric(const std::string& series) {
    const auto text = fleet_->worker_metrics(0);
    const auto at = text ? text->find("\n" + series + " ") : std::string::npos;
    return at == std::string::npos ? -1 : std::atof(text->c_str() + at + series.size() + 2);
  }
  /// A series of the only target.
  double of_target(const std::string& name, const std::string& outcome = "") {
    const auto text = fleet_->worker_metrics(0);
    if (!text) return -1;
    for (std::size_t at = text->find("\n" + name + "{"); at != std::string::npos; at = text->find("\n" + name + "{", at + 1)) {
      const std::string line = text->substr(at + 1, text->find('\n', at + 1) - at - 1);
      if (outcome.empty() || line.find("outcome=\"" + outcome + "\"") != std::string::npos)
        return std::atof(line.c_str() + line.rfind(' '));
    }
    return -1;
  }
  std::size_t log_lines(const std::string& part) {
    std::size_t count = 0;
    for (const std::string& file : fleet_->worker_logs()) {
      const std::string text = support::read_file(file);
      for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    }
    return count;
  }
  std::vector<stream::DeadLetter> dead_letters() {
    std::vector<stream::DeadLetter> letters;
    for (unsigned p = 0; p < fleet_->keys().partitions(); ++p) {
      const auto listed = fleet_->redis().call({"XRANGE", fleet_->keys().dlq(p), "-", "+"});
      for (std::size_t i = 0; i < listed.view().size(); ++i) {
        if (auto letter = stream::decode_dead_letter(listed.view()[i][1])) letters.push_back(*std::move(letter));
      }
    }
    return letters;
  }
  std::size_t redrive() {
    const stream::Scripts scripts;
    fleet_->redis().call({"SCRIPT", "LOAD", scripts.redrive.source});
    std::size_t redriven = 0;
    for (unsigned p = 0; p < fleet_->keys().partitions(); ++p) {
      const auto listed = fleet_->redis().call({"XRANGE", fleet_->keys().dlq(p), "-", "+"});
      std::vector<stream::StreamId> ids;
      for (std::size_t i = 0; i < listed.view().size(); ++i) ids.push_back(*stream::StreamId::parse(listed.view()[i][0].text()));
      if (ids.empty()) continue;
      redis::Command command;
      stream::redrive(command, scripts, fleet_->keys(), p, ids);
      const auto reply = fleet_->redis().call(command.argv());
      if (const auto answer = stream::decode_redriven(reply.view())) redriven += answer->size();
    }
    return redriven;
  }

  support::TempDir directory_;
  std::optional<support::Fleet> fleet_;
};

TEST_F(ForwardTest, HandsOnTheBytesAndSaysWhatTheyDoNot) {
  HttpServer server;
  start(everything(to(server, "headers: ['Authorization: Bearer T'], signing_secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]")));
  const std::string body = add(entry("a@c.us", "1"));
  ASSERT_TRUE(fleet_->drained(kSoon));
  ASSERT_EQ(server.count(), 1U);
  const Request request = server.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/in");
  EXPECT_EQ(request.body, body);
  const auto& headers = request.headers;
  EXPECT_THAT(headers, Contains(Pair("content-type", "application/json")));
  EXPECT_THAT(headers, Contains(Pair("x-hookfleet-type", kMessage)));
  EXPECT_THAT(headers, Contains(Pair("x-hookfleet-instance", "1101000001")));
  EXPECT_THAT(headers, Contains(Pair("x-hookfleet-attempt", "1")));
  EXPECT_THAT(headers, Contains(Pair("authorization", "Bearer T")));
  EXPECT_THAT(headers, Contains(Pair("webhook-signature", testing::StartsWith("v1,"))));
  EXPECT_EQ(headers.at("traceparent").substr(0, 36), "00-4bf92f3577b34da6a3ce929d0e0e4736-");
  EXPECT_NE(headers.at("traceparent").substr(36, 16), "00f067aa0ba902b7");
  EXPECT_EQ(of_target("hookfleet_forward_requests_total", "done"), 1);
}

TEST_F(ForwardTest, FansOutAndRepeatsOnlyWhatIsNotDone) {
  std::atomic<int> troubles{2};
  HttpServer good, weak([&](const Request&) { return Reply::of(troubles-- > 0 ? 500 : 200); });
  start(everything("{handler: message}, " + to(good) + ", " + to(weak)));
  add(entry("a@c.us", "1"));
  ASSERT_TRUE(fleet_->drained(kSoon));
  EXPECT_EQ(good.count(), 1U);
  EXPECT_EQ(weak.count(), 3U);
  EXPECT_EQ(fleet_->counted(kMessage), 1U);
}

TEST_F(ForwardTest, KeepsTheOrderOfEachChatWithHundredsInFlight) {
  Receiver receiver([](const Request&) {
    Reply reply;
    reply.delay = 20ms;
    return reply;
  });
  HttpServer server(receiver.handler());
  start(everything(to(server, "concurrency: 100")));
  const auto bodies = add_many(3000, 300);
  ASSERT_TRUE(fleet_->drained(kSoon));
  EXPECT_EQ(receiver.bodies(), bodies);
  EXPECT_EQ(server.count(), 3000U) << "each once";
  EXPECT_EQ(out_of_order(receiver.taken()), std::set<std::string>());
  EXPECT_LE(server.most_at_once(), 100U);
  EXPECT_GT(server.most_at_once(), 50U);
  EXPECT_LE(server.connections(), 110U) << "connections are kept";
}

TEST_F(ForwardTest, TheKeyIsTheSameAtEachAttemptAndAfterARedrive) {
  std::atomic<int> status{503};
  HttpServer server([&](const Request&) { return Reply::of(status); });
  start(everything(to(server)));
  add(entry("a@c.us", "1"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return server.count() >= 3; }));
  status = 422;
  ASSERT_TRUE(wait_until(kSoon, [&] { return fleet_->dead_letters() == 1; }));
  EXPECT_EQ(dead_letters()[0].death.dead_class, stream::DeadClass::kRejected);
  const std::size_t before = server.count();
  status = 200;
  EXPECT_EQ(redrive(), 1U);
  ASSERT_TRUE(wait_until(kSoon, [&] { return server.count() > before; }));
  ASSERT_TRUE(fleet_->drained(kSoon));
  std::set<std::string> keys, ids;
  for (const Request& request : server.requests()) {
    keys.insert(request.headers.at("idempotency-key"));
    ids.insert(request.headers.at("x-hookfleet-id"));
  }
  EXPECT_EQ(keys.size(), 1U);
  EXPECT_EQ(ids.size(), 1U);
}

TEST_F(ForwardTest, WhatTheTargetAnswersWithoutBeingAwayCostsAttempts) {
  HttpServer other;
  HttpServer server([&](const Request&) { return Reply::of(302, {{"Location", other.url()}}); });
  start(everything(to(server)));
  add(entry("a@c.us", "1"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return fleet_->dead_letters() == 1; }));
  EXPECT_EQ(dead_letters()[0].death.dead_class, stream::DeadClass::kFailed);
  EXPECT_EQ(server.count(), 3U);
  EXPECT_EQ(other.count(), 0U) << "no redirect is followed";
}

struct AwayRow {
  const char* name;
  HttpServer::Handler handler;
  const char* reason;
};

class AwayTest : public ForwardTest, public testing::WithParamInterface<AwayRow> {};

/// Away for longer than attempts would last, then well: nothing is dead, all of it is handed on in order, once each.
TEST_P(AwayTest, NothingIsLostAndTheOrderStays) {
  std::atomic<bool> well{false};
  Receiver receiver([&](const Request& request) { return well ? Reply{} : GetParam().handler(request); });
  HttpServer server(receiver.handler());
  start(everything(to(server, "timeout: 200ms, breaker: {failures: 5, pause_max: 1s}")));
  const auto bodies = add_many(60, 6);
  ASSERT_TRUE(wait_until(kSoon, [&] { return of_target("hookfleet_forward_breaker_open") == 1; }));
  ASSERT_TRUE(wait_until(kSoon, [&] { return of_target("hookfleet_forward_requests_total", "held_back") >= 20; }));
  EXPECT_EQ(fleet_->backlog(), 60U);
  EXPECT_EQ(log_lines("\"event\":\"forward.breaker_opened\""), 1U);
  EXPECT_GE(log_lines(GetParam().reason), 1U);
  well = true;
  ASSERT_TRUE(fleet_->drained(kSoon));
  EXPECT_EQ(receiver.bodies(), bodies);
  EXPECT_EQ(out_of_order(receiver.taken()), std::set<std::string>());
  EXPECT_EQ(receiver.taken().size(), 60U);
  EXPECT_EQ(fleet_->dead_letters(), 0U);
  EXPECT_EQ(of_target("hookfleet_forward_breaker_open"), 0);
  EXPECT_EQ(log_lines("\"event\":\"forward.breaker_closed\""), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, AwayTest,
                         testing::Values(AwayRow{"Hangs", [](const Request&) { return Reply::hang(); }, "timeout: "},
                                         AwayRow{"Answers500", [](const Request&) { return Reply::of(500); }, "HTTP 500"},
                                         AwayRow{"Answers401", [](const Request&) { return Reply::of(401); }, "HTTP 401"},
                                         AwayRow{"Closes", [](const Request&) { return Reply::close(); }, "broken_answer: "},
                                         AwayRow{"AnswersNoHttp", [](const Request&) { return Reply::raw("nonsense\r\n\r\n"); },
                                                 "broken_answer: "}),
                         [](const auto& row) { return row.param.name; });

TEST_F(ForwardTest, ATargetThatIsAwayHoldsOnlyItsOwnChatsBack) {
  HttpServer away([](const Request&) { return Reply::hang(); }), well;
  start("  - {match: {typeWebhook: [" + kStatus + "]}, actions: [" + to(away, "timeout: 1s, concurrency: 2") + "]}\n" +
        everything(to(well)));
  for (int i = 0; i < 50; ++i) add(entry("s" + std::to_string(i) + "@c.us", "1", kStatus));
  for (int i = 0; i < 50; ++i) add(entry("m" + std::to_string(i) + "@c.us", "1"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return well.count() == 50; }));
  EXPECT_LE(away.most_at_once(), 2U + 1U) << "one may be given up and not yet closed";
  EXPECT_TRUE(wait_until(kSoon, [&] { return fleet_->backlog() == 50; }));
  away.answer([](const Request&) { return Reply{}; });
  ASSERT_TRUE(fleet_->drained(kSoon));
}

TEST_F(ForwardTest, AnAnswerOfAHundredMegabytesIsNotRead) {
  HttpServer server([](const Request&) {
    Reply reply;
    reply.padding = 100UL << 20;
    return reply;
  });
  start(everything(to(server)));
  add_many(5, 5);
  ASSERT_TRUE(fleet_->drained(kSoon));
  EXPECT_EQ(server.count(), 5U) << "its status counts";
  EXPECT_LT(server.bytes_sent(), 100UL << 20);
}

TEST_F(ForwardTest, PrivateAddressesAreRefusedOnRequest) {
  HttpServer server;
  start(everything("{forward: {url: \"http://localhost:" + std::to_string(server.port()) + "/\", refuse_private_addresses: true}}"));
  add(entry("a@c.us", "1"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return log_lines("refused_address: ") > 0; }));
  EXPECT_EQ(server.connections(), 0U);
  EXPECT_EQ(fleet_->backlog(), 1U) << "as one that is away";
}

TEST_F(ForwardTest, AWrongCertificateIsNotTrusted) {
  const std::string key = directory_ / "key.pem", certificate = directory_ / "certificate.pem";
  support::Process make({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                                  "-subj", "/CN=test", "-keyout", key, "-out", certificate},
                         .environment = {},
                         .output = {}});
  ASSERT_EQ(make.wait(kSoon), 0);
  const int port = support::free_port();
  support::Process server(
      {.argv = {"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert", certificate, "-key", key, "-quiet"},
       .environment = {},
       .output = {}});
  start(everything("{forward: {url: \"https://127.0.0.1:" + std::to_string(port) + "/\"}}"));
  add(entry("a@c.us", "1"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return log_lines("tls: ") > 0; }));
  EXPECT_EQ(fleet_->backlog(), 1U);
}

TEST_F(ForwardTest, SigtermWaitsForWhatIsInFlightAndLeavesTheRest) {
  Receiver receiver([](const Request&) {
    Reply reply;
    reply.delay = 1s;
    return reply;
  });
  HttpServer server(receiver.handler());
  start(everything(to(server, "concurrency: 10")));
  const auto bodies = add_many(40, 40);
  ASSERT_TRUE(wait_until(kSoon, [&] { return server.count() == 10; }));
  fleet_->worker(0).signal(SIGTERM);
  EXPECT_EQ(fleet_->worker(0).wait(kSoon), 0) << "everything was given back";
  EXPECT_EQ(fleet_->backlog(), 40U - server.count());
  EXPECT_LE(server.count(), 20U) << "nothing new is begun";
  fleet_->restart_worker(0);
  ASSERT_TRUE(fleet_->drained(kSoon));
  EXPECT_EQ(receiver.bodies(), bodies);
  EXPECT_EQ(server.count(), 40U) << "each once";
}

TEST_F(ForwardTest, ATargetThatHangsDoesNotKeepTheProcess) {
  HttpServer server([](const Request&) { return Reply::hang(); });
  start(everything(to(server, "timeout: 60s")), 1, {"--worker.drain", "1s", "--worker.handler_timeout", "100ms"});
  add(entry("a@c.us", "1"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return server.count() == 1; }));
  EXPECT_FALSE(fleet_->worker(0).wait(3s).has_value()) << "no handler hangs: the process goes on";
  fleet_->worker(0).signal(SIGTERM);
  EXPECT_EQ(fleet_->worker(0).wait(kSoon), 1) << "the partition of what is in flight was not given back";
  EXPECT_EQ(fleet_->backlog(), 1U);
}

TEST_F(ForwardTest, AKilledWorkerLosesNothingAndKeepsTheOrder) {
  Receiver receiver([](const Request&) {
    Reply reply;
    reply.delay = 50ms;
    return reply;
  });
  HttpServer server(receiver.handler());
  start(everything(to(server, "concurrency: 10")), 2);
  const auto bodies = add_many(1600, 100);
  for (const std::size_t killed : {0U, 1U}) {
    ASSERT_TRUE(wait_until(kSoon, [&] { return server.count() >= 300 + 400 * killed; }));
    EXPECT_GT(fleet_->backlog(), 0U) << "in the midst of it";
    fleet_->worker(killed).kill();
    fleet_->restart_worker(killed);
  }
  ASSERT_TRUE(fleet_->drained(60s));
  EXPECT_EQ(receiver.bodies(), bodies);
  EXPECT_EQ(out_of_order(receiver.taken()), std::set<std::string>());
  EXPECT_EQ(fleet_->dead_letters(), 0U);
}

}  // namespace
}  // namespace hookfleet
