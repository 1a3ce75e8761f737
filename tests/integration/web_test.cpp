#include "common/web/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>

#include "cli/simulate/http_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::web {
namespace {

using namespace std::chrono_literals;
using simulate::HttpServer;
using Reply = HttpServer::Reply;
using testing::Contains;
using testing::Pair;

Request post(const std::string& url, std::string body = "{}") {
  Request request;
  request.url = url;
  request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

Result ask(Client& client, Request request) {
  std::promise<Result> promise;
  client.send(std::move(request), [&](Result result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

// As a failed test should print it.
std::string error_of(const Result& result) { return result ? "none" : std::string(to_text(result.error().kind)); }

TEST(Client, SendsBodyAndHeadersAndReadsTheAnswer) {
  HttpServer server([](const auto&) {
    Reply reply = Reply::of(201, {{"X-Answer", "yes"}});
    reply.body = "thanks";
    return reply;
  });
  Client client;
  Request request = post(server.url("/in?x=1"), std::string("a\0b", 3));
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  const Result result = ask(client, request);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, 201);
  EXPECT_EQ(result->header("x-answer"), "yes");
  EXPECT_EQ(result->body, "thanks");
  EXPECT_FALSE(result->cut);
  const auto received = server.requests().at(0);
  EXPECT_EQ(received.method, "POST");
  EXPECT_EQ(received.target, "/in?x=1");
  EXPECT_EQ(received.body, std::string("a\0b", 3));
  EXPECT_THAT(received.headers, Contains(Pair("content-type", "application/json")));
  EXPECT_THAT(received.headers, Contains(Pair("x-empty", "")));
  EXPECT_EQ(received.headers.count("expect"), 0U);
}

TEST(Client, SendsOtherMethods) {
  HttpServer server;
  Client client;
  for (const char* method : {"GET", "DELETE", "PUT", "HEAD"}) {
    Request request;
    request.method = method;
    request.url = server.url();
    ASSERT_TRUE(ask(client, request)) << method;
    EXPECT_EQ(server.requests().back().method, method);
  }
}

TEST(Client, LetsNoValueForgeAHeader) {
  HttpServer server;
  Client client;
  Request request = post(server.url());
  request.headers = {{"X-Type", "a\r\nX-Forged: 1\r\n\r\nGET / HTTP/1.1"}};
  ASSERT_TRUE(ask(client, request));
  EXPECT_EQ(server.count(), 1U);
  EXPECT_EQ(server.requests()[0].headers.count("x-forged"), 0U);
}

TEST(Client, SendsALargeBodyAtOnce) {
  HttpServer server;
  Client client;
  const std::string body(3UL << 20, 'b');
  ASSERT_TRUE(ask(client, post(server.url(), body)));
  EXPECT_EQ(server.requests()[0].body, body);
}

TEST(Client, KeepsManyInFlightAndUsesTheirConnectionsAgain) {
  HttpServer server([](const auto&) {
    Reply reply;
    reply.delay = 20ms;
    return reply;
  });
  Client client;
  constexpr int kAtOnce = 100;
  std::atomic<int> left{0};
  for (int round = 0; round < 3; ++round) {
    left = kAtOnce;
    for (int i = 0; i < kAtOnce; ++i) client.send(post(server.url()), [&](const Result& result) { left -= result ? 1 : 0; });
    ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return left == 0; })) << left;
  }
  EXPECT_EQ(server.count(), 300U);
  EXPECT_GT(server.most_at_once(), 50U);
  EXPECT_LE(server.connections(), 100U);
}

TEST(Client, BoundsLookUpsNotWhatIsInFlight) {
  HttpServer server([](const auto&) {
    Reply reply;
    reply.delay = 200ms;
    return reply;
  });
  Client client({.lookups_max = 1});
  std::atomic<int> answered{0};
  for (int round = 1; round <= 2; ++round) {  // over new connections, then over kept ones
    for (int i = 0; i < 100; ++i) client.send(post(server.url()), [&](const Result& result) { answered += result ? 1 : 0; });
    ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return answered == 100 * round; })) << answered;
  }
  EXPECT_GT(server.most_at_once(), 50U);
}

