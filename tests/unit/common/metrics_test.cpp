#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/metrics/address.hpp"
#include "common/metrics/listener.hpp"
#include "common/metrics/registry.hpp"
#include "tests/support/golden.hpp"

namespace hookfleet::metrics {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr double kBounds[] = {0.001, 0.5, 30};
constexpr Spec kTable[] = {
    {Kind::kCounter, "hookfleet_test_deliveries_total", "Requests by outcome", {"outcome", "door"}},
    {Kind::kGauge, "hookfleet_test_waiting_entries", "Entries that wait"},
    {Kind::kHistogram, "hookfleet_test_ack_seconds", "Time to the answer", {}, kBounds},
    {Kind::kCounter, "hookfleet_test_bytes_total", "Bytes taken"},
};

/// The samples of `text`: lines that aren't comments and start with `prefix`.
std::vector<std::string> samples(const std::string& text, const std::string& prefix) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(prefix, 0) == 0) found.push_back(line);
  }
  return found;
}

/// The value of the only sample that starts with `name` and a blank; -1 if there is none.
double value(const std::string& text, const std::string& name) {
  const auto found = samples(text, name + " ");
  return found.size() == 1 ? std::stod(found[0].substr(name.size() + 1)) : -1;
}

TEST(Registry, ExportsEverySeriesFromTheStartWithZero) {
  Registry registry(kTable, "test");
  registry.counter("hookfleet_test_deliveries_total", {{"door", "webhook"}, {"outcome", "stored"}});
  registry.counter("hookfleet_test_bytes_total");
  registry.gauge("hookfleet_test_waiting_entries");
  registry.histogram("hookfleet_test_ack_seconds");
  const std::string text = registry.text();
  EXPECT_THAT(text, HasSubstr("# HELP hookfleet_test_deliveries_total Requests by outcome\n# TYPE hookfleet_test_deliveries_total counter\n"
                              "hookfleet_test_deliveries_total{door=\"webhook\",outcome=\"stored\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE hookfleet_test_waiting_entries gauge\nhookfleet_test_waiting_entries 0\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE hookfleet_test_ack_seconds histogram\n"));
  EXPECT_EQ(value(text, "hookfleet_test_ack_seconds_count"), 0);
}

TEST(Registry, HandlesOfOneSeriesAddUp) {
  Registry registry(kTable, "test");
  const Counter one = registry.counter("hookfleet_test_deliveries_total", {{"outcome", "stored"}, {"door", "webhook"}});
  const Counter same = registry.counter("hookfleet_test_deliveries_total", {{"door", "webhook"}, {"outcome", "stored"}});
  const Counter other = registry.counter("hookfleet_test_deliveries_total", {{"door", "poll"}, {"outcome", "stored"}});
  one.add();
  same.add(2.5);
  same.add(-1);
  other.add();
  const std::string text = registry.text();
  EXPECT_EQ(value(text, R"(hookfleet_test_deliveries_total{door="webhook",outcome="stored"})"), 3.5);
  EXPECT_EQ(value(text, R"(hookfleet_test_deliveries_total{door="poll",outcome="stored"})"), 1);
}

TEST(Registry, GaugesGoUpAndDown) {
  Registry registry(kTable, "test");
  const Gauge gauge = registry.gauge("hookfleet_test_waiting_entries");
  gauge.set(10);
  gauge.add(5);
  gauge.add(-7);
  EXPECT_EQ(value(registry.text(), "hookfleet_test_waiting_entries"), 8);
}

TEST(Registry, HistogramsCountUpToTheirBoundsInclusively) {
  Registry registry(kTable, "test");
  const Histogram histogram = registry.histogram("hookfleet_test_ack_seconds");
  for (const double seconds : {0.0005, 0.001, 0.4, 31.0}) histogram.observe(seconds);
  EXPECT_THAT(samples(registry.text(), "hookfleet_test_ack_seconds_"),
              testing::ElementsAre("hookfleet_test_ack_seconds_count 4", StartsWith("hookfleet_test_ack_seconds_sum 31.4"),
                                   R"(hookfleet_test_ack_seconds_bucket{le="0.001"} 2)", R"(hookfleet_test_ack_seconds_bucket{le="0.5"} 3)",
                                   R"(hookfleet_test_ack_seconds_bucket{le="30"} 3)", R"(hookfleet_test_ack_seconds_bucket{le="+Inf"} 4)"));
}

