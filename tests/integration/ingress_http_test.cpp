// The webhook port over real sockets: Pistache's hazards with handlers of the test's own, then deliveries with a real appender and Redis.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/base/ascii.hpp"
#include "common/base/mutex.hpp"
#include "common/base/uuid.hpp"
#include "common/metrics/listener.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "ingress/append/appender.hpp"
#include "ingress/http/server.hpp"
#include "ingress/http/webhook.hpp"
#include "ingress/metrics.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/told.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::http {
namespace {

using namespace std::chrono_literals;
using support::HttpClient;
using support::kSoon;
using support::wait_until;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const base::SystemClock kClock;

/// The system's, until it throws: for what must not happen.
class BrokenClock final : public base::Clock {
 public:
  base::BootTime now() const override { return kClock.now(); }
  base::WallTime wall() const override {
    if (broken) throw std::runtime_error("the clock is broken");
    return kClock.wall();
  }
  std::atomic<bool> broken{false};
};

/// Log lines of all threads.
class Lines {
 public:
  log::Logger logger(log::Level level = log::Level::kDebug) {
    log::Options options;
    options.level = level;
    return {options, "test", [this](std::string_view line) {
              const base::MutexLock lock(mutex_);
              lines_.emplace_back(line);
            }};
  }
  std::vector<std::string> all() const {
    const base::MutexLock lock(mutex_);
    return lines_;
  }

 private:
  mutable base::Mutex mutex_;
  std::vector<std::string> lines_ HOOKFLEET_GUARDED_BY(mutex_);
};

class ServerTest : public testing::Test {
 protected:
  /// `handle` gets (const Request&, Reply).
  template <class Handle>
  void start(Handle handle, Options options = {}) {
    options.listen = listen_;
    Server::Hooks hooks;
    hooks.handle = [handle](const Request& request, Reply reply) { handle(request, std::move(reply)); };
    hooks.ready = [this] { return ready_.load(); };
    hooks.beat = [this] { ++beats_; };
    auto started = Server::start(options, hooks, metrics_, lines_.logger());
    ASSERT_TRUE(started) << started.error();
    server_ = std::move(*started);
  }
  int port() const { return server_->port(); }
  /// The value of a sample, e.g. `hookfleet_ingress_deliveries_total{outcome="stored"}`.
  double sample(const std::string& name) const {
    const std::string text = registry_.text();
    const auto at = text.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name;
    return std::stod(text.substr(at + name.size() + 2));
  }
  double outcome(const std::string& label) const { return sample("hookfleet_ingress_deliveries_total{outcome=\"" + label + "\"}"); }

  std::string listen_ = "127.0.0.1:0";
  Lines lines_;
  metrics::Registry registry_{ingress::kTable, "test"};
  const Metrics metrics_{registry_};
  std::atomic<bool> ready_{true};
  std::atomic<int> beats_{0};
  std::unique_ptr<Server> server_;
};

/// Replies that wait for the test.
class Held {
 public:
  void hold(Reply reply) {
    const base::MutexLock lock(mutex_);
    replies_.push_back(std::make_unique<Reply>(std::move(reply)));
  }
  std::size_t count() const {
    const base::MutexLock lock(mutex_);
    return replies_.size();
  }
  std::vector<std::unique_ptr<Reply>> take() {
    const base::MutexLock lock(mutex_);
    return std::move(replies_);
  }

 private:
  mutable base::Mutex mutex_;
  std::vector<std::unique_ptr<Reply>> replies_ HOOKFLEET_GUARDED_BY(mutex_);
};

constexpr auto kStore = [](const Request&, Reply reply) { reply.answer(Outcome::kStored, "r", "x"); };

TEST_F(ServerTest, HandsOverWhatCameInAndSendsTheAnswer) {
  std::promise<std::vector<std::string>> seen;
  start([&](const Request& request, Reply reply) {
    seen.set_value({std::string(request.method), std::string(request.path), request.peer, request.authorization, request.forwarded_for,
                    request.refused, request.request_id, request.traceparent, request.body});
    reply.answer(Outcome::kStored, "r-1", "entry-1");
  });
  HttpClient client(port());
  const auto response = client.request("POST", "/webhook/7?a=b",
                                       {{"AUTHORIZATION", "bEARER  x "},
                                        {"x-forwarded-FOR", "1.2.3.4, 5.6.7.8"},
                                        {"X-Hookfleet-Refused", "413"},
                                        {"X-Request-Id", "abc"},
                                        {"Traceparent", "00-a"},
                                        {"X-Other", "y"}},
                                       std::string("a\0b", 3));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, R"({"status":"stored","id":"entry-1"})");
  EXPECT_EQ(response->headers.at("x-request-id"), "r-1");
  EXPECT_EQ(response->headers.at("content-type"), "application/json");
  const auto values = seen.get_future().get();
  EXPECT_THAT(values, ElementsAre("POST", "/webhook/7", "127.0.0.1", HasSubstr("bEARER  x"), "1.2.3.4, 5.6.7.8", "413", "abc", "00-a",
                                  std::string("a\0b", 3)));
  EXPECT_EQ(outcome("stored"), 1);
}

TEST_F(ServerTest, TakesAbsentHeadersForEmptyOnes) {
  std::promise<bool> empty;
  start([&](const Request& request, Reply reply) {
    empty.set_value(request.authorization.empty() && request.forwarded_for.empty() && request.refused.empty() &&
                    request.request_id.empty() && request.traceparent.empty() && request.body.empty());
    reply.answer(Outcome::kUnauthorized);
  });
  HttpClient client(port());
  const auto response = client.raw("POST /webhook HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 401);
  EXPECT_TRUE(empty.get_future().get());
}

TEST_F(ServerTest, KeepsTheConnectionOfARequestThatSaysNothingAboutIt) {
  start(kStore);
  HttpClient client(port());
  for (int i = 0; i < 5; ++i) {
    const auto response = client.post("/webhook", "t", "x");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->headers.at("connection"), "keep-alive");
  }
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), 1);
}

