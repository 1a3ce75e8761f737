#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ctime>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include <nlohmann/json.hpp>

#include "common/digest/digest.hpp"
#include "common/notification/envelope.hpp"
#include "common/notification/identity.hpp"
#include "common/notification/notification.hpp"
#include "common/notification/trace.hpp"
#include "common/notification/types.hpp"
#include "tests/support/samples.hpp"

namespace hookfleet::notification {
namespace {

using support::sample;
using support::samples;
using testing::HasSubstr;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// An object of `count` keys `<prefix><number>`.
std::string keys(std::size_t count, const std::string& prefix = "k") {
  std::string out = "{";
  for (std::size_t i = 0; i < count; ++i) out.append(i == 0 ? "\"" : ",\"").append(prefix).append(std::to_string(i)).append("\":0");
  return out + "}";
}

Malformed judged(std::string_view body) { return read_envelope(body).malformed; }

std::string hex(const auto& digest) { return digest::to_hex(digest::as_bytes(digest)); }

Identity identity_of_entry(std::string_view body) {
  const Envelope envelope = read_envelope(body);
  return identity_of(envelope.id_instance.value_or(7), envelope.type_webhook, envelope.chat, envelope, body);
}

// --- Types

TEST(Types, FindsEachDocumentedNameAndNothingElse) {
  EXPECT_EQ(type_webhook_names().size(), 11U);
  for (const auto name : type_webhook_names()) {
    const auto type = find_type_webhook(name);
    ASSERT_TRUE(type.has_value()) << name;
    EXPECT_EQ(to_text(*type), name);
  }
  for (const auto name : {"", "incomingmessagereceived", "incomingMessageReceived ", "other"})
    EXPECT_FALSE(find_type_webhook(name)) << name;
}

TEST(Types, LabelsComeFromAClosedSetThatOutlivesTheBody) {
  std::string name = "incomingCall";
  const auto known = type_label(name);
  name.assign(name.size(), 'x');
  EXPECT_EQ(known, "incomingCall");
  EXPECT_EQ(type_label(name), "other");
  EXPECT_EQ(type_message_label("pollMessage"), "pollMessage");
  EXPECT_EQ(type_message_label("pollmessage"), "other");
}

TEST(Types, OnlyTheThreeMessageTypesAreMessages) {
  std::set<std::string_view> messages;
  for (const auto name : type_webhook_names()) {
    if (is_message(*find_type_webhook(name))) messages.insert(name);
  }
  EXPECT_THAT(messages, testing::ElementsAre("incomingMessageReceived", "outgoingAPIMessageReceived", "outgoingMessageReceived"));
}

TEST(Types, EveryTypeMessageOfTheSamplesIsKnown) {
  std::set<std::string> seen;
  for (const auto& each : samples()) {
    const Envelope envelope = read_envelope(each.body);
    if (envelope.type_message.empty()) continue;
    EXPECT_TRUE(is_known_type_message(envelope.type_message)) << each.path;
    seen.insert(envelope.type_message);
  }
  EXPECT_EQ(seen.size(), type_message_names().size());
}

TEST(Types, EveryStatusOfTheSamplesIsKnown) {
  std::set<std::string> messages, calls;
  for (const auto& each : samples()) {
    const Envelope envelope = read_envelope(each.body);
    if (envelope.status.empty()) continue;
    const bool message = envelope.type_webhook == "outgoingMessageStatus";
    const auto documented = message ? message_statuses() : call_statuses();
    EXPECT_NE(std::find(documented.begin(), documented.end(), envelope.status), documented.end()) << each.path;
    (message ? messages : calls).insert(envelope.status);
  }
  EXPECT_EQ(messages.size(), message_statuses().size());
  EXPECT_EQ(calls.size(), call_statuses().size());
}

TEST(Types, ChatsHaveAKindByTheirIdAndType) {
  struct Row {
    const char* chat;
    const char* type;
    std::optional<ChatKind> kind;
  };
  const Row rows[] = {
      {"79001234567@c.us", "", ChatKind::kPrivate},
      {"120650379300963@lid", "", ChatKind::kPrivate},
      {"120363039326117111@g.us", "", ChatKind::kGroup},
      {"120363039326117111@g.us", "user", ChatKind::kGroup},
      {"120363039326117111@newsletter", "", ChatKind::kOther},
      {"status@broadcast", "", ChatKind::kOther},
      {"10000000", "", ChatKind::kPrivate},
      {"-10000000", "", ChatKind::kGroup},
      {"10000000", "user", ChatKind::kPrivate},
      {"10000000", "bot", ChatKind::kPrivate},
      {"10000000", "group", ChatKind::kGroup},
      {"-10000000", "supergroup", ChatKind::kGroup},
      {"-10000000", "channel", ChatKind::kOther},
      {"-10000000", "user", ChatKind::kPrivate},
      {"-10000000", "surprise", ChatKind::kGroup},
      {"-", "", ChatKind::kOther},
      {"1000a", "group", ChatKind::kOther},
      {"", "group", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(chat_kind(row.chat, row.type), row.kind) << row.chat << ' ' << row.type;
}

TEST(Types, TheChatsOfAllExamplesAreOfAKindThatTheirFormSays) {
  std::set<ChatKind> seen;
  for (const auto& each : samples()) {
    const Envelope envelope = read_envelope(each.body);
    const auto kind = chat_kind(envelope.chat, envelope.chat_type);
    EXPECT_EQ(kind.has_value(), !envelope.chat.empty()) << each.path;
    if (!kind) continue;
    EXPECT_EQ(*kind, envelope.chat.find("@g.us") != std::string::npos ? ChatKind::kGroup : ChatKind::kPrivate) << each.path;
    seen.insert(*kind);
  }
  EXPECT_EQ(seen, (std::set<ChatKind>{ChatKind::kPrivate, ChatKind::kGroup}));
}

// --- The envelope of what is documented

TEST(Envelope, ReadsEveryDocumentedBodyAsItsDomDoes) {
  const auto all = samples();
  ASSERT_EQ(all.size(), 107U);
  for (const auto& each : all) {
    SCOPED_TRACE(each.path);
    const Envelope envelope = read_envelope(each.body);
    const auto dom = nlohmann::json::parse(each.body);
    const auto text = [&dom](const char* pointer) { return dom.value(nlohmann::json::json_pointer(pointer), ""); };
    ASSERT_EQ(envelope.malformed, Malformed::kNo) << envelope.malformed_at;
    EXPECT_EQ(envelope.type_webhook, each.path.substr(0, each.path.find('/')));
    EXPECT_EQ(envelope.id_instance, dom["instanceData"]["idInstance"].get<std::uint64_t>());
    EXPECT_EQ(envelope.id_message, text("/idMessage"));
    EXPECT_EQ(envelope.type_message, text("/messageData/typeMessage"));
    EXPECT_EQ(envelope.status, text("/status"));
    EXPECT_EQ(envelope.chat_type, text("/senderData/chatType"));
    EXPECT_EQ(envelope.state, text("/stateInstance") + text("/statusInstance") + text("/chatState"));
    EXPECT_EQ(envelope.timestamp.value_or(-1), dom.value("timestamp", -1));
    EXPECT_EQ(envelope.chat, without_device(text("/senderData/chatId") + text("/chatId") + text("/from")));
  }
}

TEST(Envelope, ReadsTheSameOfAMinifiedAndAnIndentedBody) {
  for (const auto& each : samples()) {
    EXPECT_EQ(read_envelope(minify(each.body)), read_envelope(each.body)) << each.path;
    EXPECT_EQ(read_envelope(nlohmann::ordered_json::parse(each.body).dump(8, '\t')), read_envelope(each.body)) << each.path;
  }
}

struct FieldCase {
  const char* label;
  std::string body;
  void (*expect)(const Envelope&);
};
class EnvelopeFields : public testing::TestWithParam<FieldCase> {};

TEST_P(EnvelopeFields, AreReadAsDocumented) {
  const Envelope envelope = read_envelope(GetParam().body);
  ASSERT_EQ(envelope.malformed, Malformed::kNo) << envelope.malformed_at;
  GetParam().expect(envelope);
}

std::string with_instance(const std::string& value) { return R"({"instanceData":{"idInstance":)" + value + "}}"; }
void no_instance(const Envelope& e) { EXPECT_EQ(e.id_instance, std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Envelope, EnvelopeFields,
    testing::ValuesIn(std::vector<FieldCase>{
        {"EmptyObject", " {} ", [](const Envelope& e) { EXPECT_EQ(e, Envelope{}); }},
        {"ByteOrderMark", "\xEF\xBB\xBF{\"typeWebhook\":\"deviceInfo\"}",
         [](const Envelope& e) { EXPECT_EQ(e.type_webhook, "deviceInfo"); }},
        {"NullsAreEmpty", R"({"typeWebhook":null,"instanceData":null,"senderData":null,"idMessage":null,"timestamp":null})",
         [](const Envelope& e) { EXPECT_EQ(e, Envelope{}); }},
        {"OtherTypesAreEmpty", R"({"typeWebhook":1,"instanceData":[{"idInstance":1}],"senderData":{"chatId":5},"idMessage":["a"],
                                   "messageData":"x","status":{"status":"x"},"timestamp":"1"})",
         [](const Envelope& e) { EXPECT_EQ(e, Envelope{}); }},
        {"DeeperNamesakesDontCount", R"({"a":{"typeWebhook":"x","instanceData":{"idInstance":5}},"instanceData":{"a":{"idInstance":6}},
                                         "messageData":{"messageData":{"typeMessage":"x"},"senderData":{"chatId":"x"}}})",
         [](const Envelope& e) { EXPECT_EQ(e, Envelope{}); }},
        {"FieldsAfterANestedValue", R"({"messageData":{"a":{"b":[{"c":1}]},"typeMessage":"textMessage"},"idMessage":"Z"})",
         [](const Envelope& e) {
           EXPECT_EQ(e.type_message, "textMessage");
           EXPECT_EQ(e.id_message, "Z");
         }},
        {"EscapedKeyAndValue", R"({"type\u0057ebhook":"device\u0049nfo\ud83d\ude00\u00e9\"\\\/\b\f\n\r\t"})",
         [](const Envelope& e) { EXPECT_EQ(e.type_webhook, "deviceInfo\xF0\x9F\x98\x80\xC3\xA9\"\\/\b\f\n\r\t"); }},
        {"EscapedNulIsAByte", R"({"idMessage":"a\u0000b"})", [](const Envelope& e) { EXPECT_EQ(e.id_message, std::string("a\0b", 3)); }},
        {"TypeOf128Bytes", R"({"typeWebhook":")" + std::string(128, 'x') + "\"}",
         [](const Envelope& e) { EXPECT_EQ(e.type_webhook.size(), 128U); }},
        {"TypeOf128BytesOnceUnescaped", R"({"typeWebhook":")" + repeated(R"(\u0078)", 128) + "\"}",
         [](const Envelope& e) { EXPECT_EQ(e.type_webhook, std::string(128, 'x')); }},
        {"InstanceOfTwelveDigits", with_instance("710700000001"), [](const Envelope& e) { EXPECT_EQ(e.id_instance, 710700000001U); }},
        {"InstanceGreatest", with_instance("9223372036854775807"),
         [](const Envelope& e) { EXPECT_EQ(e.id_instance, 9223372036854775807U); }},
        {"InstanceTooBig", with_instance("9223372036854775808"), no_instance},
        {"InstanceFarTooBig", with_instance("123456789012345678901234567890"), no_instance},
        {"InstanceZero", with_instance("0"), no_instance},
        {"InstanceMinusZero", with_instance("-0"), no_instance},
        {"InstanceNegative", with_instance("-1101000001"), no_instance},
        {"InstanceFloat", with_instance("1101000001.0"), no_instance},
        {"InstanceExponent", with_instance("1e9"), no_instance},
        {"InstanceString", with_instance("\"1101000001\""), no_instance},
        {"InstanceTrue", with_instance("true"), no_instance},
        {"TimestampNegative", R"({"timestamp":-5})", [](const Envelope& e) { EXPECT_EQ(e.timestamp, -5); }},
        {"TimestampMinusZero", R"({"timestamp":-0})", [](const Envelope& e) { EXPECT_EQ(e.timestamp, 0); }},
        {"TimestampFloat", R"({"timestamp":1.5})", [](const Envelope& e) { EXPECT_EQ(e.timestamp, std::nullopt); }},
        {"TimestampTooBig", R"({"timestamp":9223372036854775808})", [](const Envelope& e) { EXPECT_EQ(e.timestamp, std::nullopt); }},
        {"SenderDataBeforeRootChat", R"({"chatId":"root@c.us","from":"from@c.us","senderData":{"chatId":"sender@g.us"}})",
         [](const Envelope& e) { EXPECT_EQ(e.chat, "sender@g.us"); }},
        {"RootChatWhereSenderDataHasNone", R"({"chatId":"root@c.us","senderData":{"chatId":""}})",
         [](const Envelope& e) { EXPECT_EQ(e.chat, "root@c.us"); }},
        {"FromOfACall", R"({"typeWebhook":"outgoingCall","from":"1:2@c.us"})", [](const Envelope& e) { EXPECT_EQ(e.chat, "1@c.us"); }},
        {"FromOfAnotherType", R"({"typeWebhook":"deviceInfo","from":"1@c.us"})", [](const Envelope& e) { EXPECT_EQ(e.chat, ""); }},
        {"ChatOf256Bytes", R"({"chatId":")" + std::string(256, '1') + "\"}", [](const Envelope& e) { EXPECT_EQ(e.chat.size(), 256U); }},
        {"ChatOf257BytesIsNone", R"({"chatId":")" + std::string(257, '1') + "\"}", [](const Envelope& e) { EXPECT_EQ(e.chat, ""); }},
        {"StateOfItsTypeOnly", R"({"typeWebhook":"statusInstanceChanged","stateInstance":"authorized","statusInstance":"online"})",
         [](const Envelope& e) { EXPECT_EQ(e.state, "online"); }},
        {"LongIntegersElsewhere",
         R"({"a":123456789012345678901234567890,"b":-99999999999999999999,"c":1e308,"d":1e-999,"e":-0,"idMessage":"A"})",
         [](const Envelope& e) { EXPECT_EQ(e.id_message, "A"); }},
        {"RepeatedKeyDeeper", R"({"a":{"b":1,"b":2},"messageData":{"x":{"typeMessage":1,"typeMessage":2}},"idMessage":"A"})",
         [](const Envelope& e) { EXPECT_EQ(e.id_message, "A"); }},
        {"SameKeyInTwoSections", R"({"instanceData":{"a":1},"senderData":{"a":1},"messageData":{"a":1},"a":1,"idMessage":"A"})",
         [](const Envelope& e) { EXPECT_EQ(e.id_message, "A"); }},
    }),
    [](const auto& row) { return row.param.label; });

