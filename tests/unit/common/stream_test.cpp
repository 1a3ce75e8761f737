#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/redis/reply.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "common/stream/layout.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/news.hpp"
#include "common/stream/poll_trouble.hpp"
#include "common/stream/scripts.hpp"
#include "common/stream/settings.hpp"
#include "common/stream/type_hold.hpp"

namespace hookfleet::stream {
namespace {

using namespace std::string_literals;
using namespace std::chrono_literals;

std::string resp(const std::vector<std::string>& texts) {
  std::string out = "*" + std::to_string(texts.size()) + "\r\n";
  for (const auto& text : texts) out += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  return out;
}

redis::Reply fields(const std::vector<std::string>& texts) { return *redis::Reply::parse(resp(texts)); }

const std::vector<std::string> kEntryFields{"v",  "1",
                                            "id", "018bcfe5-687b-7000-8000-000000000001",
                                            "i",  "1101000001",
                                            "c",  "79001234567@c.us",
                                            "t",  "incomingMessageReceived",
                                            "r",  "1700000000123",
                                            "s",  "webhook",
                                            "q",  "request-1",
                                            "b",  "{\"a\":\0}"s};

const Entry kEntry{"018bcfe5-687b-7000-8000-000000000001",
                   1101000001,
                   "79001234567@c.us",
                   "incomingMessageReceived",
                   1700000000123,
                   Source::kWebhook,
                   "request-1",
                   "{\"a\":\0}"s};

// Golden: what stands in Redis. A change here breaks what running fleets have stored.
TEST(Keys, TagsAreBalancedOverTheSlotsOfACluster) {
  const Keys keys({"hf", 32, PartitionBy::kChat});
  ASSERT_EQ(keys.partitions(), 32U);
  const char* first[] = {"0.13", "1.21", "2.60", "3.52", "4.170", "5.32"};
  for (unsigned partition = 0; partition < 6; ++partition) EXPECT_EQ(keys.tag(partition), first[partition]);
  EXPECT_EQ(keys.stream(0), "hf:{0.13}:s");
  EXPECT_EQ(keys.ctl(1), "hf:{1.21}:ctl");
  EXPECT_EQ(keys.att(1), "hf:{1.21}:att");
  EXPECT_EQ(keys.dlq(1), "hf:{1.21}:dlq");
  EXPECT_EQ(keys.cnt(1), "hf:{1.21}:cnt");
  EXPECT_EQ(keys.inst(1), "hf:{1.21}:inst");
  EXPECT_EQ(keys.mark(1, "0123456789abcdef"), "hf:{1.21}:m:0123456789abcdef");
  EXPECT_EQ(keys.of(1, "msg:x"), "hf:{1.21}:msg:x");
  EXPECT_EQ(keys.meta(), "hf:meta");
  EXPECT_EQ(keys.members(), "hf:members");
  EXPECT_EQ(keys.news(), "hf:news");
}

TEST(Keys, ExistForEveryNumberOfPartitionsAllowed) {
  EXPECT_EQ(Keys({"hf", 1, PartitionBy::kChat}).tag(0), "0.0");
  EXPECT_EQ(Keys({"hf", kPartitionsMax, PartitionBy::kChat}).partitions(), kPartitionsMax);
}

TEST(Partition, IsXxh3OfInstanceNulOrderKey) {
  EXPECT_EQ(partition_of(1101000001, "79001234567@c.us", 32), 9U);
  EXPECT_EQ(partition_of(1101000001, "1101000001", 32), 31U);
  EXPECT_EQ(partition_of(0, "0", 32), 9U);
  EXPECT_EQ(partition_of(9223372036854775807, "120363000000000000@g.us", 32), 26U);
  EXPECT_LT(partition_of(1, std::string(5000, 'x'), 7), 7U);
}

TEST(Partition, OrderKeyIsTheChatOnlyWhenThereIsOneAndTheLayoutSaysSo) {
  EXPECT_EQ(order_key({"hf", 32, PartitionBy::kChat}, 7, "a@c.us"), "a@c.us");
  EXPECT_EQ(order_key({"hf", 32, PartitionBy::kChat}, 7, ""), "7");
  EXPECT_EQ(order_key({"hf", 32, PartitionBy::kInstance}, 7, "a@c.us"), "7");
}

TEST(Entry, IsWrittenInItsFixedOrder) {
  const std::string key = "hf:{0.13}:s";
  const XaddCommand command(key, kEntry);
  std::vector<std::string> expected{"XADD", key, "*"};
  expected.insert(expected.end(), kEntryFields.begin(), kEntryFields.end());
  EXPECT_EQ(std::vector<std::string>(command.argv().begin(), command.argv().end()), expected);
}

TEST(Entry, IsReadBackAndUnknownFieldsAreIgnored) {
  auto texts = kEntryFields;
  texts.insert(texts.end(), {"x", "later"});
  const redis::Reply reply = fields(texts);
  const auto entry = decode(reply.view());
  ASSERT_TRUE(entry.has_value()) << entry.error();
  EXPECT_EQ(*entry, kEntry);
}

TEST(Entry, AForeignRecordIsNamedNotGuessed) {
  const struct {
    std::size_t index;
    const char* value;
    const char* error;
  } rows[] = {{1, "2", "version 2 is not known"},
              {3, "x", "field id is no UUID"},
              {5, "-1", "field i is no instance"},
              {5, "", "field i is no instance"},
              {11, "yesterday", "field r is no time"},
              {13, "fax", "field s is no source"},
              {16, "body", "no field b"},
              {5, "9223372036854775808", "field i is no instance"}};
  for (const auto& row : rows) {
    auto texts = kEntryFields;
    texts[row.index] = row.value;
    const redis::Reply reply = fields(texts);
    const auto entry = decode(reply.view());
    ASSERT_FALSE(entry.has_value()) << row.error;
    EXPECT_EQ(entry.error(), row.error);
  }
  EXPECT_FALSE(decode(redis::Reply::parse("$-1\r\n")->view()).has_value());
}

TEST(StreamId, ReadsWhatItWritesAndSorts) {
  EXPECT_EQ(StreamId::parse("1700000000000-12"), (StreamId{1700000000000, 12}));
  EXPECT_EQ((StreamId{1, 2}).text(), "1-2");
  EXPECT_LT((StreamId{1, 9}), (StreamId{2, 0}));
  for (const char* text : {"", "1", "-", "1-", "-1", "1-x", "1-2 ", "18446744073709551616-0"}) EXPECT_FALSE(StreamId::parse(text)) << text;
}

TEST(PollTrouble, StandsInTheLeaseAsItHas) {
  const PollTrouble trouble{.epoch = "7", .since_ms = 1750000000000, .kind = "unauthorized", .message = "HTTP 401: \"no\""};
  EXPECT_EQ(trouble.text(), "11:7,13:1750000000000,12:unauthorized,14:HTTP 401: \"no\",");
  EXPECT_EQ(PollTrouble::parse(trouble.text()), trouble);
  for (const char* odd : {"", "2", "11:7,", "11:7,1:x,1:a,1:b,", "11:7,1:5,1:a,1:b,rest"})
    EXPECT_EQ(PollTrouble::parse(odd), std::nullopt) << odd;
}

TEST(TypeHold, IsPinnedAndReadBack) {
  const TypeHold hold{.since_ms = 1750000000000, .crashes = {{{1, 2}, 3}, {{4, 5}, 6}}};
  EXPECT_EQ(hold.text(), "113:1750000000000,3:1-2,1:3,3:4-5,1:6,");
  EXPECT_EQ(TypeHold::parse(hold.text()), hold);
  EXPECT_EQ(hold_field("incomingCall"), "hold:incomingCall");
  EXPECT_EQ(held_type("hold:incomingCall"), "incomingCall");
  EXPECT_FALSE(held_type("owner"));
}

TEST(TypeHold, OfAnotherFormatOrBrokenIsNothing) {
  for (const char* text : {"", "2", "1", "113:1750000000000,3:1-2,", "11:0,3:x-2,1:3,"}) EXPECT_FALSE(TypeHold::parse(text)) << text;
}

TEST(Mark, TextIsStableAndParses) {
  const Mark mark{1700000000123, "018bcfe5-687b-7000-8000-0000000000ff", {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 0, 0, 0, 0, 0, 0, 9}}};
  EXPECT_EQ(
      mark.text(),
      "11700000000123\x01\x8b\xcf\xe5\x68\x7b\x70\x00\x80\x00\x00\x00\x00\x00\x00\xff\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00\x00\x00\x00\x00\x00\x09"s);
  EXPECT_EQ(Mark::parse(mark.text()), mark);
  EXPECT_TRUE(mark.knows({9, 0, 0, 0, 0, 0, 0, 9}));
  EXPECT_FALSE(mark.knows({9, 0, 0, 0, 0, 0, 0, 8}));
}

TEST(Mark, OtherFormatsAreNoMark) {
  const std::string good = Mark{1, "018bcfe5-687b-7000-8000-0000000000ff", {{}}}.text();
  ASSERT_TRUE(Mark::parse(good));
  for (const std::string& text : {""s, "1"s, "2" + good.substr(1), good.substr(0, 30), good + "x", "1x" + good.substr(2)})
    EXPECT_FALSE(Mark::parse(text)) << text;
}

TEST(Attempts, SurviveTheirText) {
  Attempts attempts{3, 1, Trouble::kUnavailable, 1700000000123, 1, 2, {}};
  EXPECT_EQ(attempts.text(), "11:3,1:1,11:unavailable,13:1700000000123,1:1,1:2,");
  EXPECT_EQ(Attempts::parse(attempts.text()), attempts);
  attempts.finished = {{"forward", {}},
                       {"handler:message",
                        {{Effect::Op::kAdvance, Effect::On::kMessage, std::string(16, '\0'), "status", "3 read,1:", 30 * 24h},
                         {Effect::Op::kIncrement, Effect::On::kCounts, "", "a", "-1", 0ms}}}};
  EXPECT_EQ(Attempts::parse(attempts.text()), attempts);
}

TEST(Attempts, BrokenTextIsNothing) {
  const std::string good = Attempts{3, 1, Trouble::kFailed, 5, 1, 2, {{"a", {{}}}}}.text();
  ASSERT_TRUE(Attempts::parse(good));
  EXPECT_FALSE(Attempts::parse("2" + good.substr(1)));
  EXPECT_FALSE(Attempts::parse("11:3,1:1,5:weird,1:0,1:1,1:2,"));
  EXPECT_FALSE(Attempts::parse("199999999999999999999:3,"));
  EXPECT_FALSE(Attempts::parse("118446744073709551615:3,"));
  // Each cut but the one before the first action.
  const std::size_t without_actions = Attempts{3, 1, Trouble::kFailed, 5, 1, 2, {}}.text().size();
  for (std::size_t size = 0; size < good.size(); ++size) {
    if (size != without_actions) {
      EXPECT_FALSE(Attempts::parse(good.substr(0, size))) << size;
    }
  }
}

TEST(DeadLetter, IsReadBehindItsEntry) {
  auto texts = kEntryFields;
  texts.insert(texts.end(), {"dead", "1", "orig", "17-1", "class", "rejected", "error", "no", "attempts", "2", "first", "5", "last", "6",
                             "worker", "w", "actions", ""});
  const redis::Reply reply = fields(texts);
  const auto letter = decode_dead_letter(reply.view());
  ASSERT_TRUE(letter.has_value()) << letter.error();
  EXPECT_EQ(letter->original, (StreamId{17, 1}));
  EXPECT_EQ(letter->death, (Death{DeadClass::kRejected, "no", 2, 5, 6, "w", {}}));
  EXPECT_EQ(letter->entry, kEntry);
}

TEST(DeadLetter, OfAForeignEntryIsReadToo) {
  const redis::Reply reply = fields({"dead", "x",        "class", "y",     "dead", "1",    "orig", "17-1",   "class", "malformed", "error",
                                     "",     "attempts", "0",     "first", "0",    "last", "0",    "worker", "w",     "actions",   ""});
  const auto letter = decode_dead_letter(reply.view());
  ASSERT_TRUE(letter.has_value()) << letter.error();
  EXPECT_EQ(letter->death.dead_class, DeadClass::kMalformed);
  EXPECT_FALSE(letter->entry.has_value());
  const redis::Reply none = fields(kEntryFields);
  EXPECT_FALSE(decode_dead_letter(none.view()).has_value());
}

TEST(Layout, ADifferenceSaysHowToChangeIt) {
  const Layout layout{"hf", 32, PartitionBy::kChat};
  EXPECT_EQ(to_text(layout), "1 32 chat");
  EXPECT_FALSE(difference(layout, "1 32 chat"));
  const auto text = difference(layout, "1 16 instance");
  ASSERT_TRUE(text);
  for (const char* part : {"1 32 chat", "1 16 instance", "hookfleet layout clear", "stream.partitions"})
    EXPECT_NE(text->find(part), std::string::npos) << part;
}

TEST(StreamSettings, AreReadAndBounded) {
  config::Settings settings;
  Layout layout;
  declare(settings, layout);
  EXPECT_TRUE(settings.load("", {}, {{"redis.prefix", "other"}, {"stream.partitions", "64"}, {"stream.partition_by", "instance"}}).empty());
  EXPECT_EQ(to_text(layout), "1 64 instance");
  EXPECT_EQ(Keys(layout).meta(), "other:meta");
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"redis.prefix", ""},
                                                                                   {"redis.prefix", "a{b}"},
                                                                                   {"stream.partitions", "0"},
                                                                                   {"stream.partitions", "1025"},
                                                                                   {"stream.partition_by", "moon"}}) {
    config::Settings strict;
    Layout untouched;
    declare(strict, untouched);
    EXPECT_EQ(strict.load("", {}, {{key, value}}).size(), 1U) << key << '=' << value;
  }
}