TEST_F(ServerTest, SaysCloseToWhomWantsIt) {
  start(kStore);
  HttpClient client(port());
  for (const char* request : {"POST /webhook HTTP/1.1\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
                              "POST /webhook HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                              "POST /webhook HTTP/1.0\r\nContent-Length: 0\r\n\r\n"}) {
    const auto response = client.raw(request);
    ASSERT_TRUE(response) << request;
    EXPECT_EQ(response->headers.at("connection"), "close") << request;
  }
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), 3);
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
  start([](const Request&, Reply reply) { reply.answer(Outcome::kMethod); });
  HttpClient client(port());
  for (int i = 0; i < 3; ++i) {  // a body would be read as the beginning of the next response
    const auto response = client.request("HEAD", "/webhook");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 405);
    EXPECT_EQ(response->headers.at("allow"), "POST");
    EXPECT_EQ(response->body, "");
  }
}

TEST_F(ServerTest, NamesNoMethodButPostGetAndHead) {
  std::promise<std::string> method;
  start([&](const Request& request, Reply reply) {
    method.set_value(std::string(request.method));
    reply.answer(Outcome::kMethod);
  });
  HttpClient client(port());
  EXPECT_EQ(client.request("DELETE", "/webhook")->status, 405);
  EXPECT_EQ(method.get_future().get(), "");
}

TEST_F(ServerTest, AnswersFromAnotherThreadLater) {
  std::vector<std::jthread> threads;
  start([&](const Request& request, Reply reply) {
    threads.emplace_back([id = request.request_id, reply = std::move(reply)]() mutable { reply.answer(Outcome::kStored, id, id); });
  });
  HttpClient client(port());
  for (int i = 0; i < 50; ++i) {
    const std::string id = "r" + std::to_string(i);
    const auto response = client.request("POST", "/webhook", {{"X-Request-Id", id}}, "x");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->headers.at("x-request-id"), id);
  }
}

TEST_F(ServerTest, Answers500WithAFixedBodyWhenHandlingThrowsAndGoesOn) {
  start([](const Request& request, Reply reply) {
    if (request.body == "exception") throw std::runtime_error("secret text");
    if (request.body == "number") throw 42;
    if (request.body == "forgotten") return;
    reply.answer(Outcome::kStored);
  });
  HttpClient client(port());
  for (const char* body : {"exception", "number", "forgotten"}) {
    const auto response = client.post("/webhook", "t", body);
    ASSERT_TRUE(response) << body;
    EXPECT_EQ(response->status, 500) << body;
    EXPECT_EQ(response->body, R"({"error":"internal error"})") << body;
    EXPECT_EQ(client.post("/webhook", "t", "good")->status, 200) << "after " << body;
  }
  EXPECT_EQ(outcome("failed"), 3);
  EXPECT_EQ(sample("hookfleet_ingress_in_flight"), 0);
  EXPECT_THAT(lines_.all(), ElementsAre(AllOf(HasSubstr("delivery.failed"), HasSubstr("secret text")), HasSubstr("delivery.failed")));
}

TEST_F(ServerTest, TakesBodiesUpToItsLimitWhateverTheHeaders) {
  std::atomic<std::size_t> size{0};
  start(
      [&](const Request& request, Reply reply) {
        size = request.body.size();
        reply.answer(Outcome::kStored);
      },
      {.listen = {}, .body_max = 256 << 10});
  HttpClient client(port());
  const support::Headers large(6, {"X-Large", std::string(8000, 'h')});
  for (const std::size_t bytes : {std::size_t{256 << 10}, std::size_t{(256 << 10) + 1}, std::size_t{1}}) {
    const auto response = client.request("POST", "/webhook", large, std::string(bytes, 'b'));
    ASSERT_TRUE(response) << bytes;
    EXPECT_EQ(response->status, 200) << "what is above the limit is for the handler to refuse, never for the library";
    EXPECT_EQ(size, bytes);
  }
}

TEST_F(ServerTest, CountsAnAnswerWhosePeerIsGone) {
  Held held;
  start([&](const Request& request, Reply reply) {
    if (request.body == "hold") return held.hold(std::move(reply));
    reply.answer(Outcome::kStored);
  });
  {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string request = "POST /webhook HTTP/1.1\r\nContent-Length: 4\r\n\r\nhold";
    ASSERT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    ASSERT_TRUE(wait_until(kSoon, [&] { return held.count() == 1; }));
    EXPECT_EQ(sample("hookfleet_ingress_in_flight"), 1);
    ::close(fd);
  }
  HttpClient client(port());  // when it is answered, the event thread has seen the end of the other
  for (int i = 0; i < 3; ++i) ASSERT_EQ(client.post("/webhook", "t", "x")->status, 200);
  EXPECT_EQ(sample("hookfleet_ingress_answers_dropped_total"), 0);
  held.take().front()->answer(Outcome::kStored);
  EXPECT_EQ(sample("hookfleet_ingress_answers_dropped_total"), 1);
  EXPECT_EQ(sample("hookfleet_ingress_in_flight"), 0);
  EXPECT_EQ(client.post("/webhook", "t", "x")->status, 200);
}