TEST(Client, AnswersWhatWaitsForALookUp) {
  const auto nowhere = [] {
    Request request = post("http://a-name-that-nobody-has.invalid/");
    request.connect_timeout = 100ms;  // of a name server that is silent
    return request;
  };
  std::atomic<int> ended{0}, cancelled{0};
  {
    Client client({.lookups_max = 2});
    const auto count = [&](const Result& result) {
      EXPECT_FALSE(result);
      if (!result && result.error().kind == ErrorKind::kCancelled) ++cancelled;
      ++ended;
    };
    for (int i = 0; i < 10; ++i) client.send(nowhere(), count);
    EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return ended == 10; })) << ended;
    EXPECT_EQ(cancelled, 0);
    HttpServer server;
    std::vector<Client::Ticket> tickets;
    for (int i = 0; i < 100; ++i) tickets.push_back(client.send(nowhere(), count));
    EXPECT_TRUE(ask(client, post(server.url()))) << "another origin waits for nobody";
    for (int i = 50; i < 100; ++i) client.cancel(tickets[static_cast<std::size_t>(i)]);
    EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return ended >= 60; })) << ended;
  }
  EXPECT_EQ(ended, 110) << "the client's end is one of those that still waited";
}

TEST(Client, MaySendFromACallback) {
  HttpServer server;
  Client client;
  std::promise<void> second;
  client.send(post(server.url()), [&](const Result&) { client.send(post(server.url()), [&](const Result&) { second.set_value(); }); });
  second.get_future().get();
  EXPECT_EQ(server.count(), 2U);
}

TEST(Client, AnswersErrorsAsTheyAre) {
  HttpServer server([](const auto&) { return Reply::of(500); });
  Client client;
  EXPECT_EQ(ask(client, post(server.url()))->status, 500);
}

TEST(Client, FollowsNoRedirect) {
  HttpServer other;
  HttpServer server([&](const auto&) { return Reply::of(307, {{"Location", other.url("/")}}); });
  Client client;
  const Result result = ask(client, post(server.url()));
  EXPECT_EQ(result->status, 307);
  EXPECT_EQ(other.count(), 0U);
}

TEST(Client, ReadsNoMoreOfAnAnswerThanIsWanted) {
  HttpServer server([](const auto&) {
    Reply reply;
    reply.padding = 100UL << 20;
    return reply;
  });
  Client client;
  Request request = post(server.url());
  request.answer_bytes_max = 1000;
  const Result result = ask(client, request);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_TRUE(result->cut);
  EXPECT_EQ(result->body, std::string(1000, 'x'));
  EXPECT_LT(server.bytes_sent(), 20UL << 20);  // what lies in the sockets' buffers
  server.answer([](const auto&) { return Reply{}; });
  EXPECT_TRUE(ask(client, post(server.url()))) << "and goes on";
}

// Of 1 MiB each, two at a time.
TEST(Client, HoldsNoMoreAnswersThanItMay) {
  constexpr std::size_t kBody = 1UL << 20;
  HttpServer server([](const auto&) {
    Reply reply;
    reply.body = std::string(kBody, 'a');
    return reply;
  });
  Client client({.held_bytes_max = 2 * kBody + 1});
  std::atomic<std::size_t> come = 0;
  std::atomic<bool> whole = true;
  constexpr std::size_t kRequests = 20;
  Request request = post(server.url());
  request.held = true;
  request.answer_bytes_max = 2 * kBody;
  const auto count = [&](Result result) {
    if (!result || result->body.size() != kBody || result->held != kBody) whole = false;
    ++come;
  };
  for (std::size_t i = 0; i < kRequests; ++i) client.send(request, count);
  for (std::size_t i = 2; i < kRequests; ++i) {
    ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return come == i && client.answers_waiting() == kRequests - i; }))
        << i << ' ' << come;
    EXPECT_EQ(client.held_bytes(), 2 * kBody);
    client.give_back(kBody);
  }
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return come == kRequests; }));
  EXPECT_TRUE(whole);
  EXPECT_EQ(client.answers_waiting(), 0U);
  // What isn't held isn't bounded.
  Request other = post(server.url());
  other.answer_bytes_max = 2 * kBody;
  const Result result = ask(client, other);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->held, 0U);
  client.give_back(2 * kBody);
  EXPECT_EQ(client.held_bytes(), 0U);
}