TEST(AckBatch, IsAFlatCommandThatTheScriptReads) {
  const Scripts scripts;
  const Keys keys({"hf", 32, PartitionBy::kChat});
  AckBatch batch(scripts, keys, 25h);
  const std::vector<Effect> effects{{Effect::Op::kIncrement, Effect::On::kCounts, "", "done", "1", 0ms}};
  const Death death{DeadClass::kFailed, std::string(1023, 'e') + "\xC3\xA9", 8, 1, 2, "w", {}};
  for (int round = 0; round < 2; ++round) {  // reused, it starts afresh
    batch.start({"me", "17", 1});
    batch.add({1, 0}, Seen{{'i'}, {'d'}, 5, "018bcfe5-687b-7000-8000-0000000000ff"});
    batch.add({2, 0}, std::nullopt, effects, &death);
    const redis::Argv argv = batch.argv();
    ASSERT_EQ(argv.size(), 3U + 6 + 3 + 3 + 3 + 4 + 1 + 18);
    EXPECT_EQ(argv[2], "6");
    EXPECT_EQ(argv[3], "hf:{1.21}:ctl");
    EXPECT_EQ(argv[7], "hf:{1.21}:m:i" + std::string(15, '\0'));
    EXPECT_EQ(argv[8], "hf:{1.21}:cnt");
    EXPECT_EQ(argv[9], "me");
    EXPECT_EQ(argv[10], "17");
    EXPECT_EQ(argv[11], "90000000");
    EXPECT_EQ(argv[12], "1-0");
    EXPECT_EQ(argv[13].size(), 38U);
    EXPECT_EQ(argv[14], "");
    EXPECT_EQ(argv[15], "2-0");
    EXPECT_EQ(argv[17], "1");
    EXPECT_EQ(argv[22], "18");
    EXPECT_EQ(argv[30], std::string(1023, 'e')) << "cut before the character that doesn't fit";
  }
}

