#include "common/notification/redact.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/notification/envelope.hpp"
#include "tests/support/personal.hpp"
#include "tests/support/samples.hpp"

namespace hookfleet::notification {
namespace {

using nlohmann::json;
using testing::HasSubstr;

void leaves(const json& value, std::vector<std::string>& out) {
  if (value.is_structured()) {
    for (const auto& inner : value) leaves(inner, out);
  } else {
    out.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
}

TEST(Redact, LeavesNoPersonalValueOfAnySample) {
  std::size_t checked = 0;
  for (const auto& sample : support::samples()) {
    const std::string redacted = redact(sample.body);
    const json parsed = json::parse(redacted, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << sample.path << ": " << redacted;
    std::vector<std::string> now;
    leaves(parsed, now);
    const auto personal = support::personal_values(sample.body);
    EXPECT_THAT(support::told(redacted, personal), testing::IsEmpty()) << sample.path;
    checked += support::told(sample.body, personal).size();
    std::vector<std::string> before;
    leaves(json::parse(sample.body), before);
    ASSERT_EQ(before.size(), now.size()) << sample.path << ": every value is still there, in its place";
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (std::find(personal.begin(), personal.end(), before[i]) != personal.end()) {
        EXPECT_NE(before[i], now[i]) << sample.path;
      }
    }
  }
  EXPECT_GT(checked, 400U);
}

TEST(Redact, KeepsWhatTellsOneNotificationFromAnother) {
  for (const auto& sample : support::samples()) {
    const json before = json::parse(sample.body), now = json::parse(redact(sample.body));
    for (const char* key : {"/typeWebhook", "/timestamp", "/idMessage", "/status", "/stateInstance", "/instanceData/idInstance",
                            "/instanceData/typeInstance", "/messageData/typeMessage", "/messageData/quotedMessage/stanzaId"}) {
      const json::json_pointer at(key);
      if (before.contains(at)) {
        EXPECT_EQ(before.at(at), now.at(at)) << sample.path << " " << key;
      }
    }
  }
}

TEST(Redact, ShapesByKind) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {R"({"chatId":"79001234567@c.us"})", R"({"chatId":"…4567@c.us"})"},
      {R"({"chatId":"120363039326117111@g.us"})", R"({"chatId":"…7111@g.us"})"},
      {R"({"chatId":"79001234567-1479621234@g.us"})", R"({"chatId":"…1234@g.us"})"},
      {R"({"chatId":"71111111111:3@c.us"})", R"({"chatId":"…1113@c.us"})"},
      {R"({"chatId":"-1001234567890"})", R"({"chatId":"…7890"})"},
      {R"({"phone":"+7 (900) 123-45-67"})", R"({"phone":"…4567"})"},
      {R"({"senderPhoneNumber":79001234567})", R"({"senderPhoneNumber":"…4567"})"},
      {R"({"pin":1234})", R"({"pin":"…"})"},
      {R"({"latitude":51.1035})", R"({"latitude":"…"})"},
      {R"({"text":""})", R"({"text":""})"},
      {R"({"text":null,"isForwarded":true})", R"({"text":null,"isForwarded":true})"},
      {R"({"text":"https://example.com/a?b=c"})", R"({"text":"[url]"})"},
      {R"({"downloadUrl":"{{SWE002}}"})", R"({"downloadUrl":"[url]"})"},
      {R"({"jpegThumbnail":"/9j/4AAQ"})", R"({"jpegThumbnail":"[thumbnail]"})"},
      {R"({"jpegThumbnail":{}})", R"({"jpegThumbnail":{}})"},
      {R"({"text":"abc"})", R"({"text":"[3 #ba7816bf]"})"},  // SHA-256's own example
      {R"({"text":"\u041f\u0440\u0438\u0432\u0435\u0442"})", R"({"text":"[6 #dd679c0b]"})"},
      {R"({"text":"51.1035"})", R"({"text":"[7]"})"},
      {R"({"status":"read"})", R"({"status":"read"})"},
      {R"({"status":"call me at 8"})", R"({"status":"[12 #9c24b6b3]"})"},
      {R"({"timestamp":79001234567})", R"({"timestamp":"…4567"})"},
      {R"({"mimeType":"audio/ogg; codecs=opus"})", R"({"mimeType":"audio/ogg; codecs=opus"})"},
      {R"({"mimeType":"to John/79001234567"})", R"({"mimeType":"[19 #)"},
      {R"({"optionVoters":["79001234567@c.us",["x"]]})", R"({"optionVoters":["…4567@c.us",["[1 #2d711642]"]]})"},
      {R"({"79001234567@c.us":"read"})", R"({"…4567@c.us":"[4 #)"},
      {R"({"John Smith":1})", R"({"[10 #ef61a579]":"…"})"},
      {R"(["John"])", R"(["[4 #)"},
      {R"("John")", R"("[4 #)"},
      {"[]", "[]"},
      {" { \"a\" : [ { } , 1e2 , true ] } ", R"({"a":[{},"…",true]})"},
  };
  for (const auto& [body, expected] : rows) EXPECT_THAT(redact(body), testing::StartsWith(expected)) << body;
}

TEST(Redact, TellsOnlySizeAndDigestOfWhatIsNoJson) {
  for (const auto& sample : support::broken_samples()) {
    if (json::accept(sample.body)) continue;
    const json told = json::parse(redact(sample.body));
    EXPECT_EQ(2U, told.size()) << sample.path;
    EXPECT_EQ(sample.body.size(), told.at("bytes")) << sample.path;
    EXPECT_EQ(16U, told.at("digest").get<std::string>().size()) << sample.path;
  }
  EXPECT_EQ(R"({"bytes":3,"digest":"ba7816bf8f01cfea"})", redact("abc"));
}

TEST(Redact, NeitherDepthNorKeysNorSizeHurt) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_EQ(deep.size(), json::parse(redact(deep)).at("bytes"));
  const std::string deepest = std::string(kDepthMax, '[') + std::string(kDepthMax, ']');
  EXPECT_EQ(deepest, redact(deepest));
  std::string wide = "{";
  for (std::size_t i = 0; i <= kKeysMax; ++i) wide += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":\"secret\"";
  wide += "}";
  EXPECT_EQ(wide.size(), json::parse(redact(wide)).at("bytes"));
  const std::string big = R"({"text":")" + std::string(4 << 20, 'x') + R"("})";
  EXPECT_THAT(redact(big), HasSubstr("[4194304 #"));
}

TEST(Redact, OneTextByItsLooks) {
  EXPECT_EQ("", redact_text(""));
  EXPECT_EQ("…4567@c.us", redact_text("79001234567@c.us"));
  EXPECT_EQ("…@c.us", redact_text("@c.us"));
  EXPECT_EQ("[url]", redact_text("https://example.com"));
  EXPECT_THAT(redact_text("john.smith@example.com"), testing::StartsWith("[22 #"));
  EXPECT_EQ("[4]", redact_text("1234"));
}

TEST(Redact, SentencesKeepTheirWords) {
  EXPECT_EQ("no account for …4567@c.us, tried 8 times", redact_numbers("no account for 79001234567@c.us, tried 8 times"));
  EXPECT_EQ("", redact_numbers(""));
  EXPECT_EQ("1234 …2345", redact_numbers("1234 12345"));
}

}  // namespace
}  // namespace hookfleet::notification
