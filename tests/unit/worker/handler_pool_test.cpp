#include "worker/dispatch/handler_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
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
  explicit FunctionHandler(std::function<Handled()> function) : function_(std::move(function)) {}
  Handled handle(const handlers::Notification&) override { return function_(); }

 private:
  std::function<Handled()> function_;
};

class HandlerPoolTest : public testing::Test {
 protected:
  Job job(handlers::Handler& handler, std::uint64_t id = 1) {
    Job made;
    made.stream_id = {id, 0};
    made.content = std::make_shared<const Content>();
    made.handler = &handler;
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
  std::counting_semaphore<> completed{0};
};

TEST_F(HandlerPoolTest, RunsAsManyAtATimeAsItHasThreads) {
  constexpr std::size_t kThreads = 4;
  std::latch all_inside(kThreads);
  FunctionHandler meets([&] {
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
  FunctionHandler counts([&] {
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
  FunctionHandler throws([]() -> Handled { throw std::runtime_error("why"); });
  FunctionHandler throws_a_number([]() -> Handled { throw 5; });
  HandlerPool pool(1, clock, [&] { completed.release(); });
  pool.start({job(throws, 1), job(throws_a_number, 2)});
  const auto completions = wait_for(pool, 2);
  EXPECT_EQ(completions[0].handled.kind, Handled::Kind::kRetry);
  EXPECT_EQ(completions[0].handled.reason, "exception: why");
  EXPECT_EQ(completions[1].handled.kind, Handled::Kind::kRetry);
}

TEST_F(HandlerPoolTest, PastItsValidityAJobIsNotStarted) {
  bool ran = false;
  FunctionHandler handler([&] {
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
  FunctionHandler waits([&] {
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
  go.release();
  EXPECT_EQ(wait_for(pool, 1)[0].duration, 16s);
}

}  // namespace
}  // namespace hookfleet::dispatch