TEST(Client, HoldsWhatIsLargerThanAllOnlyAlone) {
  HttpServer server([](const auto& request) {
    Reply reply;
    reply.body = std::string(request.target == "/large" ? 300'000 : 10, 'a');
    return reply;
  });
  Client client({.held_bytes_max = 1000});
  Request large = post(server.url("/large")), small = post(server.url("/small"));
  large.held = small.held = true;
  large.answer_bytes_max = 1UL << 20;
  const Result first = ask(client, small);
  ASSERT_TRUE(first);
  EXPECT_EQ(client.held_bytes(), 10U);
  std::atomic<std::size_t> bytes = 0;
  client.send(large, [&](Result result) { bytes = result ? result->body.size() : 1; });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return client.answers_waiting() == 1; }));
  EXPECT_EQ(bytes, 0U);
  client.give_back(first->held);
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return bytes == 300'000; })) << bytes;
}

TEST(Client, TellsWhatFoundNoRoomInTimeAndForgetsWhatIsCancelled) {
  HttpServer server([](const auto&) {
    Reply reply;
    reply.body = "answer";
    return reply;
  });
  Client client({.held_bytes_max = 8});
  Request request = post(server.url());
  request.held = true;
  const Result first = ask(client, request);
  ASSERT_TRUE(first);
  std::promise<Result> cancelled;
  const auto ticket = client.send(request, [&](Result result) { cancelled.set_value(std::move(result)); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return client.answers_waiting() == 1; }));
  request.timeout = 300ms;
  EXPECT_EQ(error_of(ask(client, request)), "no_room");
  client.cancel(ticket);
  EXPECT_EQ(error_of(cancelled.get_future().get()), "cancelled");
  EXPECT_EQ(client.answers_waiting(), 0U);
  client.give_back(first->held);
  EXPECT_TRUE(ask(client, request));
}

TEST(Client, ReadsNoEndlessHeaders) {
  HttpServer server([](const auto&) {
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 2000; ++i) head += "X-Header: " + std::string(100, 'h') + "\r\n";
    return Reply::raw(head);
  });
  Client client;
  EXPECT_EQ(error_of(ask(client, post(server.url()))), "broken_answer");
}

TEST(Client, GivesUpOnAServerThatHangs) {
  HttpServer server([](const auto&) { return Reply::hang(); });
  Client client;
  Request request = post(server.url());
  request.timeout = 100ms;
  EXPECT_EQ(error_of(ask(client, request)), "timeout");
}

TEST(Client, SaysThatNobodyListens) {
  Client client;
  EXPECT_EQ(error_of(ask(client, post("http://127.0.0.1:" + std::to_string(support::free_port()) + "/"))), "connect");
}

TEST(Client, SaysThatNothingWasSentWhenTlsTakesTooLong) {
  HttpServer server([](const auto&) { return Reply::hang(); });  // hears a ClientHello and says nothing
  Client client;
  Request request = post("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  request.connect_timeout = 100ms;
  EXPECT_EQ(error_of(ask(client, request)), "connect");
}

TEST(Client, TakesNoUrlButHttp) {
  Client client;
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "", "http://", "nonsense"}) {
    EXPECT_EQ(error_of(ask(client, post(url))), "connect") << url;
  }
}

TEST(Client, TellsAConnectionClosedInsteadOfAnAnswer) {
  HttpServer server([](const auto&) { return Reply::close(); });
  Client client;
  EXPECT_EQ(error_of(ask(client, post(server.url()))), "broken_answer");
}

