#include <gtest/gtest.h>

#include "worker/drift/sightings.hpp"

namespace hookfleet::drift {
namespace {

using namespace std::chrono_literals;
using stream::Kind;
using Claimed = stream::NewsAnswer::Claimed;

class SightingsTest : public testing::Test {
 protected:
  static std::shared_ptr<const dispatch::Content> content(const std::string& type, const std::string& body = "{}") {
    auto made = std::make_shared<dispatch::Content>();
    made->notification.id = "id-of-" + type.substr(0, 30);
    made->notification.id_instance = 7;
    made->notification.type_webhook = type;
    made->notification.received = base::from_unix_ms(1'750'000'000'123);
    made->notification.body = std::make_shared<const std::string>(body);
    made->unknown = {Kind::of(Kind::What::kTypeWebhook, type)};
    return made;
  }
  /// Sees a type and gives the number of the claim that is to be made; 0: none.
  std::uint64_t see(const std::string& type) {
    sightings.see(content(type), now);
    const Claim* claim = sightings.next();
    return claim != nullptr ? claim->number : 0;
  }
  base::BootTime now{std::chrono::hours(1)};
  Sightings sightings{"host:1:aa"};
};

TEST_F(SightingsTest, TheFirstOfTheFleetIsGivenBackToBeTold) {
  const auto number = see("new");
  ASSERT_NE(number, 0U);
  const auto claim = sightings.answered(number, Claimed::kFirst, now);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->kind, (Kind{Kind::What::kTypeWebhook, "new"}));
  const auto news = stream::News::parse(claim->news);
  ASSERT_TRUE(news);
  EXPECT_EQ(*news, (stream::News{1'750'000'000'123, "host:1:aa", "id-of-new", 7, "new", 2, "{}"}));
  EXPECT_EQ(see("new"), 0U) << "known from now on";
}

TEST_F(SightingsTest, WhatAnotherToldIsNotToldAgain) {
  EXPECT_FALSE(sightings.answered(see("new"), Claimed::kKnown, now));
  EXPECT_EQ(see("new"), 0U);
}

TEST_F(SightingsTest, OneThatWaitsForItsAnswerIsNotClaimedTwice) {
  ASSERT_NE(see("new"), 0U);
  EXPECT_EQ(see("new"), 0U);
  EXPECT_EQ(sightings.claims(), 1U);
}

TEST_F(SightingsTest, AClaimWhoseAnswerIsLostIsMadeAgainAsItWas) {
  sightings.see(content("new"), now);
  const Claim* claim = sightings.next();
  const std::string news = claim->news;
  const auto number = claim->number;
  sightings.disconnected();
  claim = sightings.next();
  ASSERT_NE(claim, nullptr);
  EXPECT_EQ(claim->number, number);
  EXPECT_EQ(claim->news, news) << "the script answers the same text as before";
  EXPECT_TRUE(sightings.answered(number, Claimed::kFirst, now));
  EXPECT_FALSE(sightings.answered(number, Claimed::kFirst, now)) << "once";
}

TEST_F(SightingsTest, AnswersComeInAnyOrderOfClaims) {
  const auto first = see("a"), second = see("b");
  EXPECT_EQ(sightings.answered(second, Claimed::kFirst, now)->kind.name, "b");
  const auto third = see("c");
  EXPECT_EQ(sightings.answered(first, Claimed::kFirst, now)->kind.name, "a");
  EXPECT_EQ(sightings.answered(third, Claimed::kFirst, now)->kind.name, "c");
}

TEST_F(SightingsTest, AfterARefusalThereIsAPause) {
  sightings.refused(see("new"), now);
  EXPECT_EQ(see("new"), 0U);
  now += Sightings::kPauseWhenRefused;
  EXPECT_NE(see("new"), 0U);
}

TEST_F(SightingsTest, WhenTheFleetRemembersEnoughThereIsALongerOne) {
  EXPECT_FALSE(sightings.answered(see("new"), Claimed::kFull, now));
  now += Sightings::kPauseWhenRefused;
  EXPECT_EQ(see("other"), 0U);
  now += Sightings::kPauseWhenFull;
  EXPECT_NE(see("other"), 0U);
}

TEST_F(SightingsTest, IsBoundedWhateverComes) {
  for (int i = 0; i < 10'000; ++i) sightings.see(content(std::string(5000, 'x') + std::to_string(i), std::string(100'000, 'b')), now);
  EXPECT_EQ(sightings.claims(), Sightings::kClaimsMax);
  while (const Claim* claim = sightings.next()) {
    EXPECT_LE(claim->kind.name.size(), stream::kNewsNameMax);
    EXPECT_LE(claim->news.size(), stream::kNewsSampleMax + 512);
    sightings.answered(claim->number, Claimed::kKnown, now);
  }
  for (int i = 0; i < 10'000; ++i) {
    if (const auto number = see("t" + std::to_string(i))) sightings.answered(number, Claimed::kKnown, now);
    ASSERT_LE(sightings.known(), Sightings::kKnownMax);
  }
}

}  // namespace
}  // namespace hookfleet::drift