TEST(BatchAnswer, OnlyAWholeAnswerCounts) {
  const auto kind = [](const std::string& text, std::size_t entries) {
    return BatchAnswer(redis::Reply::parse(text)->view(), entries).kind();
  };
  EXPECT_EQ(kind("$2\r\nwg\r\n", 2), BatchAnswer::Kind::kAnswered);
  EXPECT_EQ(kind("$2\r\nwg\r\n", 3), BatchAnswer::Kind::kError);
  EXPECT_EQ(kind("$2\r\nwx\r\n", 2), BatchAnswer::Kind::kError);
  EXPECT_EQ(kind(":-1\r\n", 2), BatchAnswer::Kind::kFenced);
  EXPECT_EQ(kind(":2\r\n", 2), BatchAnswer::Kind::kError);
  EXPECT_EQ(kind("$-1\r\n", 0), BatchAnswer::Kind::kError);
  const redis::Reply reply = fields({"rwr", "why", "because"});
  const BatchAnswer answer(reply.view(), 3);
  EXPECT_EQ(answer.kind(), BatchAnswer::Kind::kAnswered);
  EXPECT_EQ(answer.reason(0), "why");
  EXPECT_EQ(answer.reason(2), "because");
  EXPECT_EQ(answer.count(Written::kRefused), 2U);
}