TEST(Registry, CountsFromManyThreadsWithoutLoss) {
  Registry registry(kTable, "test");
  const Counter counter = registry.counter("hookfleet_test_bytes_total");
  const Histogram histogram = registry.histogram("hookfleet_test_ack_seconds");
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([=] {
      for (int i = 0; i < 5000; ++i) {
        counter.add();
        histogram.observe(0.1);
      }
    });
  }
  for (int i = 0; i < 5; ++i) EXPECT_GE(value(registry.text(), "hookfleet_test_bytes_total"), 0);
  threads.clear();
  EXPECT_EQ(value(registry.text(), "hookfleet_test_bytes_total"), 20000);
  EXPECT_EQ(value(registry.text(), "hookfleet_test_ack_seconds_count"), 20000);
}

TEST(Registry, EscapesLabelValues) {
  Registry registry(kTable, "test");
  registry.counter("hookfleet_test_deliveries_total", {{"outcome", "a\"b\\c\nd"}, {"door", "x"}});
  EXPECT_THAT(registry.text(), HasSubstr(R"(outcome="a\"b\\c\nd")"));
}

TEST(Registry, AsksBeforeEachScrape) {
  Registry registry(kTable, "test");
  const Gauge gauge = registry.gauge("hookfleet_test_waiting_entries");
  int asked = 0;
  registry.before_scrape([&] { gauge.set(++asked); });
  EXPECT_EQ(value(registry.text(), "hookfleet_test_waiting_entries"), 1);
  EXPECT_EQ(value(registry.text(), "hookfleet_test_waiting_entries"), 2);
}

TEST(Registry, IsSortedSoThatTwoScrapesCanBeCompared) {
  Registry registry(kTable, "test");
  for (const char* outcome : {"c", "a", "b"}) registry.counter("hookfleet_test_deliveries_total", {{"outcome", outcome}, {"door", "x"}});
  const auto found = samples(registry.text(), "hookfleet_test_deliveries_total{");
  EXPECT_EQ(found.size(), 3U);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
}

TEST(Registry, SaysWhatRunsHere) {
  Registry registry({}, "hookfleet-test");
  EXPECT_THAT(samples(registry.text(), "hookfleet_build_info"),
              testing::ElementsAre(AllOf(HasSubstr("program=\"hookfleet-test\""), HasSubstr("version=\"0."), EndsWith(" 1"))));
}

TEST(Registry, ExportsTheProcess) {
  Registry registry({}, "test");
  const std::string text = registry.text();
  const double now =
      static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  EXPECT_NEAR(value(text, "process_start_time_seconds"), now, 300);
  EXPECT_GT(value(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value(text, "process_virtual_memory_bytes"), value(text, "process_resident_memory_bytes"));
  EXPECT_GE(value(text, "process_cpu_seconds_total"), 0);
  EXPECT_GE(value(text, "process_threads"), 1);
  EXPECT_GE(value(text, "process_max_fds"), 64);
  const double before = value(text, "process_open_fds");
  const int fd = ::dup(STDERR_FILENO);
  EXPECT_EQ(value(registry.text(), "process_open_fds"), before + 1);
  ::close(fd);
}

TEST(Registry, AHandleMadeByItselfWritesNowhere) {
  Counter{}.add();
  Gauge{}.set(1);
  Gauge{}.add(1);
  Histogram{}.observe(1);
}

using RegistryDeathTest = testing::Test;

TEST(RegistryDeathTest, MisuseIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Registry registry(kTable, "test");
  EXPECT_DEATH(registry.counter("hookfleet_test_unknown_total"), "metrics.end");
  EXPECT_DEATH(registry.gauge("hookfleet_test_bytes_total"), "family != nullptr");
  EXPECT_DEATH(registry.counter("hookfleet_test_deliveries_total", {{"outcome", "stored"}}), "labels");
  EXPECT_DEATH(registry.counter("hookfleet_test_deliveries_total", {{"outcome", "stored"}, {"way", "x"}}), "labels");
  EXPECT_DEATH(registry.counter("hookfleet_test_bytes_total", {{"outcome", "stored"}}), "labels");
  const Spec twice[] = {kTable[1], kTable[1]};
  EXPECT_DEATH(Registry(twice, "test"), "emplace");
  const Spec no_buckets[] = {{Kind::kHistogram, "hookfleet_test_seconds", "help"}};
  EXPECT_DEATH(Registry(no_buckets, "test"), "buckets");
}

TEST(Describe, IsPinnedByAGoldenFile) { EXPECT_TRUE(support::matches_golden("sample_metrics.txt", describe(kTable))); }

TEST(Golden, NamesTheFirstLineThatDiffers) {
  const auto result = support::matches_golden("sample_metrics.txt", "something else\n");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.message(), AllOf(HasSubstr("sample_metrics.txt:1 differs"), HasSubstr("now:    something else")));
}

// address

TEST(Address, ReadsWhatASettingHolds) {
  struct Row {
    const char* text;
    const char* normal;
    bool any;
    const char* reachable;
  };
  for (const Row& row :
       {Row{"127.0.0.1:9090", "127.0.0.1:9090", false, "127.0.0.1:9090"}, Row{"0.0.0.0:9090", "0.0.0.0:9090", true, "127.0.0.1:9090"},
        Row{"[::]:9090", "[::]:9090", true, "127.0.0.1:9090"}, Row{"[::1]:0", "[::1]:0", false, "[::1]:0"},
        Row{"localhost:65535", "127.0.0.1:65535", false, "127.0.0.1:65535"}, Row{"10.1.2.3:1", "10.1.2.3:1", false, "10.1.2.3:1"}}) {
    SCOPED_TRACE(row.text);
    const auto address = parse_address(row.text);
    ASSERT_TRUE(address) << address.error();
    EXPECT_EQ(address->text(), row.normal);
    EXPECT_EQ(address->any(), row.any);
    EXPECT_EQ(address->reachable().text(), row.reachable);
    EXPECT_EQ(check_address(row.text), std::nullopt);
  }
}

TEST(Address, RefusesEverythingElseWithAnExample) {
  for (const char* text : {"", ":", "9090", ":9090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:9090x",
                           "127.0.0.1: 90", "::1:9090", "[::1]", "[::1:9090", "[]:1", "example.org:80", "256.0.0.1:1", "127.0.0.1:+1"}) {
    EXPECT_FALSE(parse_address(text)) << text;
    EXPECT_THAT(check_address(text).value_or(""), HasSubstr("127.0.0.1:9090")) << text;
  }
}

// listener

class ListenerTest : public testing::Test {
 protected:
  void listen(const std::string& address = "127.0.0.1:0") {
    auto started = Listener::start(address, registry_, {[this] { return livez_; }, [this] { return readyz_; }});
    ASSERT_TRUE(started) << started.error();
    listener_ = std::move(*started);
  }

  int connect() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(listener_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static void send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// Everything until the listener closes; "timeout" when it doesn't within 20 s.
  static std::string receive(int fd) {
    std::string all;
    std::vector<char> buffer(1UL << 18);
    for (;;) {
      pollfd readable{fd, POLLIN, 0};
      if (::poll(&readable, 1, 20'000) <= 0) return "timeout";
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }
  std::string exchange(std::string_view request) const {
    const int fd = connect();
    send(fd, request);
    std::string response = receive(fd);
    ::close(fd);
    return response;
  }
  std::string get(const std::string& path) const { return exchange("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); }

  Registry registry_{kTable, "test"};
  Health livez_{true, "alive\n"};
  Health readyz_{true, "ready\n"};
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, ServesMetricsInTextFormat) {
  listen();
  registry_.counter("hookfleet_test_bytes_total").add(7);
  EXPECT_THAT(get("/metrics"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                    HasSubstr("\nhookfleet_test_bytes_total 7\n")));
}

TEST_F(ListenerTest, AnswersLivenessAndReadinessWithTheirReasons) {
  listen();
  readyz_ = {false, "not ready\nredis: no answer\n"};
  EXPECT_THAT(get("/livez"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\nalive\n")));
  EXPECT_THAT(get("/readyz?verbose"),
              AllOf(StartsWith("HTTP/1.1 503 Service Unavailable\r\n"), EndsWith("\r\n\r\nnot ready\nredis: no answer\n")));
}

TEST_F(ListenerTest, HeadIsGetWithoutTheBody) {
  listen();
  EXPECT_THAT(exchange("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 6\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(ListenerTest, KnowsNothingElse) {
  listen();
  for (const char* path : {"/", "/metrics/", "/livezz", "/favicon.ico", "/../etc/passwd", "*"}) {
    EXPECT_THAT(get(path), StartsWith("HTTP/1.1 404 ")) << path;
  }
  EXPECT_THAT(exchange("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")));
  for (const char* request : {"\r\n\r\n", "GET\r\n\r\n", "GET /livez\r\n\r\n", "GET /livez FTP/1.1\r\n\r\n", "\x16\x03\x01\n\n"}) {
    EXPECT_THAT(exchange(request), StartsWith("HTTP/1.1 400 ")) << request;
  }
}

TEST_F(ListenerTest, TakesARequestByteByByte) {
  listen();
  const int fd = connect();
  for (const char byte : std::string_view("GET /livez HTTP/1.0\r\n\r\n")) send(fd, std::string_view(&byte, 1));
  EXPECT_THAT(receive(fd), StartsWith("HTTP/1.1 200 "));
  ::close(fd);
}

TEST_F(ListenerTest, RefusesAnEndlessHead) {
  listen();
  EXPECT_THAT(exchange("GET /livez HTTP/1.1\r\nX: " + std::string(100'000, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(ListenerTest, ClosesASilentConnectionAfterItsTimeout) {
  listen();
  const int fd = connect();
  send(fd, "GET /livez");
  EXPECT_EQ(receive(fd), "");
  ::close(fd);
}

TEST_F(ListenerTest, AnswersThoughManyConnectionsStandIdle) {
  listen();
  std::vector<int> idle;
  for (int i = 0; i < 100; ++i) idle.push_back(connect());
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 "));
  for (const int fd : idle) ::close(fd);
}

TEST_F(ListenerTest, SendsALargeAnswerToASlowReader) {
  listen();
  for (int i = 0; i < 3'000; ++i) {
    registry_.counter("hookfleet_test_deliveries_total", {{"outcome", std::to_string(i)}, {"door", std::string(1500, 'x')}});
  }
  const int fd = connect();
  send(fd, "GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 "));  // the large one waits for its reader, others don't
  const std::string response = receive(fd);
  ::close(fd);
  const std::size_t body = response.find("\r\n\r\n") + 4;
  EXPECT_GT(response.size(), 4'000'000U);
  EXPECT_THAT(response.substr(0, body), HasSubstr("Content-Length: " + std::to_string(response.size() - body) + "\r\n"));
}

TEST_F(ListenerTest, SaysWhyItCannotListenAndWhatToDo) {
  listen();
  const auto taken = Listener::start("127.0.0.1:" + std::to_string(listener_->port()), registry_, {});
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error(),
              AllOf(HasSubstr("127.0.0.1:" + std::to_string(listener_->port())), HasSubstr("in use"), HasSubstr("server.metrics_listen")));
  const auto foreign = Listener::start("192.0.2.1:0", registry_, {});
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error(), HasSubstr("no such address"));
  EXPECT_FALSE(Listener::start("nonsense", registry_, {}));
}

TEST_F(ListenerTest, ThePortIsFreeAgainAfterTheDestructor) {
  listen();
  const std::string address = "127.0.0.1:" + std::to_string(listener_->port());
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 "));
  listener_.reset();
  listen(address);
}

TEST_F(ListenerTest, HealthcheckTellsReadyFromNotReady) {
  listen();
  const std::string address = "0.0.0.0:" + std::to_string(listener_->port());  // as the process was told; asked on 127.0.0.1
  std::string detail;
  EXPECT_TRUE(healthcheck(address, "/readyz", detail));
  EXPECT_EQ(detail, "200 OK\nready\n");
  readyz_ = {false, "stopping\n"};
  EXPECT_FALSE(healthcheck(address, "/readyz", detail));
  EXPECT_EQ(detail, "503 Service Unavailable\nstopping\n");
}

TEST_F(ListenerTest, HealthcheckSaysWhyThereWasNoAnswer) {
  listen();
  const std::string address = "127.0.0.1:" + std::to_string(listener_->port());
  listener_.reset();
  std::string detail;
  EXPECT_FALSE(healthcheck(address, "/readyz", detail));
  EXPECT_THAT(detail, AllOf(HasSubstr(address), HasSubstr("refused")));
  EXPECT_FALSE(healthcheck("nonsense", "/readyz", detail));
  EXPECT_THAT(detail, HasSubstr("nonsense"));
}

TEST_F(ListenerTest, HealthcheckGivesUpOnAServerThatSaysNothing) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof bound;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&bound), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size), 0);
  std::string detail;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(healthcheck("127.0.0.1:" + std::to_string(ntohs(bound.sin_port)), "/readyz", detail));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_THAT(detail, HasSubstr("timed out"));
  ::close(fd);
}

TEST_F(ListenerTest, ServesIpv6AndIpv4OnTheUnspecifiedAddress) {
  auto started = Listener::start("[::]:0", registry_, {[this] { return livez_; }, [this] { return readyz_; }});
  if (!started) GTEST_SKIP() << "no IPv6 here: " << started.error();
  const std::string port = std::to_string((*started)->port());
  std::string detail;
  EXPECT_TRUE(healthcheck("127.0.0.1:" + port, "/livez", detail)) << detail;
  EXPECT_TRUE(healthcheck("[::]:" + port, "/livez", detail)) << detail;
  // A container may have IPv6 sockets and no IPv6 address, not even ::1.
  if (std::ifstream("/proc/net/if_inet6").peek() == std::ifstream::traits_type::eof()) GTEST_SKIP() << "no IPv6 address here";
  EXPECT_TRUE(healthcheck("[::1]:" + port, "/livez", detail)) << detail;
}

}  // namespace
}  // namespace hookfleet::metrics