TEST(Client, TellsAnAnswerThatIsCutOff) {
  HttpServer server([](const auto&) { return Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"); });
  Client client;
  EXPECT_EQ(error_of(ask(client, post(server.url()))), "broken_answer");
}

TEST(Client, TellsWhatIsNoHttp) {
  HttpServer server([](const auto&) { return Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"); });
  Client client;
  EXPECT_EQ(error_of(ask(client, post(server.url()))), "broken_answer");
}

TEST(Client, RefusesPrivateAddressesWhatEverTheNameIs) {
  HttpServer server;
  Client client;
  for (const std::string host : {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"}) {
    Request request = post("http://" + host + ":" + std::to_string(server.port()) + "/");
    request.refuse_private_addresses = true;
    EXPECT_EQ(error_of(ask(client, request)), "refused_address") << host;
  }
  EXPECT_EQ(server.connections(), 0U);
}

TEST(Client, RefusesAPrivateAddressOnAConnectionThatIsThereAlready) {
  HttpServer server;
  Client client;
  ASSERT_TRUE(ask(client, post(server.url())));
  Request request = post(server.url());
  request.refuse_private_addresses = true;
  EXPECT_EQ(error_of(ask(client, request)), "refused_address");
  EXPECT_EQ(server.count(), 1U);
}

TEST(Client, CancelsWhatIsUnderWay) {
  HttpServer server([](const auto&) { return Reply::hang(); });
  Client client;
  std::promise<Result> promise;
  const auto ticket = client.send(post(server.url()), [&](Result result) { promise.set_value(std::move(result)); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return server.count() == 1; }));
  client.cancel(ticket);
  EXPECT_EQ(error_of(promise.get_future().get()), "cancelled");
  client.cancel(ticket);  // ended: ignored
  server.answer([](const auto&) { return Reply{}; });
  EXPECT_TRUE(ask(client, post(server.url())));
}

TEST(Client, ItsEndCancelsAll) {
  HttpServer server([](const auto&) { return Reply::hang(); });
  std::atomic<int> cancelled{0};
  {
    Client client;
    for (int i = 0; i < 50; ++i) {
      client.send(post(server.url()), [&](const Result& result) { cancelled += error_of(result) == "cancelled" ? 1 : 0; });
    }
  }
  EXPECT_EQ(cancelled, 50);
}

// A TLS server with a certificate of its own making, for 127.0.0.1 or another name.
class TlsServer {
 public:
  explicit TlsServer(const std::string& subject_alt_name) {
    support::Process make(
        {.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                  "/CN=test", "-addext", "subjectAltName=" + subject_alt_name, "-keyout", key(), "-out", certificate()},
         .environment = {},
         .output = {}});
    EXPECT_EQ(make.wait(support::kSoon), 0);
    server_.emplace(support::Process::Options{.argv = {"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port_), "-cert",
                                                       certificate(), "-key", key(), "-www", "-quiet"},
                                              .environment = {},
                                              .output = {}});
    EXPECT_TRUE(support::wait_until(support::kSoon, [&] {
      Client client;
      return error_of(ask(client, request())) != "connect";
    }));
  }
  std::string certificate() const { return directory_ / "certificate.pem"; }
  Request request() const {
    Request request;
    request.method = "GET";
    request.url = "https://127.0.0.1:" + std::to_string(port_) + "/";
    return request;
  }

 private:
  std::string key() const { return directory_ / "key.pem"; }
  support::TempDir directory_;
  int port_ = support::free_port();
  std::optional<support::Process> server_;
};

TEST(Client, TrustsNoCertificateThatNobodySigned) {
  TlsServer server("IP:127.0.0.1");
  Client client;
  EXPECT_EQ(error_of(ask(client, server.request())), "tls");
}

TEST(Client, TrustsACaFile) {
  TlsServer server("IP:127.0.0.1");
  Client client;
  Request request = server.request();
  request.ca_file = server.certificate();
  const Result result = ask(client, request);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(error_of(ask(client, server.request())), "tls") << "the kept connection is of those that trust the file";
}

TEST(Client, TrustsNoCertificateOfAnotherHost) {
  TlsServer server("DNS:other.example");
  Client client;
  Request request = server.request();
  request.ca_file = server.certificate();
  EXPECT_EQ(error_of(ask(client, request)), "tls");
}

TEST(Client, TellsACaFileThatIsNotThere) {
  TlsServer server("IP:127.0.0.1");
  Client client;
  Request request = server.request();
  request.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(error_of(ask(client, request)), "tls");
}

}  // namespace
}  // namespace hookfleet::web
