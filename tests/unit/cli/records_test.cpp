#include "cli/records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace hookfleet::cli {
namespace {

using testing::HasSubstr;

const base::WallTime kNow = base::from_unix_ms(1'764'113'835'123);

Found letter(std::uint64_t instance, const std::string& chat, const std::string& type, stream::DeadClass dead_class) {
  Found found;
  found.ref = {3, {1'764'113'000'000, 1}};
  found.dead = true;
  found.entry =
      stream::Entry{"01a2152b-1a0f-72e9-942a-9ab98fc366a9", instance, chat, type, 1'764'112'000'000, stream::Source::kWebhook, "q", "{}"};
  found.death.emplace().dead_class = dead_class;
  return found;
}

TEST(Ref, ReadsWhatItWrites) {
  const Ref ref{7, {1'764'113'835'123, 2}};
  EXPECT_EQ(ref.text(), "7/1764113835123-2");
  EXPECT_EQ(Ref::parse(ref.text()), ref);
  for (const char* wrong : {"", "7", "7/", "/1-1", "7/1", "x/1-1", "7/1-x", "-1/1-1", "7/1-1 "}) EXPECT_FALSE(Ref::parse(wrong)) << wrong;
}

TEST(Filter, WithoutAnythingGivenAllMatch) {
  Filter filter;
  ASSERT_TRUE(filter.prepare(kNow));
  EXPECT_TRUE(filter.all());
  EXPECT_TRUE(filter.matches(letter(1, "a", "t", stream::DeadClass::kFailed)));
  Found foreign;
  foreign.dead = true;
  EXPECT_TRUE(filter.matches(foreign));
  EXPECT_EQ(filter.from(), "-");
  EXPECT_EQ(filter.to(), "+");
}

TEST(Filter, EachPartMustHold) {
  Filter filter;
  filter.type = "incomingCall";
  filter.instance = "1101000001";
  filter.chat = "7900:12@c.us";
  filter.dead_class = "crash";
  ASSERT_TRUE(filter.prepare(kNow));
  EXPECT_TRUE(filter.matches(letter(1101000001, "7900@c.us", "incomingCall", stream::DeadClass::kCrash)))
      << "the device is no part of a chat";
  EXPECT_FALSE(filter.matches(letter(1101000002, "7900@c.us", "incomingCall", stream::DeadClass::kCrash)));
  EXPECT_FALSE(filter.matches(letter(1101000001, "7901@c.us", "incomingCall", stream::DeadClass::kCrash)));
  EXPECT_FALSE(filter.matches(letter(1101000001, "7900@c.us", "outgoingCall", stream::DeadClass::kCrash)));
  EXPECT_FALSE(filter.matches(letter(1101000001, "7900@c.us", "incomingCall", stream::DeadClass::kFailed)));
  Found foreign;
  EXPECT_FALSE(filter.matches(foreign));
}

TEST(Filter, TimesBecomeBoundsOfTheStream) {
  Filter filter;
  filter.since = "1h";
  filter.until = "2025-11-25T23:00:00Z";
  ASSERT_TRUE(filter.prepare(kNow));
  EXPECT_EQ(filter.from(), "1764110235123");
  EXPECT_EQ(filter.to(), "1764111600000");
  EXPECT_FALSE(filter.all());
  EXPECT_EQ(filter.text(), "since=2025-11-25T22:37:15.123Z until=2025-11-25T23:00:00.000Z");
}

TEST(Filter, SaysWhatIsWrong) {
  const auto error = [](auto change) {
    Filter filter;
    change(filter);
    const auto prepared = filter.prepare(kNow);
    return prepared ? std::string() : prepared.error();
  };
  EXPECT_THAT(error([](Filter& f) { f.instance = "abc"; }), HasSubstr("--instance: \"abc\" is no idInstance"));
  EXPECT_THAT(error([](Filter& f) { f.instance = "-1"; }), HasSubstr("is no idInstance"));
  EXPECT_THAT(error([](Filter& f) { f.since = "soon"; }), HasSubstr("--since: \"soon\" is no time"));
  EXPECT_THAT(error([](Filter& f) { f.since = "1h", f.until = "2h"; }), HasSubstr("--since lies behind --until"));
}

TEST(Filter, KnowsThePartitionWhenInstanceAndChatAreGiven) {
  stream::Layout layout;
  Filter filter;
  filter.instance = "1101000001";
  ASSERT_TRUE(filter.prepare(kNow));
  EXPECT_EQ(filter.partition(layout), std::nullopt);
  layout.partition_by = stream::PartitionBy::kInstance;
  EXPECT_EQ(filter.partition(layout), stream::partition_of(1101000001, "1101000001", 32));
  layout.partition_by = stream::PartitionBy::kChat;
  filter.chat = "7900@c.us";
  EXPECT_EQ(filter.partition(layout), stream::partition_of(1101000001, "7900@c.us", 32));
}

TEST(RecordJson, BytesThatAreNoTextAreBase64) {
  Found found = letter(1, "a", "t", stream::DeadClass::kMalformed);
  EXPECT_EQ(to_json(found, true)["body"], "{}");
  EXPECT_FALSE(to_json(found, false).contains("body"));
  found.entry->body = "\xff\xfe";
  const Json json = to_json(found, true);
  EXPECT_FALSE(json.contains("body"));
  EXPECT_EQ(json["body_base64"], "//4=");
  EXPECT_EQ(json["death"]["class"], "malformed");
  EXPECT_EQ(json["ref"], "3/1764113000000-1");
}

TEST(RecordJson, WhatIsNoEntryOfOursKeepsItsFields) {
  const auto reply = redis::Reply::parse("*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nx\r\n$2\r\n\xff!\r\n");
  ASSERT_TRUE(reply);
  const Found found = read_record(0, true, reply->view());
  EXPECT_FALSE(found.entry);
  EXPECT_FALSE(found.foreign.empty());
  const Json json = to_json(found, true);
  EXPECT_EQ(json["fields"][0]["name"], "x");
  EXPECT_EQ(json["fields"][0]["value_base64"], "/yE=");
}

}  // namespace
}  // namespace hookfleet::cli
