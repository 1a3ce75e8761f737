#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/greenapi/account.hpp"
#include "common/greenapi/answer.hpp"
#include "common/greenapi/request.hpp"
#include "common/greenapi/wanted.hpp"
#include "common/notification/envelope.hpp"
#include "tests/support/samples.hpp"

namespace hookfleet::greenapi {
namespace {

using namespace std::chrono_literals;

const std::string kToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";

Account account() { return {.id_instance = 1101000001, .api_url = "https://1101.api.green-api.com", .token = kToken}; }

web::Result answer(int status, std::string body, web::Headers headers = {}) {
  return web::Answer{.status = status, .headers = std::move(headers), .body = std::move(body), .cut = false};
}

TEST(DefaultApiUrl, IsThePoolOfTheFirstFourDigits) {
  EXPECT_EQ(default_api_url(7103000001), "https://7103.api.greenapi.com");
  EXPECT_EQ(default_api_url(3100000001), "https://3100.api.green-api.com");
  EXPECT_EQ(default_api_url(4100000001), "https://4100.api.green-api.com");
  EXPECT_EQ(default_api_url(1234), "https://api.green-api.com");
}

TEST(CheckAccount, RefusesAddressesAndTokensThatCantBeRight) {
  EXPECT_EQ(check_api_url("https://7103.api.greenapi.com/"), std::nullopt);
  EXPECT_EQ(check_api_url("http://127.0.0.1:8080/base"), std::nullopt);
  for (const char* url : {"", "7103.api.greenapi.com", "ftp://host", "https://user:pass@host", "https://host/?a=b", "https://host/#a"}) {
    EXPECT_NE(check_api_url(url), std::nullopt) << url;
  }
  EXPECT_EQ(check_api_token(kToken), std::nullopt);
  for (const std::string& token : {std::string(), std::string("a b"), std::string("../.."), std::string("a/b"), std::string("a?b"),
                                   std::string("a\nb"), std::string(257, 'a')}) {
    const auto problem = check_api_token(token);
    ASSERT_TRUE(problem) << token;
    EXPECT_TRUE(token.empty() || problem->find(token) == std::string::npos) << *problem;
  }
}

TEST(Request, NamesInstanceMethodAndToken) {
  const std::string base = "https://1101.api.green-api.com/waInstance1101000001/";
  EXPECT_EQ(receive(account(), 20s).url, base + "receiveNotification/" + kToken + "?receiveTimeout=20");
  EXPECT_EQ(receive(account(), 20s).method, "GET");
  EXPECT_EQ(remove(account(), 42).url, base + "deleteNotification/" + kToken + "/42");
  EXPECT_EQ(remove(account(), 42).method, "DELETE");
  EXPECT_EQ(count(account()).url, base + "getWebhooksCount/" + kToken);
  EXPECT_EQ(state(account()).url, base + "getStateInstance/" + kToken);
  EXPECT_EQ(settings(account()).url, base + "getSettings/" + kToken);
  const auto set = set_settings(account(), R"({"stateWebhook":"yes"})");
  EXPECT_EQ(set.url, base + "setSettings/" + kToken);
  EXPECT_EQ(set.method, "POST");
  EXPECT_EQ(*set.body, R"({"stateWebhook":"yes"})");
  EXPECT_FALSE(set.refuse_private_addresses);
}

TEST(Request, WaitsLongerThanTheServiceDoes) {
  EXPECT_EQ(receive(account(), 20s).timeout, 20s + kReceiveMargin);
  EXPECT_NE(receive(account(), 1s).url.find("receiveTimeout=5"), std::string::npos);
  EXPECT_NE(receive(account(), 600s).url.find("receiveTimeout=60"), std::string::npos);
  EXPECT_GE(receive(account(), 20s).answer_bytes_max, 4UL << 20);
}

TEST(Request, KeepsAnyTokenInItsSegment) {
  auto odd = account();
  odd.api_url = "http://host:80//";
  odd.token = "a/../b?c#d e\n";
  EXPECT_EQ(state(odd).url, "http://host:80/waInstance1101000001/getStateInstance/a%2F%2E%2E%2Fb%3Fc%23d%20e%0A");
}

TEST(DecodeReceived, GivesTheBytesOfTheBodyAsTheyCame) {
  for (const auto& sample : support::samples()) {
    const auto received = decode_received(answer(200, R"({"receiptId": 1234567, "body": )" + sample.body + "}"));
    ASSERT_TRUE(received && *received) << sample.path;
    EXPECT_EQ((*received)->receipt_id, 1234567);
    // The blanks around belong to the answer.
    EXPECT_EQ((*received)->body, sample.body.substr(0, sample.body.find_last_not_of(" \t\r\n") + 1)) << sample.path;
  }
}

TEST(DecodeReceived, TakesMembersInAnyOrderAndMoreOfThem) {
  const auto received = decode_received(answer(
      200,
      "\xEF\xBB\xBF\r\n{ \"new\" : [1,{\"body\":2}] ,\"body\"\t: {\"a\" : \"}\\\"]{\\\\\",  \"receiptId\":9}\n, \"receiptId\":-7 } \n"));
  ASSERT_TRUE(received && *received);
  EXPECT_EQ(**received, (Received{.receipt_id = -7, .body = R"({"a" : "}\"]{\\",  "receiptId":9})"}));
}

TEST(DecodeReceived, NothingIsNullOrEmpty) {
  for (const char* body : {"", " \r\n", "null", " null\n", "\xEF\xBB\xBFnull"}) {
    const auto received = decode_received(answer(200, body));
    ASSERT_TRUE(received) << body;
    EXPECT_FALSE(*received) << body;
  }
}

TEST(DecodeReceived, BodiesThatNobodyTakesDontBlockTheQueue) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& body : {std::string(R"({"text":"\ud83d"})"), std::string("{\"text\":\"\xff\xfe\"}"), std::string("{\"a\":01,}"),
                                  std::string("{\"a\":\"\x01\"}"), std::string("null"), std::string("[]"), std::string("\"text\""), deep,
                                  std::string(R"({"typeWebhook":"a","typeWebhook":"b"})")}) {
    const auto received = decode_received(answer(200, R"({"receiptId":1,"body":)" + body + "}"));
    ASSERT_TRUE(received && *received) << body.substr(0, 40);
    EXPECT_EQ((*received)->body, body);
    EXPECT_NE(notification::read_envelope((*received)->body).malformed, notification::Malformed::kNo) << body.substr(0, 40);
  }
}