TEST(Envelope, DropsTheDeviceOfAChatOnly) {
  EXPECT_EQ(without_device("79001234567:12@c.us"), "79001234567@c.us");
  EXPECT_EQ(without_device("79001234567@c.us"), "79001234567@c.us");
  EXPECT_EQ(without_device("-1001234"), "-1001234");
  EXPECT_EQ(without_device("1:2"), "1:2");
  EXPECT_EQ(without_device("1@c.us:2"), "1@c.us:2");
  EXPECT_EQ(without_device(""), "");
}

// --- What is no notification

TEST(Envelope, CallsEachBrokenSampleWhatItsFolderSays) {
  const auto broken = support::broken_samples();
  ASSERT_GE(broken.size(), 50U);
  for (const auto& each : broken) {
    const auto reason = each.path.substr(7, each.path.find('/', 7) - 7);
    Envelope envelope = read_envelope(each.body);
    EXPECT_EQ(to_text(envelope.malformed), reason) << each.path;
    envelope.malformed = Malformed::kNo;
    envelope.malformed_at.clear();
    EXPECT_EQ(envelope, Envelope{}) << each.path << ": fields of a malformed body must be empty";
  }
}

TEST(Envelope, TakesSixtyFourLevelsAndNotOneMore) {
  EXPECT_EQ(judged("{\"a\":" + repeated("[", 63) + repeated("]", 63) + "}"), Malformed::kNo);
  EXPECT_EQ(judged("{\"a\":" + repeated("[", 64) + repeated("]", 64) + "}"), Malformed::kTooDeep);
  EXPECT_EQ(judged(repeated("{\"a\":", 64) + "0" + repeated("}", 64)), Malformed::kNo);
  EXPECT_EQ(judged(repeated("{\"a\":", 65) + "0" + repeated("}", 65)), Malformed::kTooDeep);
}

