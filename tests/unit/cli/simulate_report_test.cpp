#include "cli/simulate_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;
using simulate::Kind;
using simulate::Ledger;
using simulate::Token;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string chat_of(const Token& token) { return token.chat == 0 ? "7900\x1b[31m@c.us" : ""; }

SimulateReport report() {
  SimulateReport report;
  report.to = "http://127.0.0.1:8080/webhook";
  report.seed = 42;
  report.sending = 10s;
  report.tally.by_kind[static_cast<std::size_t>(Kind::kPlain)] = 90;
  report.tally.by_kind[static_cast<std::size_t>(Kind::kRepeat)] = 10;
  report.tally.by_answer = {{"200", 99}, {"503", 1}};
  report.tally.requests = 100;
  report.tally.acknowledged = 99;
  report.tally.pauses = 1;
  report.tally.latencies.add(2ms);
  report.unacknowledged = 1;
  return report;
}

TEST(SimulateReport, SaysWhatWasSentAndWhatCameBack) {
  EXPECT_EQ(to_text(report(), chat_of),
            "sent to        http://127.0.0.1:8080/webhook\n"
            "sent           100 in 10.00s (10.0/s): 90 plain, 10 repeat\n"
            "answers        200: 99, 503: 1\n"
            "acknowledged   99, 1 not yet\n"
            "latency        p50 2.0ms  p90 2.0ms  p99 2.0ms  max 2.0ms\n"
            "pauses         1\n"
            "seed           42\n");
}

TEST(SimulateReport, ListsWhatIsLostAndOutOfOrderAndEscapesIt) {
  SimulateReport bad = report();
  Ledger::Verdict verdict{.lost = 3, .out_of_order = 1};
  verdict.lost_first = {{7, 1101000001, 0, 5}};
  verdict.out_of_order_first = {{{7, 1101000001, 1, 2}, 4}};
  bad.proof = SimulateReport::Proof{verdict, true, 0};
  EXPECT_FALSE(bad.good());
  const std::string text = to_text(bad, chat_of);
  EXPECT_THAT(text, HasSubstr("verdict        3 lost, 1 out of order\n"));
  EXPECT_THAT(text, HasSubstr("chat 7900\\u001b[31m@c.us, sequence 5, idMessage 00000007419FED410000000000000005"));
  EXPECT_THAT(text, HasSubstr("… and 2 more"));
  EXPECT_THAT(text, HasSubstr("no chat, sequence 2"));
  EXPECT_THAT(text, HasSubstr(", after sequence 4\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  const Json json = to_json(bad, chat_of);
  EXPECT_EQ(json["proof"]["lost_first"][0]["simulated"], "00000007.1101000001.0.5");
  EXPECT_EQ(json["good"], false);
}

TEST(SimulateReport, IsGoodOnlyWhenSomethingWasAcknowledgedAndKept) {
  SimulateReport one = report();
  EXPECT_TRUE(one.good());
  one.proof = SimulateReport::Proof{Ledger::Verdict{}, true, 0};
  EXPECT_TRUE(one.good());
  one.proof->verdict.out_of_order = 1;
  EXPECT_FALSE(one.good());
  one.proof = SimulateReport::Proof{Ledger::Verdict{.lost = 1}, false, 7};
  EXPECT_FALSE(one.good()) << "what has not come yet is no proof";
  EXPECT_THAT(to_text(one, chat_of), HasSubstr("not caught up  7 entries wait"));
  EXPECT_FALSE(SimulateReport{}.good());
}

TEST(SimulateReport, ToldWhileItRunsIsALine) {
  const std::string line = progress_line(report(), 12);
  EXPECT_EQ(line, "10.00s sent 100 (10.0/s), acknowledged 99, p50 2.0ms, p99 2.0ms, 503: 1, pauses 1 (0 now), on their way 12");
}

TEST(SimulateReport, SaysWhatIsWaitedForOnceNothingNewIsSent) {
  SimulateReport one = report();
  one.settling = SimulateReport::Settling{12s, 60s, 7};
  EXPECT_EQ(progress_line(one, 5),
            "10.00s sent 100 (10.0/s), acknowledged 99, 503: 1, pauses 1 (0 now); "
            "waiting 12.00s of 1m00s for 1 without a 200, 5 not received yet, 7 in the fleet");
  one.served = SimulateReport::Served{80, 20, 101, 0};
  EXPECT_THAT(progress_line(one, 0), HasSubstr("of 1m00s for 1 without a 200, 20 in the provider's queues, 7 in the fleet"));
}

TEST(SimulateReport, OfServedQueuesSaysWhatPollersTook) {
  SimulateReport served = report();
  served.served = SimulateReport::Served{80, 0, 101, 3};
  EXPECT_TRUE(served.good());
  EXPECT_THAT(to_text(served, chat_of), HasSubstr("queues         80 deleted by pollers, 101 receives; 3 not put in: switched off\n"));
  EXPECT_EQ(to_json(served, chat_of)["acknowledged"], 80);
  EXPECT_EQ(to_json(served, chat_of)["queues"]["switched_off"], 3);
}

TEST(SimulateReport, WhatStillWaitsInTheQueuesIsNotLostAndNotGood) {
  SimulateReport served = report();
  served.served = SimulateReport::Served{80, 20, 101, 0};
  served.proof = SimulateReport::Proof{Ledger::Verdict{}, true, 0};
  EXPECT_FALSE(served.good());
  EXPECT_THAT(to_text(served, chat_of), AllOf(HasSubstr("still waiting  20 in the provider's queues: no poller has deleted them yet"),
                                              HasSubstr("verdict        0 lost, 0 out of order\n")));
  served.proof.reset();
  EXPECT_FALSE(served.good());
  EXPECT_EQ(to_json(served, chat_of)["queues"]["waiting"], 20);
  served.served = SimulateReport::Served{0, 20, 0, 0};
  EXPECT_THAT(to_text(served, chat_of), HasSubstr("no poller has asked"));
  served.served->waiting = 0;
  EXPECT_FALSE(served.good()) << "nothing was fetched";
}

}  // namespace
}  // namespace hookfleet::cli