TEST(DecodeReceived, BrokenAnswersAreTriedAgain) {
  for (const char* body :
       {"{", "[]", "true", "{}", R"({"receiptId":1,"body":{})", R"({"receiptId":1,"body":{"a":"b)", R"({"receiptId":1,"body":{"a":"\)",
        R"({"receiptId":1,"body":})", R"({"receiptId":1,"body":{}}x)", R"({"receiptId":1,"receiptId":2,"body":{}})",
        R"({"receiptId":1,"body":{},"body":{}})", R"({"receiptId":1 "body":{}})", R"({"receiptId" 1,"body":{}})",
        R"({receiptId:1,"body":{}})", R"({"receiptId":1,"body":{},})", "<html>502</html>", "nul", "nullnull"}) {
    const auto received = decode_received(answer(200, body));
    ASSERT_FALSE(received) << body;
    EXPECT_EQ(received.error().kind, FailureKind::kRetry) << body;
    EXPECT_EQ(received.error().status, 200) << body;
  }
}

TEST(DecodeReceived, ANotificationThatCantBeDeletedIsToldFromAnAnswerThatIsBroken) {
  for (const char* body : {"{\"receiptId\":1}", "{\"body\":{}}", R"({"receiptId":"a","body":{}})", R"({"receiptId":"","body":{}})",
                           R"({"receiptId":null,"body":{}})", R"({"receiptId":1.5,"body":{}})", R"({"receiptId":1e3,"body":{}})",
                           R"({"receiptId":9223372036854775808,"body":{}})"}) {
    const auto received = decode_received(answer(200, body));
    ASSERT_FALSE(received) << body;
    EXPECT_EQ(received.error().kind, FailureKind::kUnreadable) << body;
  }
  EXPECT_FALSE(advice(FailureKind::kUnreadable).empty());
  EXPECT_EQ(to_text(FailureKind::kUnreadable), "unreadable");
  const auto quoted = decode_received(answer(200, R"({"receiptId":"12","body":{}})"));
  ASSERT_TRUE(quoted && *quoted);
  EXPECT_EQ((*quoted)->receipt_id, 12);
  web::Result cut = answer(200, R"({"receiptId":1,"body":{}})");
  cut->cut = true;
  ASSERT_FALSE(decode_received(cut));
  EXPECT_EQ(decode_received(cut).error().kind, FailureKind::kUnreadable);
  EXPECT_NE(decode_received(cut).error().message.find("longer"), std::string::npos);
}

struct Row {
  int status;
  const char* body;
  FailureKind kind;
};

TEST(Failure, TellsKindsApartByStatusAndWords) {
  for (const Row& row : {
           Row{500, "", FailureKind::kRetry},
           Row{502, "<html>Bad Gateway</html>", FailureKind::kRetry},
           Row{503, R"({"message":"webhook url"})", FailureKind::kRetry},
           Row{599, "", FailureKind::kRetry},
           Row{408, "", FailureKind::kRetry},
           Row{499, "", FailureKind::kRetry},
           Row{429, R"({"statusCode":429,"message":"Too Many Requests"})", FailureKind::kThrottled},
           Row{401, "", FailureKind::kUnauthorized},
           Row{403, R"({"message":"Forbidden"})", FailureKind::kUnauthorized},
           Row{400, R"({"message":"custom webhook url is set. Please delete it to use this method"})", FailureKind::kWebhookSet},
           Row{403, R"({"message":"webhookUrl is set"})", FailureKind::kWebhookSet},
           Row{466, R"({"invokeStatus":{"description":"Monthly quota has been exceeded"}})", FailureKind::kQuota},
           Row{400, "instance in starting process try later", FailureKind::kNotReady},
           Row{400, R"("instance is starting or not authorized")", FailureKind::kNotReady},
           Row{400, R"({"message":"Instance account is expired. Pay"})", FailureKind::kNotReady},
           Row{400, R"({"reason":"Instance is deleted"})", FailureKind::kNotReady},
           Row{400, R"({"message":"bad request data"})", FailureKind::kRefused},
           Row{400, "", FailureKind::kRefused},
           Row{404, "", FailureKind::kRefused},
           Row{301, "", FailureKind::kRefused},
           Row{100, "", FailureKind::kRefused},
       }) {
    const auto received = decode_received(answer(row.status, row.body));
    ASSERT_FALSE(received) << row.status;
    EXPECT_EQ(to_text(received.error().kind), to_text(row.kind)) << row.status << ' ' << row.body;
    EXPECT_EQ(received.error().status, row.status);
    EXPECT_FALSE(advice(received.error().kind).empty());
    EXPECT_EQ(failure_kind(to_text(received.error().kind)), received.error().kind);
    ASSERT_FALSE(decode_removed(answer(row.status, row.body)));
    EXPECT_EQ(decode_removed(answer(row.status, row.body)).error().kind, row.kind);
  }
}

TEST(Failure, ARefusedSettingIsNoWebhookThatIsSet) {
  const auto set = decode_set(answer(400, R"({"message":"Validation failed. Details: 'webhookUrl' must be a valid url"})"));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, FailureKind::kRefused);
  EXPECT_EQ(set.error().message, "HTTP 400: Validation failed. Details: 'webhookUrl' must be a valid url");
}

TEST(Failure, NoAnswerIsTriedAgain) {
  const auto received = decode_received(tl::unexpected(web::Error{.kind = web::ErrorKind::kConnect, .message = "Connection refused"}));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().kind, FailureKind::kRetry);
  EXPECT_EQ(received.error().status, 0);
  EXPECT_NE(received.error().message.find("Connection refused"), std::string::npos);
}