TEST_F(ServerTest, DrainsByRefusingTheNewAndWaitingForThoseInside) {
  Held held;
  start([&](const Request&, Reply reply) { held.hold(std::move(reply)); });
  constexpr std::size_t kInside = 8;
  std::vector<std::future<std::optional<support::Response>>> inside;
  for (std::size_t i = 0; i < kInside; ++i) {
    inside.push_back(std::async(std::launch::async, [port = port()] { return HttpClient(port).post("/webhook", "t", "x"); }));
  }
  HttpClient late(port());
  ASSERT_TRUE(late.get("/livez"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return held.count() == kInside; }));

  ready_ = false;
  auto drained = std::async(std::launch::async, [&] { return server_->drain(30s); });
  std::optional<support::Response> refused;
  const auto probe = [&] {
    // Until the gate is closed a request is held, too: hence one that is asked again only after an answer.
    refused = HttpClient(port(), 200ms).post("/webhook", "t", "late");
    return refused.has_value();
  };
  ASSERT_TRUE(wait_until(kSoon, probe));
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers.at("retry-after"), "1");
  EXPECT_EQ(refused->headers.at("connection"), "close");
  EXPECT_EQ(HttpClient(port()).get("/healthz")->status, 503);
  EXPECT_EQ(drained.wait_for(0s), std::future_status::timeout) << "it waits for those inside";

  for (auto& reply : held.take()) reply->answer(Outcome::kStored);
  for (auto& response : inside) {
    const auto answer = response.get();
    ASSERT_TRUE(answer) << "nobody who was inside is cut off";
    EXPECT_EQ(answer->status, 200);
  }
  EXPECT_EQ(drained.get(), Server::Drained::kAll);
  EXPECT_GE(outcome("draining"), 1);
  EXPECT_FALSE(HttpClient(port(), 1s).get("/livez")) << "the port is closed";
}

TEST_F(ServerTest, FlushesTheLastAnswersBeforeItClosesThePort) {
  for (int round = 0; round < 20; ++round) {
    Held held;
    start([&](const Request&, Reply reply) { held.hold(std::move(reply)); });
    std::vector<std::future<std::optional<support::Response>>> inside;
    for (int i = 0; i < 4; ++i) {
      inside.push_back(std::async(std::launch::async, [port = port()] { return HttpClient(port).post("/webhook", "t", "x"); }));
    }
    ASSERT_TRUE(wait_until(kSoon, [&] { return held.count() == inside.size(); }));
    std::jthread answerer([&] {
      for (auto& reply : held.take()) reply->answer(Outcome::kStored);
    });
    EXPECT_EQ(server_->drain(30s), Server::Drained::kAll);
    for (auto& response : inside) EXPECT_TRUE(response.get().has_value()) << "round " << round;
    answerer.join();
    server_.reset();
  }
}

TEST_F(ServerTest, GivesUpADrainAtItsTimeoutAndLateRepliesGoNowhere) {
  Held held;
  start([&](const Request&, Reply reply) { held.hold(std::move(reply)); });
  auto cut_off = std::async(std::launch::async, [port = port()] { return HttpClient(port, 1s).post("/webhook", "t", "x"); });
  ASSERT_TRUE(wait_until(kSoon, [&] { return held.count() == 1; }));
  EXPECT_EQ(server_->drain(50ms), Server::Drained::kCutOff);
  server_.reset();
  for (auto& reply : held.take()) reply->answer(Outcome::kStored);
  EXPECT_FALSE(cut_off.get());
  EXPECT_EQ(sample("hookfleet_ingress_in_flight"), 0);
}

TEST_F(ServerTest, AnswersHealthWithoutDetails) {
  start(kStore);
  HttpClient client(port());
  EXPECT_EQ(client.get("/healthz")->body, R"({"status":"ok"})");
  ready_ = false;
  EXPECT_EQ(client.get("/healthz")->status, 503);
  EXPECT_EQ(client.get("/healthz")->body, R"({"status":"unready"})");
  EXPECT_EQ(client.get("/livez")->status, 200);
  EXPECT_EQ(client.request("HEAD", "/healthz")->status, 503);
  EXPECT_EQ(client.post("/healthz", "t", "x")->status, 405);
  EXPECT_EQ(client.post("/healthz", "t", "x")->headers.at("allow"), "GET, HEAD");
}

TEST_F(ServerTest, ProbesItselfOnNewConnectionsThatAreNoTraffic) {
  start(kStore);
  ASSERT_TRUE(wait_until(kSoon, [&] { return beats_ >= 2; }));
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), 0);
  EXPECT_EQ(sample("hookfleet_ingress_probe_failures_total"), 0);
  for (const Answer& row : kAnswers) EXPECT_EQ(outcome(std::string(row.label)), 0) << row.label;
}

TEST_F(ServerTest, ReportsAnEventThreadThatStands) {
  std::promise<void> go_on;
  start([&, may = go_on.get_future().share()](const Request&, Reply reply) {
    may.wait();
    reply.answer(Outcome::kStored);
  });
  ASSERT_TRUE(wait_until(kSoon, [&] { return beats_ >= 1; }));
  auto stuck = std::async(std::launch::async, [port = port()] { return HttpClient(port).post("/webhook", "t", "x"); });
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample("hookfleet_ingress_probe_failures_total") >= 1; }));
  EXPECT_THAT(lines_.all(), testing::Contains(HasSubstr("probe.failed")));
  const int before = beats_;
  go_on.set_value();
  EXPECT_EQ(stuck.get()->status, 200);
  EXPECT_TRUE(wait_until(kSoon, [&] { return beats_ > before; }));
}

// Found by a hostile sender: an answer that waits in the library's queue goes to whoever gets the descriptor next.
TEST_F(ServerTest, WhatIsDecidedAtOnceIsWrittenBeforeTheRequestIsLeft) {
  std::promise<void> answered;
  std::atomic<bool> in_time{false};
  start([&](const Request&, Reply reply) {
    reply.answer(Outcome::kUnauthorized);
    in_time = answered.get_future().wait_for(10s) == std::future_status::ready;
  });
  EXPECT_EQ(HttpClient(port()).post("/webhook", "t", "x")->status, 401);
  answered.set_value();
  EXPECT_TRUE(wait_until(kSoon, [&] { return in_time.load(); }));
}

TEST_F(ServerTest, ListensOnIpv6AndTakesIpv4There) {
  listen_ = "[::]:0";
  std::promise<std::string> peer;
  start([&](const Request& request, Reply reply) {
    peer.set_value(request.peer);
    reply.answer(Outcome::kStored);
  });
  ASSERT_EQ(HttpClient(port()).post("/webhook", "t", "x")->status, 200);
  EXPECT_EQ(accept::Address::parse(peer.get_future().get()), accept::Address::parse("127.0.0.1"));
  EXPECT_TRUE(wait_until(kSoon, [&] { return beats_ >= 1; }));
}