TEST(News, ReadsWhatItWrote) {
  const News news{1'750'000'000'123, "host:1:aa", "01890000-0000-7000-8000-000000000001", 1101000001, "ne\nw", 9, std::string("{\0}", 3)};
  EXPECT_EQ(News::parse(news.text()), news);
  EXPECT_EQ(news.text().substr(0, 18), "113:1750000000123,");
  for (const char* text : {"", "2", "11:x,", "113:1750000000123,"}) EXPECT_FALSE(News::parse(text)) << text;
}

TEST(Kind, IsAFieldOfBoundedLength) {
  const Kind kind = Kind::of(Kind::What::kTypeMessage, "new:one");
  EXPECT_EQ(kind.field(), "typeMessage:new:one");
  EXPECT_EQ(Kind::parse("typeMessage:new:one"), kind);
  EXPECT_FALSE(Kind::parse("somethingElse:x"));
  EXPECT_FALSE(Kind::parse("typeMessage"));
  const Kind a = Kind::of(Kind::What::kTypeWebhook, std::string(5000, 'x')), b = Kind::of(Kind::What::kTypeWebhook, std::string(5001, 'x'));
  EXPECT_EQ(a.name.size(), kNewsNameMax);
  EXPECT_NE(a, b) << "what is cut is told apart all the same";
}

}  // namespace
}  // namespace hookfleet::stream
