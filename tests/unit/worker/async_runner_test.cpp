#include "worker/dispatch/async_runner.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.hpp"

namespace hookfleet::dispatch {
namespace {

using namespace std::chrono_literals;
using handlers::Handled;

class Kept final : public handlers::AsyncHandler {
 public:
  struct Call {
    std::shared_ptr<const handlers::Notification> notification;
    std::stop_token cancel;
    Done done;
  };
  std::size_t concurrency() const override { return 10; }
  void start(std::shared_ptr<const handlers::Notification> notification, const std::stop_token& cancel, Done done) override {
    calls.push_back({std::move(notification), cancel, std::move(done)});
  }
  std::vector<Call> calls;
};

class AsyncRunnerTest : public testing::Test {
 protected:
  Job job(unsigned partition) {
    Job made;
    made.partition = partition;
    made.content = std::make_shared<const Content>();
    made.action = &action;
    made.valid_until = clock.now() + 10s;
    return made;
  }
  support::FakeClock clock;
  const std::shared_ptr<Kept> handler = std::make_shared<Kept>();
  const routes::Action action{.name = "test", .async = handler};
  int woken = 0;
  std::optional<AsyncRunner> runner{std::in_place, clock, [this] { ++woken; }};
};

TEST_F(AsyncRunnerTest, GathersWhatBecameOfEach) {
  runner->start(job(1));
  runner->start(job(2));
  EXPECT_TRUE(runner->take().empty());
  clock.advance(3s);
  handler->calls.at(1).done(Handled::reject("no"));
  handler->calls.at(0).done(Handled::done());
  EXPECT_EQ(woken, 1) << "once until it is taken";
  const auto taken = runner->take();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].job.partition, 2U);
  EXPECT_TRUE(taken[0].started);
  EXPECT_EQ(taken[0].handled.kind, Handled::Kind::kReject);
  EXPECT_EQ(taken[0].duration, 3s);
  EXPECT_EQ(taken[1].job.partition, 1U);
}

TEST_F(AsyncRunnerTest, StartsNothingPastTheLease) {
  Job late = job(1);
  clock.advance(10s);
  runner->start(std::move(late));
  EXPECT_TRUE(handler->calls.empty());
  const auto taken = runner->take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_FALSE(taken[0].started);
}

TEST_F(AsyncRunnerTest, CancelsThoseOfAPartitionAndNotThoseOfItsNextTenure) {
  runner->start(job(1));
  runner->start(job(2));
  runner->cancel(1);
  runner->start(job(1));
  EXPECT_TRUE(handler->calls.at(0).cancel.stop_requested());
  EXPECT_FALSE(handler->calls.at(1).cancel.stop_requested());
  EXPECT_FALSE(handler->calls.at(2).cancel.stop_requested());
}

TEST_F(AsyncRunnerTest, ItsEndCancelsAllAndNobodyIsWokenLater) {
  runner->start(job(1));
  runner.reset();
  EXPECT_TRUE(handler->calls.at(0).cancel.stop_requested());
  handler->calls.at(0).done(Handled::done());
  EXPECT_EQ(woken, 0);
}

}  // namespace
}  // namespace hookfleet::dispatch
