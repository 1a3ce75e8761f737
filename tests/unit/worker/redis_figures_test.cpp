#include "worker/redis_figures.hpp"

#include <gtest/gtest.h>

#include <string>

#include "worker/metrics.hpp"

namespace hookfleet::worker {
namespace {

// From Redis 7.0.15, shortened.
constexpr char kInfo[] =
    "# Memory\r\nused_memory:1000000\r\nused_memory_human:976.56K\r\nused_memory_dataset:400000\r\nused_memory_dataset_perc:40.00%\r\n"
    "maxmemory:268435456\r\n\r\n# Persistence\r\naof_enabled:1\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n"
    "aof_last_bgrewrite_status:err\r\naof_last_write_status:ok\r\naof_current_size:89\r\naof_base_size:0\r\naof_delayed_fsync:7\r\n\r\n"
    "# Latencystats\r\nlatency_percentiles_usec_xadd:p50=15.039,p99=200,p99.9=1003.519\r\n"
    "latency_percentiles_usec_config|get:p50=11.007,p99=11.007,p99.9=11.007\r\n";

TEST(RedisFigures, AreReadFromInfo) {
  const RedisFigures figures = RedisFigures::read(kInfo);
  EXPECT_TRUE(figures.any());
  EXPECT_EQ(figures.memory_used, 1'000'000U);
  EXPECT_EQ(figures.memory_dataset, 400'000U);
  EXPECT_EQ(figures.memory_max, 268'435'456U);
  EXPECT_EQ(figures.aof_enabled, true);
  EXPECT_EQ(figures.aof_rewriting, false);
  EXPECT_EQ(figures.aof_last_rewrite_ok, false);
  EXPECT_EQ(figures.aof_last_write_ok, true);
  EXPECT_EQ(figures.aof_size, 89U);
  EXPECT_EQ(figures.aof_delayed_fsyncs, 7U);
  EXPECT_DOUBLE_EQ(figures.latency[0][0].value(), 15.039e-6);
  EXPECT_DOUBLE_EQ(figures.latency[0][1].value(), 200e-6);
  EXPECT_DOUBLE_EQ(figures.latency[0][2].value(), 1003.519e-6);
  EXPECT_EQ(figures.latency[1][0], std::nullopt) << "no evalsha was run";
}

TEST(RedisFigures, WhatIsNotTheirsIsAbsent) {
  for (const char* text : {"", "ERR unknown command", "used_memory", "used_memory:", "used_memory:12x\r\n", "used_memory:-1\n",
                           "aof_enabled:yes\r\n", ":\r\n:", "latency_percentiles_usec_xadd:p50,p99=,p99.9=x\r\n"}) {
    const RedisFigures figures = RedisFigures::read(text);
    EXPECT_FALSE(figures.any()) << text;
    EXPECT_EQ(figures.aof_enabled, std::nullopt) << text;
    for (const auto& latency : figures.latency[0]) EXPECT_EQ(latency, std::nullopt) << text;
  }
}

TEST(RedisFigures, DelayedFsyncsCountFromTheFirstLookAndOverRestartsOfTheServer) {
  RedisFigures figures;
  EXPECT_EQ(figures.new_delayed_fsyncs(3), 0U) << "nothing is told";
  figures.aof_delayed_fsyncs = 7;
  EXPECT_EQ(figures.new_delayed_fsyncs(std::nullopt), 0U) << "what was before isn't ours to count";
  EXPECT_EQ(figures.new_delayed_fsyncs(5), 2U);
  EXPECT_EQ(figures.new_delayed_fsyncs(9), 7U) << "the server started anew";
}

TEST(RedisFigures, WhatIsAbsentShowsAsNaN) {
  metrics::Registry registry(kTable, "test");
  const Metrics metrics(registry, 1);
  const auto has = [&](const std::string& line) { return registry.text().find("\n" + line + "\n") != std::string::npos; };
  EXPECT_TRUE(has("hookfleet_redis_info_up 0")) << registry.text();
  EXPECT_TRUE(has("hookfleet_redis_memory_used_bytes Nan")) << registry.text();
  EXPECT_TRUE(has("hookfleet_redis_aof_last_write_ok Nan"));
  show(RedisFigures::read(kInfo), metrics.redis);
  EXPECT_TRUE(has("hookfleet_redis_info_up 1"));
  EXPECT_TRUE(has("hookfleet_redis_memory_used_bytes 1000000"));
  EXPECT_TRUE(has("hookfleet_redis_aof_last_write_ok 1"));
  EXPECT_TRUE(has("hookfleet_redis_aof_last_rewrite_ok 0"));
  EXPECT_TRUE(has(R"(hookfleet_redis_command_latency_seconds{command="xadd",quantile="0.99"} 0.0002)")) << registry.text();
  show({}, metrics.redis);
  EXPECT_TRUE(has("hookfleet_redis_memory_used_bytes Nan"));
}

}  // namespace
}  // namespace hookfleet::worker
