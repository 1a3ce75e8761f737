#include "cli/simulate/latencies.hpp"

#include <gtest/gtest.h>

namespace hookfleet::simulate {
namespace {

using namespace std::chrono_literals;

double ms(Latencies::Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

TEST(Latencies, OfNothingAreZero) {
  const Latencies none;
  EXPECT_EQ(none.percentile(0.5), 0ns);
  EXPECT_EQ(none.longest(), 0ns);
}

TEST(Latencies, GivePercentilesToTwoPercent) {
  Latencies all;
  for (int i = 1; i <= 10'000; ++i) all.add(std::chrono::microseconds(i * 10));
  EXPECT_NEAR(ms(all.percentile(0.5)), 50, 1);
  EXPECT_NEAR(ms(all.percentile(0.9)), 90, 1.8);
  EXPECT_NEAR(ms(all.percentile(0.99)), 99, 2);
  EXPECT_EQ(all.percentile(1), 100ms);
  EXPECT_EQ(all.count(), 10'000U);
}

TEST(Latencies, OfOneIsItself) {
  for (const auto time : {0us, 1us, 63us, 64us, 127us, 128us, 1'000'000us, 180'000'000us}) {
    Latencies one;
    one.add(time);
    EXPECT_EQ(one.percentile(0.5), time);
    EXPECT_EQ(one.longest(), time);
  }
}

TEST(Latencies, TakeWhatIsBeyondAllClasses) {
  Latencies all;
  all.add(24h * 365 * 10);
  all.add(-1s);
  EXPECT_EQ(all.count(), 2U);
  EXPECT_EQ(all.longest(), 24h * 365 * 10);
}

}  // namespace
}  // namespace hookfleet::simulate
