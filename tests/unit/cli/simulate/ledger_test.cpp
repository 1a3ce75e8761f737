#include "cli/simulate/ledger.hpp"

#include <gtest/gtest.h>

namespace hookfleet::simulate {
namespace {

constexpr std::uint32_t kRun = 5;

Token token(std::uint64_t sequence, std::uint32_t chat = 0) { return {kRun, 1'101'000'001, chat, sequence}; }

class LedgerTest : public testing::Test {
 protected:
  /// So many of one chat, each acknowledged.
  void acknowledge(std::uint64_t count, Kind kind = Kind::kPlain, std::uint32_t chat = 0) {
    for (std::uint64_t i = 0; i < count; ++i) {
      ledger.sent(token(i, chat), kind);
      ledger.acknowledged(token(i, chat));
    }
  }
  void receive(std::initializer_list<std::uint64_t> sequences, std::uint32_t chat = 0) {
    for (const std::uint64_t sequence : sequences) ledger.received(token(sequence, chat));
  }
  Ledger ledger{kRun};
};

TEST_F(LedgerTest, IsKeptWhenAllWereReceivedInOrder) {
  acknowledge(3);
  receive({0, 1, 2});
  const auto verdict = ledger.verdict();
  EXPECT_TRUE(verdict.kept());
  EXPECT_EQ(verdict.acknowledged, 3U);
  EXPECT_EQ(verdict.received, 3U);
}

TEST_F(LedgerTest, NamesWhatIsLost) {
  acknowledge(3);
  receive({0, 2});
  EXPECT_EQ(ledger.missing(), 1U);
  const auto verdict = ledger.verdict();
  EXPECT_FALSE(verdict.kept());
  EXPECT_EQ(verdict.lost, 1U);
  EXPECT_EQ(verdict.lost_first, std::vector{token(1)});
}

TEST_F(LedgerTest, NamesWhatIsOutOfOrderAndByWhat) {
  acknowledge(4);
  receive({0, 3, 1, 2});
  const auto verdict = ledger.verdict();
  EXPECT_FALSE(verdict.kept());
  EXPECT_EQ(verdict.lost, 0U);
  EXPECT_EQ(verdict.out_of_order, 2U);
  ASSERT_EQ(verdict.out_of_order_first.size(), 2U);
  EXPECT_EQ(verdict.out_of_order_first[0].token, token(1));
  EXPECT_EQ(verdict.out_of_order_first[0].by, 3U);
}

TEST_F(LedgerTest, ARepeatIsNeitherLostNorOutOfOrder) {
  acknowledge(3);
  receive({0, 1, 0, 2, 1});
  EXPECT_TRUE(ledger.verdict().kept());
  EXPECT_EQ(ledger.verdict().received_again, 2U);
}

TEST_F(LedgerTest, OrderIsThatOfAChat) {
  acknowledge(2, Kind::kPlain, 0);
  acknowledge(2, Kind::kPlain, 1);
  receive({0, 1}, 1);
  receive({0, 1}, 0);
  EXPECT_TRUE(ledger.verdict().kept());
}

TEST_F(LedgerTest, WhatGotNo200MayComeOrNot) {
  ledger.sent(token(0), Kind::kPlain);
  ledger.sent(token(1), Kind::kPlain);
  receive({1});
  EXPECT_TRUE(ledger.verdict().kept());
  EXPECT_EQ(ledger.verdict().received, 1U);
}

TEST_F(LedgerTest, WhatIsReceivedBeforeItsAnswerIsKept) {
  ledger.sent(token(0), Kind::kPlain);
  receive({0});
  ledger.acknowledged(token(0));
  EXPECT_EQ(ledger.missing(), 0U);
  EXPECT_TRUE(ledger.verdict().kept());
}

TEST_F(LedgerTest, ADeadLetterIsNotLost) {
  acknowledge(2);
  receive({1});
  ledger.dead(token(0));
  ledger.dead(token(0));
  EXPECT_TRUE(ledger.verdict().kept());
  EXPECT_EQ(ledger.verdict().dead, 1U);
}

TEST_F(LedgerTest, BrokenOnesAreNoMatterOfOrderButOfLoss) {
  acknowledge(2, Kind::kMalformed);
  receive({1, 0});
  EXPECT_TRUE(ledger.verdict().kept());
  acknowledge(1, Kind::kInvalid, 1);
  EXPECT_EQ(ledger.verdict().lost, 1U);
}

TEST_F(LedgerTest, OtherRunsAndWhatWasNeverSentAreForeign) {
  acknowledge(1);
  ledger.received({kRun + 1, 1'101'000'001, 0, 0});
  receive({7});
  ledger.dead(token(9));
  ledger.foreign();
  const auto verdict = ledger.verdict();
  EXPECT_EQ(verdict.foreign, 3U);
  EXPECT_EQ(verdict.lost, 1U);
  EXPECT_EQ(verdict.dead, 0U);
}

TEST_F(LedgerTest, ListsSomeAndCountsAll) {
  acknowledge(100);
  EXPECT_EQ(ledger.verdict().lost, 100U);
  EXPECT_EQ(ledger.verdict().lost_first.size(), Ledger::kListMax);
}

}  // namespace
}  // namespace hookfleet::simulate