TEST_F(ServerTest, SaysWhatIsWrongWithItsAddress) {
  start(kStore);
  for (const auto& [listen, why] : std::vector<std::pair<std::string, std::string>>{
           {"127.0.0.1:" + std::to_string(port()), "in use"}, {"nonsense", "not an address"}, {"203.0.113.1:0", "assign"}}) {
    Server::Hooks hooks;
    const auto second = Server::start({.listen = listen, .body_max = 1000}, hooks, metrics_, lines_.logger());
    ASSERT_FALSE(second) << listen;
    EXPECT_THAT(second.error(), AllOf(HasSubstr("server.listen"), HasSubstr(listen), HasSubstr(why)));
  }
}

// Whoever waits less answers or closes first, and that must never be the library: it knows nothing of what waits, and a connection that it
// closes may carry nginx's next request.
TEST(Timeouts, OfNginxEndBeforeThoseOfTheLibrary) {
  const std::string nginx = support::read_file(std::string(HOOKFLEET_SOURCE_DIR) + "/nginx/nginx.conf.in");
  const auto seconds = [&](const std::string& from, const std::string& directive) {
    const auto at = nginx.find(" " + directive + " ", nginx.find(from));
    if (at == std::string::npos) throw std::runtime_error("no " + directive);
    return std::chrono::seconds(std::stoi(nginx.substr(at + directive.size() + 2)));
  };
  constexpr auto kLongestDeadline = 22s;  // append.deadline's range
  EXPECT_LT(kLongestDeadline, seconds("http {", "proxy_read_timeout"));
  EXPECT_LT(seconds("http {", "proxy_read_timeout"), kRequestTimeout);
  EXPECT_LT(seconds("upstream ingress {", "keepalive_timeout") + kLongestDeadline, kKeepaliveTimeout);
}

// --- deliveries, with an appender and Redis ---------------------------------------------------------------------------------------------

class WebhookTest : public ServerTest {
 protected:
  /// Starts everything and waits until Redis takes appends.
  void run(append::Options append = {}) {
    append::Events events;
    events.state = [this](const append::State& state) { writable_ = state.writable; };
    appender_ = std::make_unique<append::Appender>(redis_.endpoint(), layout_, append, append_metrics_, lines_.logger(log::Level::kError),
                                                   kClock, events);
    webhook_ =
        std::make_unique<Webhook>(Webhook::Limits{.body_max = body_max_, .deadline = append.deadline},
                                  std::make_shared<const accept::Acceptor>(accept_), *appender_, metrics_, clock_, lines_.logger(), told_);
    start([this](const Request& request, Reply reply) { webhook_->receive(request, std::move(reply)); },
          {.listen = {}, .body_max = body_max_});
    ASSERT_TRUE(wait_until(kSoon, [this] { return writable_.load(); }));
  }
  ~WebhookTest() override {
    if (appender_) appender_->stop();
    server_.reset();
  }
  std::vector<stream::Entry> stored() {
    std::vector<stream::Entry> entries;
    for (unsigned p = 0; p < layout_.partitions; ++p) {
      const auto reply = redis_.call({"XRANGE", keys_.stream(p), "-", "+"});
      for (std::size_t i = 0; i < reply.view().size(); ++i) {
        const auto entry = stream::decode(reply.view()[i][1]);
        EXPECT_TRUE(entry) << entry.error();
        if (entry) entries.push_back(*entry);
      }
    }
    return entries;
  }
  std::multiset<std::string> stored_bodies() {
    std::multiset<std::string> bodies;
    for (auto& entry : stored()) bodies.insert(std::move(entry.body));
    return bodies;
  }

  std::size_t body_max_ = 4UL << 20;
  accept::Options accept_ = [] {
    accept::Options options;
    options.tokens.emplace_back("token-1");
    options.instances.resize(1);
    options.instances[0].id = 22;
    options.instances[0].tokens.emplace_back("token-22");
    return options;
  }();
  const stream::Layout layout_{};
  const stream::Keys keys_{layout_};
  support::RedisServer redis_;
  const append::Metrics append_metrics_{registry_, layout_.partitions};
  std::atomic<bool> writable_{false};
  BrokenClock clock_;
  support::Told told_;
  std::unique_ptr<append::Appender> appender_;
  std::unique_ptr<Webhook> webhook_;
};

// --- the answer policy, row by row ------------------------------------------------------------------------------------------------------

/// Each row of kAnswers as a sender, a scraper and the operator see it.
class AnswerTest : public WebhookTest, public testing::WithParamInterface<Answer> {
 protected:
  std::optional<support::Response> ask(const std::string& method, const std::string& path, const std::string& token,
                                       const std::string& body, const support::Headers& more = {}) {
    support::Headers headers{{"Authorization", token}, {"X-Forwarded-For", kListed}, {"X-Request-Id", kName}};
    for (const auto& [name, value] : more) {
      std::erase_if(headers, [&name = name](const auto& header) { return header.first == name; });
      headers.emplace_back(name, value);
    }
    return HttpClient(port()).request(method, path, headers, body);
  }
  std::optional<support::Response> ask(const std::string& token = "token-1") { return ask("POST", "/webhook", token, "{}"); }

