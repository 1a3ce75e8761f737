// forward::Forwarder and its targets against a server of the test's, without a worker around them.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "cli/simulate/http_server.hpp"
#include "tests/support/wait_until.hpp"
#include "worker/forward/forwarder.hpp"

namespace hookfleet::forward {
namespace {

using namespace std::chrono_literals;
using handlers::Handled;
using simulate::HttpServer;
using Reply = HttpServer::Reply;

class ForwarderTest : public testing::Test {
 protected:
  Options options() const {
    Options made;
    made.url = config::Secret(server.url("/in"));
    made.timeout = 5s;
    made.breaker_failures = 3;
    made.breaker_pause_max = 1s;
    return made;
  }
  static std::shared_ptr<const handlers::Notification> notification() {
    auto made = std::make_shared<handlers::Notification>();
    made->body = std::make_shared<const std::string>("{}");
    return made;
  }
  Handled ask(Target& target) {
    std::promise<Handled> promise;
    target.start(notification(), {}, [&](Handled handled) { promise.set_value(std::move(handled)); });
    return promise.get_future().get();
  }
  std::size_t lines_with(const std::string& part) const {
    const std::lock_guard lock(mutex);
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.find(part) != std::string::npos; }));
  }

  mutable std::mutex mutex;
  std::vector<std::string> lines;
  HttpServer server;
  base::SystemClock clock;
  metrics::Registry registry{kTable, "test"};
  log::Logger log{{}, "test", [this](std::string_view line) {
                    const std::lock_guard lock(mutex);
                    lines.emplace_back(line);
                  }};
  std::optional<Forwarder> forwarder{std::in_place, registry, log, clock};
};

TEST_F(ForwarderTest, ATargetIsTheSameAsLongAsNothingOfItChanges) {
  const auto first = forwarder->target("forward:a", options());
  EXPECT_EQ(forwarder->target("forward:a", options()), first);
  EXPECT_NE(forwarder->target("forward:b", options()), first) << "an action of its own";
  Options changed = options();
  changed.concurrency = 7;
  const auto second = forwarder->target("forward:a", changed);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->concurrency(), 7U);
  EXPECT_EQ(forwarder->target("forward:a", options()), first) << "while somebody has it";
}

TEST_F(ForwarderTest, WhatItsTargetIsDoingEndsWithTheTargetGone) {
  server.answer([](const auto&) {
    Reply reply;
    reply.delay = 200ms;
    return reply;
  });
  std::promise<Handled> promise;
  forwarder->target("forward:a", options())->start(notification(), {}, [&](Handled handled) { promise.set_value(std::move(handled)); });
  EXPECT_EQ(promise.get_future().get().kind, Handled::Kind::kDone);
}

TEST_F(ForwarderTest, ItsEndCancelsWhatIsInFlight) {
  server.answer([](const auto&) { return Reply::hang(); });
  std::promise<Handled> promise;
  forwarder->target("forward:a", options())->start(notification(), {}, [&](Handled handled) { promise.set_value(std::move(handled)); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return server.count() == 1; }));
  forwarder.reset();
  EXPECT_EQ(promise.get_future().get().kind, Handled::Kind::kUnavailable);
}

TEST_F(ForwarderTest, ALostPartitionCancelsWhatIsInFlight) {
  server.answer([](const auto&) { return Reply::hang(); });
  const auto target = forwarder->target("forward:a", options());
  std::stop_source cancel;
  std::promise<Handled> promise;
  target->start(notification(), cancel.get_token(), [&](Handled handled) { promise.set_value(std::move(handled)); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return server.count() == 1; }));
  cancel.request_stop();
  EXPECT_EQ(promise.get_future().get().kind, Handled::Kind::kUnavailable);
  EXPECT_NE(registry.text().find(R"(hookfleet_forward_requests_total{outcome="cancelled",target="forward:a"} 1)"), std::string::npos);
}

TEST_F(ForwarderTest, OneThatIsAwayGetsSingleProbesAndIsFoundAgain) {
  server.answer([](const auto&) { return Reply::of(500); });
  const auto target = forwarder->target("forward:a", options());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(*target).reason, "HTTP 500");
  for (int i = 0; i < 1000; ++i) {
    const Handled held_back = ask(*target);
    EXPECT_EQ(held_back.kind, Handled::Kind::kUnavailable);
  }
  EXPECT_LE(server.count(), 4U) << "at most a probe";
  EXPECT_EQ(lines_with("forward.breaker_opened"), 1U);
  EXPECT_NE(registry.text().find(R"(hookfleet_forward_breaker_open{target="forward:a"} 1)"), std::string::npos);
  server.answer([](const auto&) { return Reply{}; });
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return ask(*target).kind == Handled::Kind::kDone; }));
  EXPECT_EQ(lines_with("forward.breaker_closed"), 1U);
  EXPECT_NE(registry.text().find(R"(hookfleet_forward_breaker_open{target="forward:a"} 0)"), std::string::npos);
}

TEST_F(ForwarderTest, NothingSecretIsLogged) {
  server.answer([](const auto&) { return Reply::of(500); });
  Options secret = options();
  secret.url = config::Secret(server.url("/SECRET?token=SECRET"));
  secret.headers = {config::Secret("Authorization: SECRET")};
  const auto target = forwarder->target("forward:a", secret);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(*target).reason.find("SECRET"), std::string::npos);
  EXPECT_EQ(lines_with("forward.breaker_opened"), 1U);
  EXPECT_EQ(lines_with("SECRET"), 0U);
}

}  // namespace
}  // namespace hookfleet::forward