TEST(Failure, NeverShowsTheToken) {
  const std::string path = "/waInstance1101000001/receiveNotification/" + kToken;
  for (const std::string& words :
       {path, "no " + path + "?receiveTimeout=5 here", "wrong token " + kToken, "https://host" + path + "/12", "token=" + kToken + ";"}) {
    for (const std::string& body : {words, nlohmann::json{{"message", words}}.dump(), nlohmann::json(words).dump()}) {
      const auto failed = decode_state(answer(403, body));
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().message.find(kToken), std::string::npos) << failed.error().message;
      EXPECT_NE(failed.error().message.find("***"), std::string::npos) << failed.error().message;
    }
  }
  // A short one, too, where it stands in a path.
  const auto failed = decode_state(answer(404, "Cannot GET /waInstance1101000001/getState/abc"));
  EXPECT_EQ(failed.error().message, "HTTP 404: Cannot GET /waInstance1101000001/getState/***");
  const auto cut_off = decode_state(tl::unexpected(web::Error{.kind = web::ErrorKind::kTimeout, .message = "at " + path}));
  EXPECT_EQ(cut_off.error().message.find(kToken), std::string::npos);
}

TEST(Failure, QuotesNoMoreThanAFewWords) {
  const auto failed =
      decode_state(answer(400, nlohmann::json{{"message", std::string(199, 'x') + "äää" + std::string(1'000, 'y')}}.dump()));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "HTTP 400: " + std::string(199, 'x') + "…");
  EXPECT_EQ(decode_state(answer(502, "<html>nginx</html>")).error().message, "HTTP 502");
  EXPECT_EQ(decode_received(answer(500, "{\"message\":\"" + std::string(1U << 20U, 'a') + "\"}")).error().message, "HTTP 500")
      << "too long to be read";
}

TEST(Failure, KeepsRetryAfterWithinAnHour) {
  EXPECT_EQ(decode_state(answer(429, "", {{"retry-after", "7"}})).error().retry_after, 7s);
  EXPECT_EQ(decode_state(answer(503, "", {{"retry-after", "999999"}})).error().retry_after, 1h);
  for (const char* odd : {"", "-1", "1.5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999"}) {
    EXPECT_EQ(decode_state(answer(429, "", {{"retry-after", odd}})).error().retry_after, std::nullopt) << odd;
  }
}

TEST(DecodeRemoved, TellsWhetherItWasThere) {
  EXPECT_EQ(decode_removed(answer(200, R"({"result":true})")), (Removed{.removed = true, .reason = ""}));
  EXPECT_EQ(decode_removed(answer(200, R"({"result":true,"reason":""})")), (Removed{.removed = true, .reason = ""}));
  EXPECT_EQ(decode_removed(answer(200, R"({"result":false,"reason":"not found"})")), (Removed{.removed = false, .reason = "not found"}));
  for (const char* body : {"", "null", "{}", R"({"result":"true"})", R"({"result":1})", "true"}) {
    ASSERT_FALSE(decode_removed(answer(200, body))) << body;
    EXPECT_EQ(decode_removed(answer(200, body)).error().kind, FailureKind::kRetry) << body;
  }
}

TEST(DecodeCount, TakesBothSpellings) {
  EXPECT_EQ(decode_count(answer(200, R"({"count":0})")), 0U);
  EXPECT_EQ(decode_count(answer(200, "{\"\xd1\x81ount\":12}")), 12U);
  for (const char* body : {"{}", R"({"count":-1})", R"({"count":"1"})", R"({"count":1.5})", "3", ""}) {
    EXPECT_FALSE(decode_count(answer(200, body))) << body;
  }
}

TEST(DecodeState, IsOneWord) {
  EXPECT_EQ(decode_state(answer(200, R"({"stateInstance":"authorized"})")), "authorized");
  EXPECT_EQ(decode_state(answer(200, R"({"stateInstance":"somethingNew"})")), "somethingNew");
  for (const std::string& body :
       {std::string("{}"), std::string(R"({"stateInstance":null})"), std::string(R"({"stateInstance":""})"),
        std::string(R"({"stateInstance":"a\u001b[31m"})"), "{\"stateInstance\":\"" + std::string(65, 'a') + "\"}"}) {
    EXPECT_FALSE(decode_state(answer(200, body))) << body;
  }
}

TEST(DecodeSettings, KeepsScalarsAsText) {
  EXPECT_EQ(
      decode_settings(answer(200, R"({"webhookUrl":"https://a/b","delaySendMessagesMilliseconds":500,"x":true,"wid":null,"o":{},"l":[]})")),
      (Settings{{"webhookUrl", "https://a/b"}, {"delaySendMessagesMilliseconds", "500"}, {"x", "true"}, {"wid", ""}}));
  for (const char* body : {"{}", "[]", "", R"({"a":)", "{\"a\":\"\xff\"}"}) EXPECT_FALSE(decode_settings(answer(200, body))) << body;
}

TEST(DecodeSet, IsTakenOnlyWhenItSaysSo) {
  EXPECT_TRUE(decode_set(answer(200, R"({"saveSettings":true})")));
  const auto refused = decode_set(answer(200, R"({"saveSettings":false,"reason":"no"})"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::kRefused);
  EXPECT_NE(refused.error().message.find("no"), std::string::npos);
  for (const char* body : {"{}", "true", R"({"saveSettings":"true"})", ""}) {
    ASSERT_FALSE(decode_set(answer(200, body))) << body;
    EXPECT_EQ(decode_set(answer(200, body)).error().kind, FailureKind::kRetry) << body;
  }
}

TEST(Differences, AreWhatTheFleetNeedsOtherwise) {
  const Settings fresh{{"webhookUrl", ""},     {"webhookUrlToken", ""}, {"incomingWebhook", "no"}, {"outgoingWebhook", "yes"},
                       {"stateWebhook", "no"}, {"deviceWebhook", "no"}, {"pollMessageWebhook", ""}};
  const Wanted wanted{.webhook_url = "https://fleet/webhook", .webhook_tokens = {"Bearer s3cret", "old"}};
  const auto found = differences(fresh, wanted);
  EXPECT_EQ(nlohmann::json::parse(to_set(found)), (nlohmann::json{{"webhookUrl", "https://fleet/webhook"},
                                                                  {"webhookUrlToken", "s3cret"},
                                                                  {"incomingWebhook", "yes"},
                                                                  {"outgoingMessageWebhook", "yes"},
                                                                  {"outgoingAPIMessageWebhook", "yes"},
                                                                  {"stateWebhook", "yes"},
                                                                  {"pollMessageWebhook", "yes"}}));
  EXPECT_EQ(found[0].is_shown(), "(none)");
  EXPECT_EQ(found[0].want_shown(), "https://fleet/webhook");
  EXPECT_EQ(found[1].want_shown(), "the fleet's");
  Settings settings = fresh;
  for (const Difference& one : found) settings[one.name] = one.want;
  EXPECT_EQ(differences(settings, wanted), std::vector<Difference>{});
}

TEST(Differences, ATokenIsRightInEveryFormThatIsSentAsOneOfOurs) {
  const Wanted wanted{.webhook_url = std::nullopt, .webhook_tokens = {"current", "next"}, .switches = {}};
  for (const char* right : {"current", "Bearer current", "basic  next", " next"}) {
    EXPECT_TRUE(differences({{"webhookUrlToken", right}}, wanted).empty()) << right;
  }
  for (const char* wrong : {"", "Bearer", "Bearer ", "other", "Current"}) {
    const auto found = differences({{"webhookUrlToken", wrong}}, wanted);
    ASSERT_EQ(found.size(), 1U) << wrong;
    EXPECT_EQ(found[0].want, "current");
    EXPECT_EQ(found[0].is_shown(), *wrong == 0 ? "(none)" : "another one");
    EXPECT_EQ(found[0].want_shown().find("current"), std::string::npos);
  }
}

TEST(Differences, PollingWantsNoWebhookUrl) {
  const Wanted wanted{.webhook_url = "", .webhook_tokens = {}, .switches = {}};
  EXPECT_TRUE(differences({{"webhookUrl", ""}}, wanted).empty());
  EXPECT_TRUE(differences({}, wanted).empty());
  const auto found = differences({{"webhookUrl", "https://elsewhere/"}}, wanted);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(to_set(found), R"({"webhookUrl":""})");
}

TEST(Differences, WhatIsNotWantedIsLeftAlone) {
  EXPECT_TRUE(differences({{"webhookUrl", "x"}, {"webhookUrlToken", "x"}, {"incomingWebhook", "no"}, {"deviceWebhook", "no"}},
                          {.webhook_url = std::nullopt, .webhook_tokens = {}, .switches = {}})
                  .empty());
  EXPECT_TRUE(is_notification_switch("deviceWebhook"));
  EXPECT_TRUE(is_notification_switch("incomingCallWebhook"));
  EXPECT_FALSE(is_notification_switch("webhookUrl"));
}

}  // namespace
}  // namespace hookfleet::greenapi