  /// Brings a server into the row's situation and asks.
  std::optional<support::Response> provoke(Outcome outcome) {
    append::Options append;
    if (outcome == Outcome::kUnavailable || outcome == Outcome::kUnknown) append.deadline = 1s;
    accept_.addresses = {kListed};
    accept_.trusted_proxies = {"127.0.0.1"};
    if (outcome == Outcome::kForbiddenAddress) accept_.allowlist = accept::AllowlistMode::kEnforce;
    if (outcome == Outcome::kOverloaded) append.queue_max = 1;
    run(append);
    switch (outcome) {
      case Outcome::kStored: return ask();
      case Outcome::kOverloaded: {
        redis_.freeze();
        first_ = std::async(std::launch::async, [this] { return ask(); });
        EXPECT_TRUE(wait_until(kSoon, [&] { return sample("hookfleet_ingress_in_flight") == 1; }));
        return ask();
      }
      case Outcome::kUnavailable: redis_.kill(); return ask();
      case Outcome::kUnknown: redis_.freeze(); return ask();  // sent, and no reply
      case Outcome::kDraining: {
        redis_.freeze();
        first_ = std::async(std::launch::async, [this] { return ask(); });
        EXPECT_TRUE(wait_until(kSoon, [&] { return sample("hookfleet_ingress_in_flight") == 1; }));
        drained_ = std::async(std::launch::async, [this] { return server_->drain(25s); });
        std::optional<support::Response> response;
        EXPECT_TRUE(wait_until(kSoon, [&] {
          response = HttpClient(port(), 10s).request("POST", "/other", {{"X-Request-Id", kName}});  // 404 until the gate is closed
          return response && response->status == 503;
        }));
        return response;
      }
      case Outcome::kUnauthorized: return ask("wrong");
      case Outcome::kForbiddenAddress: return ask("POST", "/webhook", "token-1", "{}", {{"X-Forwarded-For", "203.0.113.9"}});
      case Outcome::kForbiddenInstance: return ask("POST", "/webhook", "token-1", R"({"instanceData":{"idInstance":22}})");
      case Outcome::kNotFound: return ask("POST", "/other", "token-1", "{}");
      case Outcome::kMethod: return ask("PUT", "/webhook", "token-1", "{}");
      case Outcome::kTooLarge: return ask("POST", "/webhook", "token-1", "", {{"X-Hookfleet-Refused", "413"}});  // as nginx asks
      case Outcome::kContinue: return ask("HEAD", "/webhook", "token-1", "", {{"X-Hookfleet-Refused", "100"}});  // as nginx asks
      case Outcome::kFailed: clock_.broken = true; return ask();
    }
    return std::nullopt;
  }
  std::vector<alert::Kind> told() const {
    std::vector<alert::Kind> kinds;
    for (const auto& alert : told_.alerts()) kinds.push_back(alert.kind);
    return kinds;
  }

  static constexpr char kListed[] = "198.51.100.7", kName[] = "name-of-the-request";
  std::future<std::optional<support::Response>> first_;
  std::future<Server::Drained> drained_;
};

TEST_P(AnswerTest, IsSeenByTheSenderCountedAndTold) {
  const Answer& row = GetParam();
  const auto response = provoke(row.outcome);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, row.status);
  const auto id = row.outcome == Outcome::kStored ? nlohmann::json::parse(response->body).at("id").get<std::string>() : std::string();
  EXPECT_EQ(response->body, body_of(row.outcome, id));
  if (row.header.empty()) {
    for (const char* header : {"retry-after", "www-authenticate", "allow"}) EXPECT_EQ(response->headers.count(header), 0U) << header;
  } else {
    EXPECT_EQ(response->headers.at(base::lower(row.header)), row.value);
  }
  EXPECT_EQ(response->headers.at("content-type"), "application/json");
  if (row.outcome != Outcome::kFailed && row.outcome != Outcome::kContinue) {  // the latter is nginx's own to see
    EXPECT_EQ(response->headers.at("x-request-id"), kName);
  }
  for (const Answer& other : kAnswers) {
    if (other.outcome == Outcome::kNotFound && row.outcome == Outcome::kDraining) continue;  // asked before
    EXPECT_EQ(outcome(std::string(other.label)), other.outcome == row.outcome ? 1 : 0) << other.label;
  }
  std::vector<alert::Kind> expected;
  if (row.outcome == Outcome::kForbiddenAddress) expected.push_back(alert::Kind::kUnlistedAddress);
  switch (row.told) {
    case Told::kNo: break;
    case Told::kRightToken: expected.push_back(alert::Kind::kDeliveryRefused); break;
    case Told::kListedAddress: expected.push_back(alert::Kind::kTokenRefused); break;
  }
  EXPECT_EQ(told(), expected);
  if (row.told == Told::kRightToken && !told().empty()) {
    EXPECT_THAT(told_.alerts().back().text, AllOf(HasSubstr(std::to_string(row.status)), HasSubstr(std::string(row.label))));
  }
  if (first_.valid()) {
    redis_.thaw();
    EXPECT_TRUE(first_.get());
  }
  if (drained_.valid()) {
    EXPECT_EQ(drained_.get(), Server::Drained::kAll);
  }
}

INSTANTIATE_TEST_SUITE_P(Policy, AnswerTest, testing::ValuesIn(kAnswers), [](const auto& row) { return std::string(row.param.label); });

TEST_F(WebhookTest, TellsTheOperatorWhatTheSenderWillRepeat) {
  run();
  HttpClient client(port());
  EXPECT_EQ(client.post("/webhook/22", "token-1", "{}")->status, 403);
  EXPECT_EQ(client.post("/other", "token-1", "{}")->status, 404);
  EXPECT_EQ(client.post("/webhook", "token-1", std::string(body_max_ + 1, 'x'))->status, 413);
  const auto refused = told_.of(alert::Kind::kDeliveryRefused);
  ASSERT_EQ(refused.size(), 3U);
  EXPECT_EQ(refused[0].id_instance, 22U);
  EXPECT_THAT(refused[0].text, HasSubstr("403"));
  EXPECT_THAT(refused[1].text, HasSubstr("404"));
  EXPECT_THAT(refused[2].text, HasSubstr("413"));
  EXPECT_EQ(told_.alerts().size(), 3U);
}

