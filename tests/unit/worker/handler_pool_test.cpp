#include "worker/dispatch/handler_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <latch>
#include <semaphore>

#include "tests/support/fake_clock.hpp"

namespace hookfleet::dispatch {
namespace {

using namespace std::chrono_literals;
using handlers::Handled;

class FunctionHandler final : public handlers::Handler {
 public:
  using Function = std::function<Handled(const std::stop_token&)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  Handled handle(const handlers::Notification&, const std::stop_token& cancel) override { return function_(cancel); }

 private:
  const Function function_;
};

class HandlerPoolTest : public testing::Test {
 protected:
  Job job(handlers::Handler& handler, std::uint64_t id = 1) {
    Job made;
    made.stream_id = {id, 0};
    made.content = std::make_shared<const Content>();
    made.action = &actions.emplace_back(routes::Action{"test", &handler, nullptr});
    made.valid_until = clock.now() + 8s;
    return made;
  }
  std::vector<Completion> wait_for(HandlerPool& pool, std::size_t count) {
    std::vector<Completion> all;
    while (all.size() < count) {
      completed.acquire();
      for (auto& completion : pool.take()) all.push_back(std::move(completion));
    }
    return all;
  }

  support::FakeClock clock;
  std::deque<routes::Action> actions;
  std::counting_semaphore<> completed{0};
};

TEST_F(HandlerPoolTest, RunsAsManyAtATimeAsItHasThreads) {
  constexpr std::size_t kThreads = 4;
  std::latch all_inside(kThreads);
  FunctionHandler meets([&](const std::stop_token&) {
    all_inside.arrive_and_wait();  // returns only when four run at a time
    return Handled::done();
  });
  HandlerPool pool(kThreads, clock, [&] { completed.release(); });
  std::vector<Job> jobs;
  for (std::uint64_t id = 0; id < kThreads; ++id) jobs.push_back(job(meets, id));
  pool.start(std::move(jobs));
  EXPECT_EQ(wait_for(pool, kThreads).size(), kThreads);
}

TEST_F(HandlerPoolTest, RunsMoreThanItHasThreads) {
  std::atomic<int> runs{0};
  FunctionHandler counts([&](const std::stop_token&) {
    ++runs;
    return Handled::ignored();
  });
  HandlerPool pool(3, clock, [&] { completed.release(); });
  std::vector<Job> jobs;
  for (std::uint64_t id = 0; id < 1000; ++id) jobs.push_back(job(counts, id));
  pool.start(std::move(jobs));
  EXPECT_EQ(wait_for(pool, 1000).size(), 1000U);
  EXPECT_EQ(runs, 1000);
}

TEST_F(HandlerPoolTest, AnExceptionIsAFailedAttempt) {
  FunctionHandler throws([](const std::stop_token&) -> Handled { throw std::runtime_error("why"); });
  FunctionHandler throws_a_number([](const std::stop_token&) -> Handled { throw 5; });
  HandlerPool pool(1, clock, [&] { completed.release(); });
  pool.start({job(throws, 1), job(throws_a_number, 2)});
  const auto completions = wait_for(pool, 2);
  EXPECT_EQ(completions[0].handled.kind, Handled::Kind::kRetry);
  EXPECT_EQ(completions[0].handled.reason, "exception: why");
  EXPECT_EQ(completions[1].handled.kind, Handled::Kind::kRetry);
}

TEST_F(HandlerPoolTest, PastItsValidityAJobIsNotStarted) {
  bool ran = false;
  FunctionHandler handler([&](const std::stop_token&) {
    ran = true;
    return Handled::done();
  });
  Job late = job(handler);
  clock.advance(8s);
  HandlerPool pool(1, clock, [&] { completed.release(); });
  pool.start({late});
  EXPECT_FALSE(wait_for(pool, 1)[0].started);
  EXPECT_FALSE(ran);
}

TEST_F(HandlerPoolTest, TellsOfAnOverdueHandlerOnce) {
  std::binary_semaphore inside{0}, go{0};
  FunctionHandler waits([&](const std::stop_token&) {
    inside.release();
    go.acquire();
    return Handled::done();
  });
  HandlerPool pool(1, clock, [&] { completed.release(); });
  pool.start({job(waits, 7)});
  inside.acquire();
  EXPECT_TRUE(pool.overdue(15s).empty());
  clock.advance(16s);
  const auto overdue = pool.overdue(15s);
  ASSERT_EQ(overdue.size(), 1U);
  EXPECT_EQ(overdue[0].job.stream_id.ms, 7U);
  EXPECT_EQ(overdue[0].running, 16s);
  EXPECT_TRUE(pool.overdue(15s).empty());
  EXPECT_EQ(pool.running_longer_than(15s), 1U);
  EXPECT_EQ(pool.running_longer_than(16s), 0U);
  go.release();
  EXPECT_EQ(wait_for(pool, 1)[0].duration, 16s);
  EXPECT_EQ(pool.running_longer_than(0s), 0U);
}

/// Returns when it is asked to stop.
Handled obey(const std::stop_token& cancel) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, cancel, [] { return false; });
  return Handled::unavailable("cancelled");
}

TEST_F(HandlerPoolTest, AnOverdueHandlerIsAskedToStopAndTheNextOneIsNot) {
  std::binary_semaphore inside{0};
  FunctionHandler obeys([&](const std::stop_token& cancel) {
    inside.release();
    return obey(cancel);
  });
  FunctionHandler looks([](const std::stop_token& cancel) { return cancel.stop_requested() ? Handled::retry("why?") : Handled::done(); });
  HandlerPool pool(1, clock, [&] { completed.release(); });
  pool.start({job(obeys), job(looks)});
  inside.acquire();
  clock.advance(16s);
  pool.overdue(15s);
  const auto returned = wait_for(pool, 2);
  EXPECT_EQ(returned[0].handled.kind, Handled::Kind::kUnavailable);
  EXPECT_EQ(returned[1].handled.kind, Handled::Kind::kDone);
}

TEST_F(HandlerPoolTest, HandlersOfALostPartitionAreAskedToStop) {
  std::counting_semaphore<> inside{0};
  FunctionHandler obeys([&](const std::stop_token& cancel) {
    inside.release();
    return obey(cancel);
  });
  HandlerPool pool(2, clock, [&] { completed.release(); });
  Job lost = job(obeys, 1), kept = job(obeys, 2);
  lost.partition = 7;
  pool.start({lost, kept});
  inside.acquire();
  inside.acquire();
  pool.cancel(7);
  EXPECT_EQ(wait_for(pool, 1)[0].job.stream_id.ms, 1U);
  EXPECT_TRUE(pool.take().empty());
  pool.cancel(0);
  wait_for(pool, 1);
}

}  // namespace
}  // namespace hookfleet::dispatch
