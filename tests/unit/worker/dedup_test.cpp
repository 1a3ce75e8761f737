#include "worker/dedup/identities.hpp"

#include <gtest/gtest.h>

namespace hookfleet::dedup {
namespace {

using Judgement = Record::Judgement;
constexpr notification::BodyDigest kA{'a'}, kB{'b'}, kC{'c'};
constexpr std::int64_t kNow = 1'750'000'000'000;

stream::Mark mark(std::vector<notification::BodyDigest> digests, std::int64_t received_ms = kNow) {
  return {received_ms, "00000000-0000-7000-8000-000000000001", std::move(digests)};
}

TEST(Record, NothingKnownIsFirst) { EXPECT_EQ(Record().judge(kA, kNow, false), Judgement::kFirst); }

TEST(Record, ADigestOfTheMarkIsARepeatAlsoWhenOthersFollowed) {
  Record record;
  record.learn(mark({kA, kB}));
  EXPECT_EQ(record.judge(kA, kNow + 1, false), Judgement::kRepeat);
  EXPECT_EQ(record.judge(kB, kNow + 1, false), Judgement::kRepeat);
  EXPECT_EQ(record.judge(kC, kNow + 1, false), Judgement::kChanged);
  EXPECT_EQ(record.first_id(), "00000000-0000-7000-8000-000000000001");
}

TEST(Record, WhatEndedHereIsKnownBeforeItIsMarked) {
  Record record;
  record.ended(kA, kNow, "x", false);
  EXPECT_EQ(record.judge(kA, kNow + 1, false), Judgement::kRepeat);
  EXPECT_EQ(record.judge(kB, kNow + 1, false), Judgement::kChanged);
  EXPECT_EQ(record.first_id(), "x");
}

TEST(Record, AnotherContentReceivedLongBeforeTheHandledOneIsStale) {
  Record record;
  record.learn(mark({kB}, kNow));
  EXPECT_EQ(record.judge(kA, kNow - 30'000, false), Judgement::kChanged);
  EXPECT_EQ(record.judge(kA, kNow - 30'001, false), Judgement::kStale);
  EXPECT_EQ(record.judge(kA, kNow - 30'001, true), Judgement::kStale) << "redriven ones too";
}

TEST(Record, ARedrivenOnePassesItsOwnDeath) {
  Record record;
  record.learn(mark({kA}));
  record.ended(kA, kNow, "x", true);
  EXPECT_EQ(record.judge(kA, kNow, true), Judgement::kFirst);
  EXPECT_EQ(record.judge(kA, kNow, false), Judgement::kRepeat) << "a copy of it does not";
}

TEST(Record, ARedrivenOneThatWasHandledSinceIsARepeat) {
  Record record;
  record.ended(kA, kNow, "x", false);
  EXPECT_EQ(record.judge(kA, kNow, true), Judgement::kRepeat);
  record.ended(kA, kNow, "x", true);
  EXPECT_EQ(record.judge(kA, kNow, true), Judgement::kRepeat);
}

TEST(Identities, KeepARecordAsLongAsAnEntryOfItIsThere) {
  Identities identities;
  const notification::Identity identity{1};
  identities.enter(identity).ended(kA, kNow, "x", false);
  identities.enter(identity);
  identities.leave(identity);
  ASSERT_NE(identities.find(identity), nullptr);
  EXPECT_EQ(identities.find(identity)->judge(kA, kNow, false), Judgement::kRepeat);
  identities.leave(identity);
  EXPECT_EQ(identities.find(identity), nullptr);
  EXPECT_EQ(identities.size(), 0U);
}

TEST(ChangedPolicy, StatusesAreDroppedAndTheRestIsHandledByDefault) {
  const Options options;
  EXPECT_EQ(options.changed_of(notification::TypeWebhook::kOutgoingMessageStatus), Changed::kDrop);
  EXPECT_EQ(options.changed_of(notification::TypeWebhook::kOutgoingAPIMessageReceived), Changed::kHandle);
  EXPECT_EQ(options.changed_of(std::nullopt), Changed::kHandle);
}

}  // namespace
}  // namespace hookfleet::dedup