TEST_F(WebhookTest, TellsTheOperatorOfRefusedTokensOfListedAddressesOnly) {
  accept_.addresses = {"127.0.0.2"};
  accept_.trusted_proxies = {"127.0.0.1"};
  run();
  HttpClient client(port());
  const auto post = [&](const char* token, const char* from) {
    return client.request("POST", "/webhook/22", {{"Authorization", token}, {"X-Forwarded-For", from}}, "{}")->status;
  };
  EXPECT_EQ(post("wrong", "203.0.113.9"), 401);
  EXPECT_EQ(client.post("/other", "wrong", "{}")->status, 404);
  EXPECT_TRUE(told_.alerts().empty()) << "strangers ask for anything";
  EXPECT_EQ(post("wrong", "127.0.0.2"), 401);
  const auto refused = told_.of(alert::Kind::kTokenRefused);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].id_instance, 22U);
  EXPECT_THAT(refused[0].text, HasSubstr("127.0.0.2"));
  EXPECT_EQ(post("token-22", "127.0.0.2"), 200);
  EXPECT_EQ(told_.alerts().size(), 1U);
  EXPECT_EQ(client.post("/webhook/22", "token-22", "{}")->status, 200);
  EXPECT_EQ(told_.alerts().size(), 1U) << "who tries it on the machine itself is no stranger";
  EXPECT_EQ(post("token-22", "203.0.113.9"), 200);
  const auto unlisted = told_.of(alert::Kind::kUnlistedAddress);
  ASSERT_EQ(unlisted.size(), 1U);
  EXPECT_THAT(unlisted[0].text, HasSubstr("203.0.113.9"));
}

constexpr char kTrace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kBody[] =
    R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101},"senderData":{"chatId":"79:3@c.us"}})";

TEST_F(WebhookTest, StoresADeliveryWithAllItsFieldsBefore200) {
  run();
  const std::int64_t before = base::unix_ms(kClock.wall());
  HttpClient client(port());
  const auto response =
      client.request("POST", "/webhook", {{"Authorization", "Bearer token-1"}, {"X-Request-Id", "req-1"}, {"traceparent", kTrace}}, kBody);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.at("x-request-id"), "req-1");
  const auto answer = nlohmann::json::parse(response->body);
  EXPECT_EQ(answer.at("status"), "stored");
  const auto entries = stored();
  ASSERT_EQ(entries.size(), 1U);
  const stream::Entry& entry = entries[0];
  EXPECT_EQ(answer.at("id"), entry.id);
  EXPECT_TRUE(base::is_uuid(entry.id));
  EXPECT_EQ(entry.id_instance, 1101U);
  EXPECT_EQ(entry.chat, "79@c.us");
  EXPECT_EQ(entry.type_webhook, "incomingMessageReceived");
  EXPECT_GE(entry.received_ms, before);
  EXPECT_LE(entry.received_ms, base::unix_ms(kClock.wall()));
  EXPECT_EQ(entry.source, stream::Source::kWebhook);
  EXPECT_EQ(entry.trace, kTrace);
  EXPECT_EQ(entry.body, kBody);
  EXPECT_EQ(sample("hookfleet_ingress_notifications_total{typeWebhook=\"incomingMessageReceived\"}"), 1);
  EXPECT_TRUE(wait_until(kSoon, [&] { return sample("hookfleet_ingress_ack_seconds_count") == 1; })) << "observed once the answer is out";
  EXPECT_EQ(sample("hookfleet_ingress_token_matches_total{index=\"0\"}"), 1);
}

TEST_F(WebhookTest, TracesByRequestIdElseByItsOwnId) {
  run();
  HttpClient client(port());
  const auto named =
      client.request("POST", "/webhook", {{"Authorization", "token-1"}, {"X-Request-Id", "req-1"}, {"traceparent", "x"}}, "1");
  EXPECT_EQ(named->headers.at("x-request-id"), "req-1");
  const auto unnamed = client.request("POST", "/webhook", {{"Authorization", "token-1"}, {"X-Request-Id", "not fit"}}, "2");
  for (const auto& entry : stored()) EXPECT_EQ(entry.trace, entry.body == "1" ? "req-1" : entry.id);
  EXPECT_EQ(unnamed->headers.at("x-request-id"), nlohmann::json::parse(unnamed->body).at("id"));
  const auto refused = client.request("POST", "/webhook", {}, "3");
  EXPECT_EQ(refused->status, 401);
  EXPECT_TRUE(base::is_uuid(refused->headers.at("x-request-id")));
}

TEST_F(WebhookTest, KeepsEveryAuthenticBodyByteForByte) {
  run();
  HttpClient client(port());
  std::string deep(100'000, '[');
  std::string big = R"({"typeWebhook":"incomingCall","x":")" + std::string(1 << 20, 'b') + "\"}";
  const std::vector<std::string> bodies{"",
                                        "not json",
                                        "{",
                                        std::string("{\"typeWebhook\":\"a\0b\"}", 21),
                                        std::string("\0\xff\xfe\r\n", 5),
                                        deep,
                                        R"({"typeWebhook":"incomingCall","typeWebhook":"incomingBlock"})",
                                        "[1,2,3]",
                                        R"({"typeWebhook":"brandNew"})",
                                        big,
                                        std::string(body_max_, 'x')};
  for (const auto& body : bodies) {
    const auto response = client.post("/webhook", "token-1", body);
    ASSERT_TRUE(response) << body.substr(0, 40);
    EXPECT_EQ(response->status, 200) << body.substr(0, 40);
  }
  EXPECT_EQ(stored_bodies(), std::multiset<std::string>(bodies.begin(), bodies.end()));
  EXPECT_EQ(sample("hookfleet_ingress_malformed_total"), 9) << "all but the new type and the big one";
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), 1);
}