TEST(Envelope, JudgesAHundredThousandLevelsOnASmallStack) {
  const std::string bodies[] = {repeated("[", 100'000) + repeated("]", 100'000),
                                repeated("{\"a\":", 100'000) + "0" + repeated("}", 100'000), repeated("[", 100'000),
                                repeated("[{\"a\":", 50'000)};
  for (const auto& body : bodies) EXPECT_EQ(judged(body), Malformed::kTooDeep);
}

TEST(Envelope, TakesTenThousandKeysAndNotOneMore) {
  EXPECT_EQ(judged(keys(kKeysMax)), Malformed::kNo);
  EXPECT_EQ(judged(keys(kKeysMax + 1)), Malformed::kTooManyKeys);
  EXPECT_EQ(judged("{\"a\":[" + repeated("{\"b\":0},", kKeysMax - 1) + "0]}"), Malformed::kNo);
  EXPECT_EQ(judged("{\"a\":[" + repeated("{\"b\":0},", kKeysMax) + "0]}"), Malformed::kTooManyKeys);
}

TEST(Envelope, FindsADuplicateAmongManyKeys) {
  std::string body = keys(5'000);
  body.replace(body.find("\"k4321\""), 7, "\"k\\u0031\\u0032\"");
  const Envelope envelope = read_envelope(body);
  EXPECT_EQ(envelope.malformed, Malformed::kDuplicateKey);
  EXPECT_EQ(envelope.malformed_at, "\"k12\" twice in the root");
}

TEST(Envelope, ShowsALongDuplicateKeyCutBetweenCharacters) {
  const std::string key = "x" + repeated("\xC3\xA9", 100);
  const Envelope envelope = read_envelope("{\"" + key + "\":1,\"" + key + "\":2}");
  EXPECT_EQ(envelope.malformed_at, "\"x" + repeated("\xC3\xA9", 31) + "…\" twice in the root");
}

TEST(Envelope, ComparesManyLongKeysInLessThanQuadraticTime) {
  const auto cost = [](const std::string& body) {  // of this thread's own time, the least of three
    const auto used = [] {
      timespec now{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
      return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
    };
    double least = 1e9;
    for (int round = 0; round < 3; ++round) {
      const double before = used();
      EXPECT_EQ(judged(body), Malformed::kNo);
      least = std::min(least, used() - before);
    }
    return least;
  };
  const std::string beginning(300, 'k');
  EXPECT_LT(cost(keys(kKeysMax, beginning)), 150 * cost(keys(kKeysMax / 20, beginning))) << "20 times as many; each with each: 400 times";
}

TEST(Envelope, TellsWhereTheSyntaxBreaks) {
  EXPECT_THAT(read_envelope(R"({"a":1,})").malformed_at, HasSubstr("byte 7"));
  EXPECT_THAT(read_envelope(R"({"a":)").malformed_at, HasSubstr("too early"));
}

// --- What the reader promises beside its result

TEST(Envelope, ReadsNothingBehindTheBody) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t room = 4 * page;
  void* const memory = mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  char* const end = static_cast<char*>(memory) + room;
  ASSERT_EQ(mprotect(end, page, PROT_NONE), 0);
  std::size_t good = 0;
  for (const auto& each : samples()) {
    for (std::size_t size = each.body.size(); size > 0; size -= std::min<std::size_t>(size, 7)) {
      std::memcpy(end - size, each.body.data(), size);  // a body cut anywhere ends where the page does
      const std::string_view body(end - size, size);
      good += judged(body) == Malformed::kNo;
      EXPECT_LE(minify(body).size(), size);
    }
  }
  EXPECT_GE(good, 107U);
  munmap(memory, room + page);
}

TEST(Envelope, KeepsLittleMemoryAfterALargeBody) {
  EXPECT_EQ(judged("{}"), Malformed::kNo);
  const auto in_use = [] {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const auto before = in_use();
  for (const auto& body : {"{\"a\":[" + repeated("0,", 2'000'000) + "0]}", "{\"a\":\"" + std::string(4'000'000, 'x') + "\"}"}) {
    EXPECT_EQ(judged(body), Malformed::kNo);
  }
  EXPECT_LE(in_use(), before + 1'000'000);
}

TEST(Envelope, ManyThreadsReadAtOnce) {
  const auto all = samples();
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (const auto& each : all) wrong += read_envelope(each.body).type_webhook != each.type_webhook;
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

// Differential: nlohmann::json reads the same language, but takes NUL for the end of the input.
TEST(Envelope, AgreesWithTheDomOnWhatIsJson) {
  std::mt19937 random(20240607);
  const std::string_view spice[] = {"\"",
                                    "\\",
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    ",",
                                    ":",
                                    " ",
                                    "\n",
                                    "0",
                                    "-",
                                    ".",
                                    "e",
                                    "E9",
                                    "1e400",
                                    "9999999999999999999",
                                    "true",
                                    "null",
                                    "\\u",
                                    "\\ud83d",
                                    "\\ude00",
                                    "\x80",
                                    "\xF0\x9F",
                                    "\xED\xA0\x80",
                                    "\xC3\xA9",
                                    "\x1F",
                                    "//",
                                    "'"};
  std::size_t taken = 0;
  std::size_t refused = 0;
  for (const auto& each : samples()) {
    for (int round = 0; round < 150; ++round) {
      std::string body = each.body;
      for (auto changes = 1 + random() % 3; changes > 0; --changes) {
        const std::size_t at = random() % body.size();
        body.replace(at, random() % 3, spice[random() % std::size(spice)]);
      }
      const Malformed malformed = judged(body);
      if (malformed == Malformed::kNo || malformed == Malformed::kSyntax) {
        ASSERT_EQ(malformed == Malformed::kNo, nlohmann::json::accept(body)) << each.path << "\n" << body;
      }
      ++(malformed == Malformed::kNo ? taken : refused);
    }
  }
  EXPECT_GT(taken, 1'000U);  // else nothing was compared
  EXPECT_GT(refused, 1'000U);
}

TEST(Envelope, AgreesWithTheDomOnNumbers) {
  const std::string_view parts[] = {"", "-", "0", "1", "00", "12", ".", "e", "E", "+", "5", "e-9", "e400"};
  for (const auto a : parts) {
    for (const auto b : parts) {
      for (const auto c : parts) {
        for (const auto d : parts) {
          const std::string body = std::string("{\"a\":").append(a).append(b).append(c).append(d).append("}");
          ASSERT_EQ(judged(body) == Malformed::kNo, nlohmann::json::accept(body)) << body;
        }
      }
    }
  }
  for (const std::size_t digits : {20U, 308U, 309U, 310U, 5000U}) {
    const std::string body = "{\"a\":" + std::string(digits, '1') + "}";
    EXPECT_EQ(judged(body) == Malformed::kNo, nlohmann::json::accept(body)) << digits;
    EXPECT_EQ(judged("{\"a\":0." + std::string(digits, '0') + "1}"), Malformed::kNo) << digits;
  }
}

// --- Identity and digests

// Made with Python's hashlib from the samples: first 16 bytes of sha256(netstrings), first 8 of sha256(body without blanks outside
// strings).
TEST(MessageKey, IsPinned) {
  // printf '10:1101000001,4:BAE5,' | sha256sum
  EXPECT_EQ(digest::to_hex(digest::as_bytes(message_key(1101000001, "BAE5"))), "cd370358097517bfcd45dacb77bbd267");
}

TEST(Identity, IsPinned) {
  const struct {
    const char* path;
    const char* identity;
    const char* body_digest;
  } rows[] = {
      {"incomingMessageReceived/text.json", "872f504dd2a28614cd5de46c439f7a45", "61f73a98dae3d785"},
      {"outgoingMessageReceived/text.json", "2762e2f45b41e8366536d6f519145452", "41698efb1d45a6b0"},
      {"outgoingAPIMessageReceived/edited-max.json", "51dc350c52cf02195881ad576b588444", "959cacd1d78ad1f5"},
      {"outgoingMessageStatus/read-device-suffix-chat.json", "79e0f4850f9c01000a4059daba9273cc", "d1b8f56ad7d87adc"},
      {"outgoingMessageStatus/no-account-legacy.json", "e765d3c212fd0305bc54446b61eee355", "8ead81a1b72889ba"},
      {"outgoingMessageStatus/empty-status.json", "41ef18b5fa4f85a112e294df8f4c31dd", "5e68db876d3a0c2c"},
      {"incomingCall/offer.json", "8f2179b064b8f4f86ad808275ea37ae7", "dba9a7dc853ba5ed"},
      {"incomingCall/legacy-without-status.json", "2284dd46a44b2c65a808d025388d3741", "fed3ad185ca5fb7a"},
      {"outgoingCall/pick-up.json", "e6306c07814a0efdd13e458c377284f7", "7728d1ff9a0698ac"},
      {"stateInstanceChanged/authorized.json", "b053466226930998c53c4a93d5d1a47c", "7ec5eea21a43ac8d"},
      {"statusInstanceChanged/online.json", "1ef3e2f0f454c3a998774208022f1427", "50eaa9df21ad16af"},
      {"incomingBlock/blocked.json", "237ecd9219bff88c62172e589876fbb0", "3814133c0672e12f"},
      {"deviceInfo/device.json", "c389ff97f215789e60cd4795cd97cc7e", "121803ccbf465266"},
      {"quotaExceeded/correspondents.json", "ea679b89351188ad4e2ee388a1b11aaf", "07e88c730034ef31"},
  };
  for (const auto& row : rows) {
    const std::string body = sample(row.path).body;
    EXPECT_EQ(hex(identity_of_entry(body)), row.identity) << row.path;
    EXPECT_EQ(hex(body_digest(body, read_envelope(body))), row.body_digest) << row.path;
  }
}

TEST(Identity, IsPinnedForUnknownMalformedAndIncompleteBodies) {
  const std::string unknown = R"( { "typeWebhook" : "surprise", "x": " y " } )";
  EXPECT_EQ(hex(identity_of_entry(unknown)), "128dd38852c9959f75306fa0c3dd6032");
  EXPECT_EQ(hex(body_digest(unknown, read_envelope(unknown))), "11bd1ed2c1daa758");
  const std::string malformed = R"({ "broken": )";  // its bytes as they are, blanks too
  EXPECT_EQ(hex(identity_of_entry(malformed)), "21313b87bdb1e95e4e1eec4e6e698748");
  EXPECT_EQ(hex(body_digest(malformed, read_envelope(malformed))), "aff8f0f20cb91299");
  const std::string no_id = R"({"typeWebhook":"incomingMessageReceived", "senderData":{"chatId":"1@c.us"}})";
  EXPECT_EQ(hex(identity_of_entry(no_id)), "f1b92fa7c3f30f451ca6c031ac5c4d3e");
}

TEST(Identity, TakesInstanceTypeAndChatFromTheEntry) {
  const std::string body = sample("incomingMessageReceived/text.json").body;
  const Envelope envelope = read_envelope(body);
  const auto of = [&](std::uint64_t instance, std::string_view type, std::string_view chat) {
    return identity_of(instance, type, chat, envelope, body);
  };
  const std::set<Identity> all{of(1, "incomingMessageReceived", "a"), of(2, "incomingMessageReceived", "a"),
                               of(1, "outgoingMessageReceived", "a"), of(1, "incomingMessageReceived", "b"), of(1, "unknown", "a")};
  EXPECT_EQ(all.size(), 5U);
}

std::string changed(const std::string& path, const std::string& pointer, const nlohmann::json& value) {
  auto dom = nlohmann::ordered_json::parse(sample(path).body);
  dom[nlohmann::ordered_json::json_pointer(pointer)] = value;
  return dom.dump();
}

TEST(Identity, ChangesWithEachFieldOfItsTypeAndWithNoOther) {
  const struct {
    const char* path;
    const char* field;
    nlohmann::json value;
    bool changes;
  } rows[] = {
      {"incomingMessageReceived/text.json", "/instanceData/idInstance", 5, true},
      {"incomingMessageReceived/text.json", "/senderData/chatId", "1@c.us", true},
      {"incomingMessageReceived/text.json", "/idMessage", "A", true},
      {"incomingMessageReceived/text.json", "/timestamp", 1, false},
      {"incomingMessageReceived/text.json", "/status", "read", false},
      {"incomingMessageReceived/text.json", "/messageData/textMessageData/textMessage", "another", false},
      {"incomingMessageReceived/text.json", "/senderData/senderName", "another", false},
      {"outgoingMessageStatus/sent.json", "/chatId", "1@c.us", true},
      {"outgoingMessageStatus/sent.json", "/idMessage", "A", true},
      {"outgoingMessageStatus/sent.json", "/status", "delivered", true},
      {"outgoingMessageStatus/sent.json", "/status", "", true},
      {"outgoingMessageStatus/sent.json", "/timestamp", 1, false},
      {"outgoingMessageStatus/sent.json", "/sendByApi", false, false},
      {"outgoingMessageStatus/read-device-suffix-chat.json", "/chatId", "71111111111:7@c.us", false},
      {"incomingCall/offer.json", "/from", "1@c.us", true},
      {"incomingCall/offer.json", "/idMessage", "A", true},
      {"incomingCall/offer.json", "/status", "pickUp", true},
      {"incomingCall/offer.json", "/timestamp", 1, false},
      {"outgoingCall/pick-up.json", "/status", "hungUp", true},
      {"outgoingCall/pick-up.json", "/duration", 99, false},
      {"stateInstanceChanged/authorized.json", "/timestamp", 1, true},
      {"stateInstanceChanged/authorized.json", "/stateInstance", "blocked", true},
      {"stateInstanceChanged/authorized.json", "/instanceData/wid", "", false},
      {"statusInstanceChanged/online.json", "/timestamp", 1, true},
      {"statusInstanceChanged/online.json", "/statusInstance", "offline", true},
      {"incomingBlock/blocked.json", "/chatId", "1@c.us", true},
      {"incomingBlock/blocked.json", "/chatState", "unblocked", true},
      {"incomingBlock/blocked.json", "/timestamp", 1, true},
      {"deviceInfo/device.json", "/deviceData/battery", 1, true},
      {"quotaExceeded/correspondents.json", "/quotaData/used", 99, true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(identity_of_entry(changed(row.path, row.field, row.value)) != identity_of_entry(sample(row.path).body), row.changes)
        << row.path << ' ' << row.field;
  }
}

TEST(Identity, AMissingStatusIsAnEmptyOne) {
  auto dom = nlohmann::ordered_json::parse(sample("outgoingMessageStatus/empty-status.json").body);
  const auto empty = identity_of_entry(dom.dump());
  dom.erase("status");
  EXPECT_EQ(identity_of_entry(dom.dump()), empty);
}

TEST(Identity, TheContentStandsInForAMissingIdStateOrTimestamp) {
  const struct {
    const char* path;
    const char* missing;
  } rows[] = {{"incomingMessageReceived/text.json", "idMessage"},
              {"outgoingMessageStatus/sent.json", "idMessage"},
              {"incomingCall/offer.json", "idMessage"},
              {"stateInstanceChanged/authorized.json", "timestamp"},
              {"stateInstanceChanged/authorized.json", "stateInstance"},
              {"incomingBlock/blocked.json", "chatState"},
              {"incomingBlock/blocked.json", "timestamp"}};
  for (const auto& row : rows) {
    auto dom = nlohmann::ordered_json::parse(sample(row.path).body);
    dom.erase(row.missing);
    const auto one = identity_of_entry(dom.dump());
    EXPECT_EQ(identity_of_entry(dom.dump(4)), one) << row.path << ": blanks are no content";
    dom["more"] = 1;
    EXPECT_NE(identity_of_entry(dom.dump()), one) << row.path << " without " << row.missing;
  }
}

TEST(BodyDigest, IsTheSameHoweverTheBodyIsSpaced) {
  for (const auto& each : samples()) {
    const std::string spaced = nlohmann::ordered_json::parse(each.body).dump(7, ' ');
    const std::string dense = nlohmann::ordered_json::parse(each.body).dump();
    EXPECT_EQ(body_digest(spaced, read_envelope(spaced)), body_digest(dense, read_envelope(dense))) << each.path;
  }
  const auto digest = [](std::string_view body) { return body_digest(body, read_envelope(body)); };
  EXPECT_NE(digest(R"({"a":"b c"})"), digest(R"({"a":"bc"})"));
  EXPECT_NE(digest(R"({"a":1.0})"), digest(R"({"a":1})"));
  EXPECT_NE(digest("{ \"a\": "), digest("{\"a\":")) << "unparsable: its bytes count";
}

/// The plain way to do it.
std::string without_blanks(std::string_view json) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!inside && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    out += c;
    if (inside && c == '\\' && i + 1 < json.size()) {
      out += json[++i];
    } else if (c == '"') {
      inside = !inside;
    }
  }
  return out;
}

TEST(Minify, RemovesBlanksOutsideStringsAndNothingElse) {
  for (const auto& each : samples()) {
    EXPECT_EQ(minify(each.body), without_blanks(each.body)) << each.path;
    EXPECT_EQ(minify(minify(each.body)), minify(each.body)) << each.path;
  }
  EXPECT_EQ(minify(" { \"a b\" : \" \\\" \\\\\" , \"c\":[ 1.50 , -0, 1E5, \"\\u0041\" ] }\r\n"),
            R"({"a b":" \" \\","c":[1.50,-0,1E5,"\u0041"]})");
}

TEST(Minify, TakesAnyBytes) {
  std::mt19937 random(7);
  EXPECT_EQ(minify(""), "");
  EXPECT_EQ(minify(" \n"), "");
  EXPECT_EQ(minify("{ \"a"), "{ \"a") << "an open string: as it is";
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes(random() % 300, '\0');
    for (char& byte : bytes) byte = random() % 3 == 0 ? " \"\\\n{"[random() % 5] : static_cast<char>(random());
    const std::string minified = minify(bytes);
    EXPECT_TRUE(minified == bytes || minified.size() < bytes.size());
  }
  EXPECT_EQ(minify(std::string(5'000'000, ' ') + "1").size(), 1U);
}

// --- The value

Notification notification_of(std::string body) {
  const Envelope envelope = read_envelope(body);
  return make_notification({.id = "0190",
                            .id_instance = envelope.id_instance.value_or(0),
                            .chat = envelope.chat,
                            .type_webhook = envelope.type_webhook,
                            .received = {},
                            .trace = "t",
                            .identity = identity_of_entry(body),
                            .body_digest = body_digest(body, envelope),
                            .attempt = 3,
                            .body = std::make_shared<const std::string>(body)},
                           envelope);
}

TEST(Notification, CarriesWhatEntryAndBodySay) {
  const auto notification = notification_of(sample("incomingMessageReceived/image.json").body);
  EXPECT_EQ(notification.type, TypeWebhook::kIncomingMessageReceived);
  EXPECT_EQ(notification.type_message, "imageMessage");
  EXPECT_EQ(notification.id_message, "B8C959F41DDF44C312053B420A16C218");
  EXPECT_EQ(notification.timestamp, 1705466692);
  EXPECT_EQ(notification.chat, "71234567890@c.us");
  EXPECT_EQ(notification.attempt, 3U);
  EXPECT_EQ(notification.json()["messageData"]["typeMessage"], "imageMessage");
}

TEST(Notification, NamesItselfByIdentityAndContent) {
  EXPECT_EQ(notification_of(sample("incomingCall/offer.json").body).idempotency_key(), "8f2179b064b8f4f86ad808275ea37ae7-dba9a7dc853ba5ed");
}

TEST(Notification, HasNoTypeWhereItIsUnknown) { EXPECT_EQ(notification_of(R"({"typeWebhook":"surprise"})").type, std::nullopt); }

TEST(Notification, HasANullDomWithoutABodyOrOfAMalformedOne) {
  EXPECT_TRUE(Notification{}.json().is_null());
  for (const auto& each : support::broken_samples()) {
    if (each.path.find("/syntax/") == std::string::npos || each.path.find("nul-byte-behind") != std::string::npos) continue;
    EXPECT_TRUE(notification_of(each.body).json().is_null()) << each.path;
  }
}

TEST(Traceparent, IsTakenOnlyWhenItIsOneOfVersion00) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(is_traceparent(good));
  for (const std::string& wrong : {std::string(), good + "-x", good.substr(1), "01" + good.substr(2), "ff" + good.substr(2),
                                   std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
                                   std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
                                   std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
                                   std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g"),
                                   std::string("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")}) {
    EXPECT_FALSE(is_traceparent(wrong)) << wrong;
  }
}

TEST(Traceparent, HoldsTheTraceId) {
  EXPECT_EQ("4bf92f3577b34da6a3ce929d0e0e4736", trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
  EXPECT_EQ("", trace_id("01890000-0000-7000-8000-000000000001"));
  EXPECT_EQ("", trace_id(""));
}

}  // namespace
}  // namespace hookfleet::notification