TEST_F(WebhookTest, RefusesWhatIsNotAuthenticOrNotOursAndKeepsNothing) {
  struct Row {
    std::string label, method, path, authorization, body;
    int status;
    std::string outcome;
  };
  const std::vector<Row> rows{
      {"no token", "POST", "/webhook", "", "x", 401, "unauthorized"},
      {"wrong token", "POST", "/webhook", "Bearer token-2", "x", 401, "unauthorized"},
      {"control character", "POST", "/webhook", "Bearer token-1\x01", "x", 401, "unauthorized"},
      {"foreign instance", "POST", "/webhook", "token-1", R"({"instanceData":{"idInstance":22}})", 403, "forbidden_instance"},
      {"instance's token elsewhere", "POST", "/webhook", "token-22", R"({"instanceData":{"idInstance":23}})", 403, "forbidden_instance"},
      {"unknown path", "POST", "/other", "token-1", "x", 404, "not_found"},
      {"unknown path of a GET", "GET", "/metrics", "token-1", "", 404, "not_found"},
      {"method", "GET", "/webhook", "token-1", "", 405, "method"},
      {"other method", "PUT", "/webhook", "token-1", "x", 405, "method"},
  };
  run();
  HttpClient client(port());
  for (const Row& row : rows) {
    const double before = outcome(row.outcome);
    support::Headers headers;
    if (!row.authorization.empty()) headers.emplace_back("Authorization", row.authorization);
    const auto response = client.request(row.method, row.path, headers, row.body);
    ASSERT_TRUE(response) << row.label;
    EXPECT_EQ(response->status, row.status) << row.label;
    EXPECT_TRUE(nlohmann::json::parse(response->body).contains("error")) << row.label;
    EXPECT_EQ(outcome(row.outcome), before + 1) << row.label;
    if (row.status == 401) {
      EXPECT_EQ(response->headers.at("www-authenticate"), "Bearer") << row.label;
    }
    if (row.status == 405) {
      EXPECT_EQ(response->headers.at("allow"), "POST") << row.label;
    }
  }
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), 1) << "none of them costs the connection";
  EXPECT_THAT(lines_.all(), Each(Not(HasSubstr("token-")))) << "no token reaches the log";
}

TEST_F(WebhookTest, RefusesABodyOverTheLimitItselfAndServesTheNextRequestOfThatConnection) {
  body_max_ = 64 << 10;
  run();
  HttpClient client(port());
  for (int i = 0; i < 3; ++i) {
    const auto refused = client.post("/webhook", "token-1", std::string(body_max_ + 1, 'x'));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 413);
    EXPECT_EQ(refused->body, R"({"error":"body too large"})");
    EXPECT_EQ(client.post("/webhook", "token-1", std::string(body_max_, 'x'))->status, 200);
  }
  EXPECT_EQ(stored().size(), 3U);
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), 1);
}

TEST_F(WebhookTest, JudgesTheTokenOfWhatNginxRefusedAsTooLarge) {
  run();
  HttpClient client(port());
  const auto refused = [&](const char* token) {
    return client.request("POST", "/webhook", {{"Authorization", token}, {"X-Hookfleet-Refused", "413"}})->status;
  };
  EXPECT_EQ(refused("token-1"), 413);
  EXPECT_EQ(refused("wrong"), 401);
  EXPECT_EQ(outcome("too_large"), 1);
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(WebhookTest, AnswersNginxsQuestionBeforeALargeBodyAndCountsOnlyRefusalsOfIt) {
  accept_.addresses = {"198.51.100.7"};
  run();
  HttpClient client(port());
  const auto ask = [&](const char* path, const char* token) {
    const auto answer = client.request("HEAD", path, {{"Authorization", token}, {"X-Hookfleet-Refused", "100"}});
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(ask("/webhook", "token-1"), 204);
  EXPECT_EQ(outcome("continue"), 1);
  EXPECT_EQ(sample("hookfleet_ingress_token_matches_total{index=\"0\"}"), 0) << "the delivery itself counts";
  EXPECT_EQ(sample("hookfleet_ingress_unlisted_total"), 0);
  EXPECT_EQ(ask("/webhook", "wrong"), 401);
  EXPECT_EQ(outcome("unauthorized"), 1);
  EXPECT_EQ(ask("/elsewhere", "token-1"), 404);
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_EQ(client.post("/webhook", "token-1", "x")->status, 200);
  EXPECT_EQ(sample("hookfleet_ingress_token_matches_total{index=\"0\"}"), 2) << "the unknown path had a right token, too";
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), 1) << "none of them costs the connection";
}

TEST_F(WebhookTest, FindsTheInstanceInPathOrTokenWhereTheBodyHasNone) {
  run();
  HttpClient client(port());
  EXPECT_EQ(client.post("/webhook/77/", "token-1", "path")->status, 200);
  EXPECT_EQ(client.post("/webhook", "token-22", "token")->status, 200);
  EXPECT_EQ(client.post("/webhook", "token-1", "nothing")->status, 200);
  std::map<std::string, std::uint64_t> instances;
  for (const auto& entry : stored()) instances[entry.body] = entry.id_instance;
  EXPECT_EQ(instances, (std::map<std::string, std::uint64_t>{{"path", 77}, {"token", 22}, {"nothing", 0}}));
}

TEST_F(WebhookTest, CountsAndTellsRightTokensFromUnlistedAddressesInEveryMode) {
  accept_.addresses = {"198.51.100.0/24"};
  run();
  HttpClient client(port());
  const auto from = [&](const char* address, const char* token) {
    return client.request("POST", "/webhook", {{"Authorization", token}, {"X-Forwarded-For", address}}, "x")->status;
  };
  EXPECT_EQ(from("198.51.100.7", "token-1"), 200);
  EXPECT_EQ(from("203.0.113.7", "wrong"), 401);
  EXPECT_EQ(sample("hookfleet_ingress_unlisted_total"), 0);
  double unlisted = 0;
  for (const auto& [mode, status] : std::map<accept::AllowlistMode, int>{
           {accept::AllowlistMode::kOff, 200}, {accept::AllowlistMode::kMonitor, 200}, {accept::AllowlistMode::kEnforce, 403}}) {
    accept_.allowlist = mode;
    webhook_->set_acceptor(std::make_shared<const accept::Acceptor>(accept_));
    EXPECT_EQ(from("203.0.113.7", "token-1"), status);
    EXPECT_EQ(sample("hookfleet_ingress_unlisted_total"), ++unlisted);
    EXPECT_EQ(from("203.0.113.7", "wrong"), mode == accept::AllowlistMode::kEnforce ? 403 : 401);
    EXPECT_EQ(from("203.0.113.7, 198.51.100.7", "token-1"), 200);
    EXPECT_EQ(sample("hookfleet_ingress_unlisted_total"), unlisted);
  }
  EXPECT_EQ(outcome("forbidden_address"), 2);
}

TEST_F(WebhookTest, JudgesByANewAcceptorFromTheNextRequestOn) {
  run();
  HttpClient client(port());
  ASSERT_EQ(client.post("/webhook", "token-1", "x")->status, 200);
  accept_.tokens = {config::Secret("token-2")};
  webhook_->set_acceptor(std::make_shared<const accept::Acceptor>(accept_));
  EXPECT_EQ(client.post("/webhook", "token-1", "x")->status, 401);
  EXPECT_EQ(client.post("/webhook", "token-2", "x")->status, 200);
}

TEST_F(WebhookTest, Answers504AtTheDeadlineWhileRedisIsGoneAnd200WhenItIsBack) {
  append::Options append;
  append.deadline = 500ms;
  run(append);
  HttpClient client(port());
  redis_.kill();
  const auto before = std::chrono::steady_clock::now();
  const auto response = client.post("/webhook", "token-1", "lost");
  const auto took = std::chrono::steady_clock::now() - before;
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 504);
  EXPECT_GE(took, 450ms);
  EXPECT_LT(took, 5s);
  EXPECT_EQ(response->headers.count("retry-after"), 0U) << "nginx must not try it elsewhere";
  redis_.start();
  EXPECT_TRUE(wait_until(kSoon, [&] { return client.post("/webhook", "token-1", "kept")->status == 200; }));
  EXPECT_EQ(stored_bodies().count("kept"), 1U);
  EXPECT_EQ(stored_bodies().count("lost"), 0U);
}

TEST_F(WebhookTest, ASlowRedisCostsLatencyNotTheDelivery) {
  run();
  redis_.freeze();
  auto slow = std::async(std::launch::async, [port = port()] { return HttpClient(port).post("/webhook", "token-1", "x"); });
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample("hookfleet_ingress_in_flight") == 1; }));
  EXPECT_EQ(HttpClient(port()).get("/livez")->status, 200) << "the event thread doesn't wait for Redis";
  redis_.thaw();
  EXPECT_EQ(slow.get()->status, 200);
  EXPECT_EQ(stored().size(), 1U);
}

TEST_F(WebhookTest, Answers503WhenTheQueueIsFull) {
  append::Options append;
  append.queue_max = 1;
  run(append);
  redis_.freeze();
  auto first = std::async(std::launch::async, [port = port()] { return HttpClient(port).post("/webhook", "token-1", "first"); });
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample("hookfleet_ingress_in_flight") == 1; }));
  const auto second = HttpClient(port()).post("/webhook", "token-1", "second");
  EXPECT_EQ(second->status, 503);
  EXPECT_EQ(second->headers.at("retry-after"), "1");
  EXPECT_EQ(outcome("overloaded"), 1);
  redis_.thaw();
  EXPECT_EQ(first.get()->status, 200);
  EXPECT_THAT(stored_bodies(), ElementsAre("first"));
}

TEST_F(WebhookTest, ADrainAnswersWhatIsWithTheAppender) {
  run();
  redis_.freeze();
  constexpr int kInside = 16;
  std::vector<std::future<std::optional<support::Response>>> inside;
  for (int i = 0; i < kInside; ++i) {
    inside.push_back(
        std::async(std::launch::async, [port = port(), i] { return HttpClient(port).post("/webhook", "token-1", std::to_string(i)); }));
  }
  ASSERT_TRUE(wait_until(kSoon, [&] { return sample("hookfleet_ingress_in_flight") == kInside; }));
  auto drained = std::async(std::launch::async, [&] { return server_->drain(25s); });
  EXPECT_EQ(drained.wait_for(50ms), std::future_status::timeout);
  redis_.thaw();
  for (auto& response : inside) EXPECT_EQ(response.get()->status, 200);
  EXPECT_EQ(drained.get(), Server::Drained::kAll);
  EXPECT_EQ(stored().size(), static_cast<std::size_t>(kInside));
}

TEST_F(WebhookTest, ManySendersGetTheirOwnAnswers) {
  run();
  constexpr int kSenders = 16;
  constexpr int kEach = 50;
  std::vector<std::future<std::set<std::string>>> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.push_back(std::async(std::launch::async, [port = port(), s] {
      std::set<std::string> ids;
      HttpClient client(port);
      for (int i = 0; i < kEach; ++i) {
        const std::string name = std::to_string(s) + "." + std::to_string(i);
        const auto response = client.request("POST", "/webhook", {{"Authorization", "token-1"}, {"X-Request-Id", name}}, name);
        if (response && response->status == 200 && response->headers.at("x-request-id") == name) {
          ids.insert(name + " " + nlohmann::json::parse(response->body).at("id").get<std::string>());
        }
      }
      return ids;
    }));
  }
  std::set<std::string> acknowledged, kept;
  for (auto& sender : senders) acknowledged.merge(sender.get());
  for (const auto& entry : stored()) kept.insert(entry.body + " " + entry.id);
  EXPECT_EQ(acknowledged.size(), static_cast<std::size_t>(kSenders * kEach));
  EXPECT_EQ(acknowledged, kept);
  EXPECT_EQ(sample("hookfleet_ingress_connections_total"), kSenders);
}

}  // namespace
}  // namespace hookfleet::http
