#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "common/alert/alert.hpp"
#include "common/alert/format.hpp"
#include "common/alert/metrics.hpp"
#include "common/alert/notice.hpp"
#include "common/alert/repeats.hpp"
#include "common/alert/sink.hpp"
#include "common/alert/sink_state.hpp"
#include "tests/support/temp_dir.hpp"

#include <fstream>
#include <iterator>

namespace hookfleet::alert {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const base::WallTime kNow = base::from_unix_ms(1'750'000'000'123);

Alert invalid() {
  Alert alert;
  alert.kind = Kind::kInvalid;
  alert.type_webhook = "incomingMessageReceived";
  alert.id_instance = 1101000001;
  alert.text = "at /senderData: expected an object, found a text";
  alert.id = "01a2152b-19e5-7307-8923-9763e198b499";
  alert.chat = "79001234567@c.us";
  alert.id_message = "F7AEC1B7086ECDC7E6E45923F5EDB825";
  alert.body = std::make_shared<const std::string>(R"({"typeWebhook": "incomingMessageReceived", "senderData": "Ann <b>&</b>"})");
  return alert;
}

Notice notice(const Alert& alert, Attach attach = Attach::kFull) { return make_notice(alert, attach, kNow, "hookfleet-worker a:1"); }

base::BootTime at(std::chrono::nanoseconds since) { return base::BootTime(1h + since); }

// --- Kinds

TEST(Kind, HasANameAndASeverityOfItsOwn) {
  std::set<std::string_view> names;
  for (const Kind kind : kinds()) {
    EXPECT_FALSE(to_text(kind).empty());
    EXPECT_TRUE(names.insert(to_text(kind)).second) << to_text(kind);
    EXPECT_TRUE(!about_redis(kind) || severity(kind) == Severity::kCritical) << to_text(kind);
  }
  EXPECT_EQ(names.size(), kKinds);
}

TEST(Kind, StandsInThePageWithItsSeverity) {
  std::ifstream file(HOOKFLEET_SOURCE_DIR "/docs/alerts.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const Kind kind : kinds()) {
    EXPECT_THAT(page, HasSubstr("| `" + std::string(to_text(kind)) + "` | " + std::string(to_text(severity(kind))) + " |"));
  }
}

// --- What is a repeat

TEST(RepeatDigest, DiffersByKindTypeInstanceAndWhichAlone) {
  const auto digest = [](Kind kind, const char* type, std::uint64_t instance, const char* which = "", const char* text = "") {
    return repeat_digest({.kind = kind, .type_webhook = type, .id_instance = instance, .which = which, .text = text});
  };
  const std::string one = digest(Kind::kInvalid, "a", 1);
  EXPECT_EQ(one.size(), 16U);
  EXPECT_EQ(one, digest(Kind::kInvalid, "a", 1, "", "words"));
  EXPECT_NE(one, digest(Kind::kDeadLetter, "a", 1));
  EXPECT_NE(one, digest(Kind::kInvalid, "b", 1));
  EXPECT_NE(one, digest(Kind::kInvalid, "a", 2));
  EXPECT_NE(one, digest(Kind::kInvalid, "a", 1, "c"));
  EXPECT_NE(digest(Kind::kInvalid, "a", 1, "d"), digest(Kind::kInvalid, "a", 1, "c"));
}

base::WallTime wall(base::BootTime when) {
  return base::WallTime(std::chrono::duration_cast<base::WallTime::duration>(when.time_since_epoch()));
}

std::optional<std::uint64_t> pass(Repeats& repeats, const std::string& digest, base::BootTime when) {
  const auto held_back = repeats.pass(digest, wall(when), when);
  return held_back ? std::optional(held_back->count) : std::nullopt;
}

TEST(Repeats, HoldsBackWithinTheWindowAndTellsHowMany) {
  Repeats repeats(10min);
  EXPECT_EQ(pass(repeats, "a", at(0s)), 0U);
  EXPECT_EQ(pass(repeats, "a", at(1s)), std::nullopt);
  EXPECT_EQ(pass(repeats, "b", at(1s)), 0U);
  EXPECT_EQ(pass(repeats, "a", at(10min - 1ns)), std::nullopt);
  EXPECT_EQ(pass(repeats, "a", at(10min)), 2U);
  EXPECT_EQ(pass(repeats, "a", at(20min)), 0U);
}

TEST(Repeats, AsksTheFleetAgainWhenTheWindowOfAnotherHasEnded) {
  Repeats repeats(10min);
  ASSERT_EQ(pass(repeats, "a", at(0s)), 0U);
  repeats.told_by_another("a", {}, wall(at(0s)), 1min, at(0s));
  EXPECT_EQ(pass(repeats, "a", at(59s)), std::nullopt);
  EXPECT_EQ(pass(repeats, "a", at(1min)), 2U);
  repeats.told_by_another("a", {2, wall(at(0s))}, wall(at(1min)), -2ms, at(1min));  // it has just ended
  EXPECT_EQ(pass(repeats, "a", at(1min + 1ms)), 3U);
}

TEST(Repeats, GivesTheLatestThatWasKeptWhenItsWindowEndsWithSomethingHeldBack) {
  Repeats repeats(10min);
  const auto told = [&](const std::string& text, base::BootTime when) {
    const auto passed = pass(repeats, "a", when);
    repeats.keep("a", {.kind = Kind::kDeadLetter, .text = text, .body = std::make_shared<const std::string>("body")}, wall(when));
    return passed;
  };
  ASSERT_EQ(told("first", at(0s)), 0U);
  EXPECT_TRUE(repeats.over(at(10min)).empty()) << "it was told";
  ASSERT_EQ(told("second", at(1s)), std::nullopt);
  ASSERT_EQ(told("third", at(2s)), std::nullopt);
  EXPECT_TRUE(repeats.over(at(10min - 1ns)).empty());
  const auto over = repeats.over(at(10min));
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].alert.text, "third");
  EXPECT_EQ(over[0].alert.body, nullptr);
  EXPECT_EQ(over[0].at, wall(at(2s))) << "when it happened, not when the window ended";
  EXPECT_EQ(pass(repeats, "a", at(10min)), 2U);
  EXPECT_TRUE(repeats.over(at(20min)).empty());
}

TEST(Repeats, LetsTheNextPassWhenOneWasLost) {
  Repeats repeats(10min);
  ASSERT_EQ(pass(repeats, "a", at(0s)), 0U);
  repeats.lost("a", {3, wall(at(0s))}, wall(at(0s)));
  EXPECT_EQ(pass(repeats, "a", at(1s)), 4U);
}

TEST(Repeats, RemembersABoundedNumberAndForgetsWhatHasEndedFirst) {
  Repeats repeats(10min);
  ASSERT_EQ(pass(repeats, "kept", at(5min)), 0U);
  for (std::size_t i = 1; i < Repeats::kMax; ++i) ASSERT_EQ(pass(repeats, std::to_string(i), at(0s)), 0U);
  ASSERT_EQ(pass(repeats, "one more", at(11min)), 0U);
  EXPECT_EQ(pass(repeats, "kept", at(11min)), std::nullopt);
  EXPECT_EQ(pass(repeats, "1", at(11min)), 0U) << "its window has ended";
}

TEST(Repeats, TellsWhenTheFirstOfThoseHeldBackHappened) {
  Repeats repeats(10min);
  const auto first = [&](base::BootTime when) { return repeats.pass("a", wall(when), when).value_or(Repeats::HeldBack{}).first; };
  ASSERT_EQ(pass(repeats, "a", at(0s)), 0U);
  ASSERT_EQ(pass(repeats, "a", at(3s)), std::nullopt);
  ASSERT_EQ(pass(repeats, "a", at(5s)), std::nullopt);
  const auto held_back = repeats.pass("a", wall(at(10min)), at(10min));
  ASSERT_EQ(held_back, (Repeats::HeldBack{2, wall(at(3s))}));
  repeats.told_by_another("a", *held_back, wall(at(10min)), 1min, at(10min));
  EXPECT_EQ(first(at(11min)), wall(at(3s)));
  ASSERT_EQ(pass(repeats, "a", at(12min)), std::nullopt);
  repeats.lost("a", {1, wall(at(11min))}, wall(at(13min)));
  EXPECT_EQ(first(at(13min)), wall(at(11min)));
}

TEST(RateCap, GivesABurstAndThenEachItsTime) {
  RateCap cap(30, 3);
  EXPECT_TRUE(cap.take(at(0s)));
  EXPECT_TRUE(cap.take(at(0s)));
  EXPECT_TRUE(cap.take(at(0s)));
  EXPECT_FALSE(cap.take(at(0s)));
  EXPECT_EQ(cap.next(at(0s)), at(2s));
  EXPECT_FALSE(cap.take(at(1999ms)));
  EXPECT_TRUE(cap.take(at(2s)));
  EXPECT_FALSE(cap.take(at(2s)));
  // After a pause the burst is there again, and no more than it.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cap.take(at(1h)));
  EXPECT_FALSE(cap.take(at(1h)));
}

TEST(RateCap, GivesNoMoreThanItsRateInTheLongRun) {
  RateCap cap(60, 10);
  unsigned taken = 0;
  for (auto time = 0ms; time < 10min; time += 100ms) taken += cap.take(at(time)) ? 1U : 0U;
  EXPECT_GE(taken, 600U);
  EXPECT_LE(taken, 610U);
}

TEST(Lasting, IsDueAfterItsDelayAndAgainEachPeriod) {
  Lasting down(10s, 10min);
  EXPECT_FALSE(down.due(true, at(0s)));
  EXPECT_FALSE(down.due(true, at(9s)));
  EXPECT_TRUE(down.due(true, at(10s)));
  EXPECT_FALSE(down.due(true, at(11s)));
  EXPECT_TRUE(down.due(true, at(10min + 10s)));
  EXPECT_FALSE(down.due(false, at(10min + 11s)));
  EXPECT_FALSE(down.due(true, at(10min + 12s))) << "what comes back lasts anew";
  EXPECT_TRUE(down.due(true, at(10min + 22s)));
}

// --- What goes with an alert

TEST(Notice, CarriesTheNotificationAsReceivedInFull) {
  const Notice whole = notice(invalid());
  EXPECT_EQ(whole.attachment, *invalid().body);
  EXPECT_EQ(whole.attachment_of, invalid().body->size());
  EXPECT_FALSE(whole.cut);
  EXPECT_EQ(whole.chat, "79001234567@c.us");
  EXPECT_EQ(whole.at, kNow);
  EXPECT_NE(whole.number, notice(invalid()).number);
}

TEST(Notice, KeepsPersonalDataOutWhenRedacted) {
  Alert alert = invalid();
  alert.text = "the target said: no such number 79001234567";
  const Notice redacted = notice(alert, Attach::kRedacted);
  EXPECT_EQ(redacted.chat, "…4567@c.us");
  EXPECT_THAT(redacted.attachment, HasSubstr("incomingMessageReceived"));
  EXPECT_THAT(redacted.attachment, Not(HasSubstr("Ann")));
  EXPECT_THAT(redacted.text, Not(HasSubstr("79001234567")));
  EXPECT_EQ(redacted.id, alert.id);
  EXPECT_EQ(notice({.kind = Kind::kBacklog, .text = "100000 wait"}, Attach::kRedacted).text, "100000 wait") << "it is nobody's number";
}

TEST(Notice, CarriesNothingOfTheNotificationButItsIdWithNone) {
  const Notice none = notice(invalid(), Attach::kNone);
  EXPECT_EQ(none.attachment, "");
  EXPECT_EQ(none.chat, "");
  EXPECT_EQ(none.id, invalid().id);
  EXPECT_EQ(none.attachment_of, invalid().body->size());
}

TEST(Notice, SaysNoWordOfTheBodyUnlessInFull) {
  Alert alert = invalid();
  alert.type_webhook = "Ann Smith";
  alert.id_message = "from Ann";
  alert.text = "duplicate_key: Ann twice in the root";
  alert.redacted = "duplicate_key";
  for (const Attach attach : {Attach::kRedacted, Attach::kNone}) {
    const Notice other = notice(alert, attach);
    EXPECT_EQ(other.text, "duplicate_key");
    EXPECT_THAT(as_json(other), Not(HasSubstr("Ann")));
  }
  const Notice full = notice(alert);
  EXPECT_EQ(full.text, alert.text);
  EXPECT_EQ(full.type_webhook, "Ann Smith");
  EXPECT_EQ(full.id_message, "from Ann");
  EXPECT_EQ(notice(invalid(), Attach::kNone).type_webhook, "incomingMessageReceived") << "a type's name is no secret";
}

TEST(Notice, IsCutToItsLimitsAtCharacters) {
  Alert alert = invalid();
  alert.text = std::string(kTextMax - 1, 'x') + "é";
  alert.type_webhook = std::string(5000, 't');
  alert.body = std::make_shared<const std::string>(std::string(kAttachmentMax - 1, 'x') + "é");
  const Notice cut = notice(alert);
  EXPECT_EQ(cut.text, std::string(kTextMax - 1, 'x'));
  EXPECT_EQ(cut.type_webhook.size(), kNameMax);
  EXPECT_EQ(cut.attachment, std::string(kAttachmentMax - 1, 'x'));
  EXPECT_TRUE(cut.cut);
  EXPECT_EQ(cut.attachment_of, kAttachmentMax + 1);
}

TEST(Notice, IsCutOfBytesThatAreNoUtf8Too) { EXPECT_EQ(cut_at(std::string(20, '\x80'), 10).size(), 10U); }

TEST(Notice, ComesBackFromTheQueueAsItWasPutThere) {
  Notice one = notice(invalid());
  one.suppressed = 7;
  one.suppressed_since = base::from_unix_ms(1750000000123);
  one.cut = true;
  one.attachment = std::string("a\0\xFF\r\n", 5);
  redis::Command command;
  encode(command, one);
  std::string resp = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string_view argument : command.argv()) {
    resp.append("$" + std::to_string(argument.size()) + "\r\n").append(argument).append("\r\n");
  }
  const auto reply = redis::Reply::parse(resp);
  ASSERT_TRUE(reply);
  EXPECT_EQ(decode(reply->view()), one);
}

TEST(Notice, OfAnotherVersionIsAnErrorThatSaysSo) {
  const auto decoded = [](const std::string& resp) { return decode(redis::Reply::parse(resp)->view()); };
  EXPECT_THAT(decoded("*2\r\n$1\r\nv\r\n$1\r\n2\r\n").error(), HasSubstr("format"));
  EXPECT_THAT(decoded("*4\r\n$1\r\nv\r\n$1\r\n1\r\n$4\r\nkind\r\n$3\r\nnew\r\n").error(), HasSubstr("kind"));
  EXPECT_FALSE(decoded("*0\r\n"));
}

// --- How it reads at the sinks

TEST(Json, NamesEveryFactAndHoldsTheNotificationItself) {
  Notice one = notice(invalid());
  one.suppressed = 3;
  one.suppressed_since = one.at - 5min;
  EXPECT_THAT(as_green_api(one, "1@c.us"), HasSubstr("3 more like it were held back before, the first of 2025-06-15T15:01:40.123Z"));
  const Json json = Json::parse(as_json(one));
  const Json expected = {{"version", 1},
                         {"number", one.number},
                         {"kind", "invalid"},
                         {"severity", "error"},
                         {"time", "2025-06-15T15:06:40.123Z"},
                         {"process", "hookfleet-worker a:1"},
                         {"text", "at /senderData: expected an object, found a text"},
                         {"typeWebhook", "incomingMessageReceived"},
                         {"idInstance", 1101000001},
                         {"id", "01a2152b-19e5-7307-8923-9763e198b499"},
                         {"chatId", "79001234567@c.us"},
                         {"idMessage", "F7AEC1B7086ECDC7E6E45923F5EDB825"},
                         {"suppressed", 3},
                         {"suppressed_since", "2025-06-15T15:01:40.123Z"},
                         {"notification", Json::parse(*invalid().body)},
                         {"notification_bytes", invalid().body->size()}};
  EXPECT_EQ(json, expected);
}

TEST(Json, LeavesAbsentFactsOut) {
  const Json json = Json::parse(as_json(notice({.kind = Kind::kBacklog, .text = "much waits"})));
  EXPECT_EQ(json.size(), 7U) << json;
}

TEST(Json, IsValidWhateverTheNotificationHolds) {
  const std::string deep = std::string(8000, '[') + std::string(8000, ']');
  for (const std::string& body : {std::string("not json"), std::string("\xFF\xFE\0\x01\"", 5), deep, std::string(kAttachmentMax + 100, '{'),
                                  std::string("{\"a\":\"\xC3\x28\"}"), std::string("{} trailing")}) {
    Alert alert = invalid();
    alert.type_webhook = "a\"\n\xFF";
    alert.body = std::make_shared<const std::string>(body);
    for (const std::string& sent : {as_json(notice(alert)), as_slack(notice(alert)), as_alertmanager(notice(alert), kNow, 10min),
                                    as_green_api(notice(alert), "1@c.us")}) {
      const Json json = Json::parse(sent, nullptr, false);
      ASSERT_FALSE(json.is_discarded()) << sent;
    }
    EXPECT_TRUE(Json::parse(as_json(notice(alert)))["notification"].is_string()) << body.substr(0, 20);
  }
}

TEST(Slack, IsOneTextInWhichNothingOfTheInputActs) {
  Alert alert = invalid();
  alert.text = "<!channel> & <http://evil|click>";
  alert.body = std::make_shared<const std::string>("``` <!here>");
  const Json json = Json::parse(as_slack(notice(alert)));
  ASSERT_EQ(json.size(), 1U);
  const std::string text = json["text"];
  EXPECT_THAT(text, HasSubstr("&lt;!channel&gt; &amp; &lt;http://evil|click&gt;"));
  EXPECT_THAT(text, HasSubstr("```''' &lt;!here&gt;```"));
  EXPECT_THAT(text, Not(HasSubstr("<")));
  EXPECT_THAT(text, HasSubstr("*error: invalid*"));
  EXPECT_THAT(text, HasSubstr("id 01a2152b-19e5-7307-8923-9763e198b499"));
}

TEST(Slack, SaysHowMuchIsLeftOutAndHowManyWereHeldBack) {
  Alert alert = invalid();
  alert.body = std::make_shared<const std::string>(100'000, 'x');
  Notice one = notice(alert);
  one.suppressed = 12;
  const std::string text = Json::parse(as_slack(one))["text"];
  EXPECT_LT(text.size(), 8192U);
  EXPECT_THAT(text, HasSubstr("(of 100000 bytes)"));
  EXPECT_THAT(text, HasSubstr("12 more like it"));
}

TEST(Slack, HoldsItsLimitWhateverIsToBeEscapedOrReplaced) {
  for (const std::string& bytes : {std::string("&"), std::string("<"), std::string("\xFF"), std::string("é&"), std::string("x")}) {
    Alert alert = invalid();
    alert.text.clear();
    std::string body;
    while (alert.text.size() < kTextMax) alert.text += bytes;
    while (body.size() < kAttachmentMax) body += bytes;
    alert.body = std::make_shared<const std::string>(body);
    const std::string text = Json::parse(as_slack(notice(alert)))["text"];
    EXPECT_LE(text.size(), kSlackTextMax) << bytes;
    EXPECT_GT(text.size(), 4096U) << bytes;
    EXPECT_THAT(text, HasSubstr("(of " + std::to_string(body.size()) + " bytes)```")) << bytes;
    for (std::size_t at = text.find('&'); at != std::string::npos; at = text.find('&', at + 1)) {
      const std::string escape = text.substr(at, text.find(';', at) - at);
      ASSERT_TRUE(escape == "&amp" || escape == "&lt") << "cut within one: " << text.substr(at, 8);
    }
  }
}

TEST(Alertmanager, HasLabelsFromClosedSetsOnly) {
  Alert alert = invalid();
  alert.type_webhook = "somethingNew-79001234567";
  const Json json = Json::parse(as_alertmanager(notice(alert), kNow, 10min));
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["labels"], (Json{{"alertname", "Hookfleet"}, {"kind", "invalid"}, {"severity", "error"}, {"typeWebhook", "other"}}));
  EXPECT_THAT(json[0]["annotations"]["description"].get<std::string>(), HasSubstr("idInstance 1101000001"));
}

TEST(Alertmanager, FiresForAWindowAfterItIsSentHoweverLate) {
  const Json prompt = Json::parse(as_alertmanager(notice(invalid()), kNow, 10min))[0];
  EXPECT_EQ(prompt["startsAt"], "2025-06-15T15:06:40.123Z");
  EXPECT_EQ(prompt["endsAt"], "2025-06-15T15:16:40.123Z");
  const Json late = Json::parse(as_alertmanager(notice(invalid()), kNow + 2h, 10min))[0];
  EXPECT_EQ(late["startsAt"], "2025-06-15T15:06:40.123Z");
  EXPECT_EQ(late["endsAt"], "2025-06-15T17:16:40.123Z");
}

TEST(GreenApi, FitsIntoOneMessage) {
  Alert alert = invalid();
  alert.text = std::string(kTextMax, 'x');
  alert.body = std::make_shared<const std::string>(100'000, 'x');
  const Json json = Json::parse(as_green_api(notice(alert), "79001234567@c.us"));
  EXPECT_EQ(json.size(), 2U);
  EXPECT_EQ(json["chatId"], "79001234567@c.us");
  EXPECT_LE(json["message"].get<std::string>().size(), 4000U);
  EXPECT_THAT(json["message"].get<std::string>(), HasSubstr("Hookfleet error: invalid"));
}

// --- Sinks

SinkOptions http(const std::string& url) {
  SinkOptions options;
  options.http.url = config::Secret(url);
  return options;
}

SinkOptions green_api() {
  SinkOptions options;
  options.greenapi = {.api_url = "https://1101.api.green-api.com/",
                      .id_instance = 1101000001,
                      .token = config::Secret("s3cret"),
                      .chat = "79001112233@c.us"};
  return options;
}

TEST(Sink, GetsANameByItsKindAndPlace) {
  Options options;
  options.sinks = {http("http://a/"), green_api(), http("http://b/")};
  const auto sinks = make_sinks(options);
  EXPECT_EQ(sinks[0].name(), "http");
  EXPECT_EQ(sinks[1].name(), "greenapi");
  EXPECT_EQ(sinks[2].name(), "http-2");
  options.sinks = {http("http://b/"), http("http://a/")};
  EXPECT_EQ(make_sinks(options)[0].key(), sinks[2].key()) << "its place changes nothing of how far it is";
  EXPECT_NE(sinks[0].key(), sinks[2].key());
  EXPECT_THAT(sinks[1].origin() + sinks[1].key(), Not(HasSubstr("s3cret")));
}

TEST(Sink, PostsWhatItsKindTakes) {
  SinkOptions with_authorization = http("http://127.0.0.1:1/a?token=x");
  with_authorization.http.authorization = config::Secret("Bearer y");
  const Notice one = notice(invalid());
  const web::Request http_request = Sink(with_authorization, "http", 10min).request(one, kNow);
  EXPECT_EQ(http_request.method, "POST");
  EXPECT_EQ(http_request.url, "http://127.0.0.1:1/a?token=x");
  EXPECT_EQ(*http_request.body, as_json(one));
  EXPECT_THAT(http_request.headers, testing::Contains(std::pair<std::string, std::string>("Authorization", "Bearer y")));
  EXPECT_THAT(http_request.headers, testing::Contains(std::pair<std::string, std::string>("Idempotency-Key", one.number)));

  SinkOptions alertmanager;
  alertmanager.alertmanager.url = config::Secret("http://am:9093/base/");
  EXPECT_EQ(Sink(alertmanager, "alertmanager", 10min).request(one, kNow).url, "http://am:9093/base/api/v2/alerts");
  EXPECT_EQ(Sink(green_api(), "greenapi", 10min).request(one, kNow).url,
            "https://1101.api.green-api.com/waInstance1101000001/sendMessage/s3cret");
}

TEST(Sink, TellsWhatIsDoneFromWhatMayWorkLaterAndWhatNeverWill) {
  const Sink sink(http("http://a/"), "http", 10min);
  const auto judged = [](const Sink& by, int status, const std::string& body = {}) {
    web::Answer answer;
    answer.status = status;
    answer.body = body;
    return by.judge(answer);
  };
  for (const int status : {200, 201, 204}) EXPECT_EQ(judged(sink, status).delivered, Delivered::kYes) << status;
  for (const int status : {301, 401, 403, 404, 408, 410, 425, 429, 466, 500, 503}) {
    EXPECT_EQ(judged(sink, status).delivered, Delivered::kLater) << status;
  }
  for (const int status : {400, 413, 415, 422}) EXPECT_EQ(judged(sink, status).delivered, Delivered::kNever) << status;
  EXPECT_EQ(judged(Sink(green_api(), "greenapi", 10min), 400).delivered, Delivered::kLater);
  EXPECT_EQ(sink.judge(tl::unexpected(web::Error{web::ErrorKind::kTimeout, "slow"})).delivered, Delivered::kLater);
  EXPECT_EQ(judged(sink, 404, "no_service").why, "status 404: no_service");
  EXPECT_EQ(judged(sink, 404, "Cannot POST /s3cret").why, "status 404") << "a body may repeat the token";
}

TEST(Sink, DoesNotTellOfWhatItCausesItself) {
  const Sink sink(green_api(), "greenapi", 10min);
  Alert own;
  own.kind = Kind::kMessageFailed;
  own.type_webhook = "outgoingMessageStatus";
  own.id_instance = 1101000001;
  own.chat = "79001112233@c.us";
  EXPECT_TRUE(sink.causes(own));
  const auto with = [&own](auto change) {
    Alert other = own;
    change(other);
    return other;
  };
  EXPECT_FALSE(sink.causes(with([](Alert& alert) { alert.id_instance = 2; })));
  EXPECT_FALSE(sink.causes(with([](Alert& alert) { alert.chat = "79009999999@c.us"; })));
  EXPECT_FALSE(sink.causes(with([](Alert& alert) { alert.type_webhook = "incomingMessageReceived"; })));
  EXPECT_FALSE(Sink(http("http://a/"), "http", 10min).causes(own));
}

TEST(Sink, WaitsLongerAfterEachFailureUpToFiveMinutes) {
  EXPECT_EQ(pause_after(1), 1s);
  EXPECT_EQ(pause_after(2), 2s);
  EXPECT_EQ(pause_after(9), 256s);
  EXPECT_EQ(pause_after(10), 5min);
  EXPECT_EQ(pause_after(4'000'000'000U), 5min);
}

TEST(SinkState, ComesBackAsItWasAndRefusesOtherFormats) {
  const SinkState state{.cursor = {1'750'000'000'123, 4}, .tries = 3, .name = "slack-2", .problem = "status 404: no_service"};
  EXPECT_EQ(SinkState::parse(state.text()), state);
  EXPECT_EQ(SinkState::parse(""), std::nullopt);
  EXPECT_EQ(SinkState::parse("2" + state.text().substr(1)), std::nullopt);
  EXPECT_EQ(SinkState::parse(state.text().substr(0, 9)), std::nullopt);
  EXPECT_EQ(sink_of_field(sink_field("ab")), "ab");
  EXPECT_EQ(sink_of_field("owner"), std::nullopt);
}

// --- Settings

std::vector<std::string> problems_of(const std::string& yaml, Options& options) {
  const support::TempDir dir;
  const std::string path = dir / "a.yaml";
  std::ofstream(path) << yaml;
  config::Settings settings;
  declare(settings, options);
  std::vector<std::string> texts;
  for (const auto& problem : settings.load(path, {}, {})) texts.push_back(problem.message);
  return texts;
}

TEST(AlertSettings, TakeOneKindAnItem) {
  Options options;
  EXPECT_THAT(problems_of(R"(alerts:
  window: 1min
  attach: redacted
  sinks:
    - {http: {url: "http://127.0.0.1:3001/alert"}}
    - slack: {url: "https://hooks.slack.com/services/T/B/x"}
    - {alertmanager: {url: "http://am:9093"}}
    - {greenapi: {api_url: "https://1101.api.green-api.com", id_instance: 1101000001, token: t, chat: "79001234567@c.us"}}
)",
                          options),
              testing::IsEmpty());
  EXPECT_EQ(options.window, 1min);
  EXPECT_EQ(options.attach, Attach::kRedacted);
  ASSERT_EQ(options.sinks.size(), 4U);
  EXPECT_EQ(options.sinks[1].slack.url.reveal(), "https://hooks.slack.com/services/T/B/x");
  EXPECT_EQ(options.sinks[3].greenapi.id_instance, 1101000001U);
}

TEST(AlertSettings, SayWhatIsWrongWithASink) {
  const auto wrong = [](const std::string& sink) {
    Options options;
    std::string all;
    for (const std::string& problem : problems_of("alerts: {sinks: [" + sink + "]}", options)) all += problem + "\n";
    return all;
  };
  EXPECT_THAT(wrong("{}"), HasSubstr("exactly one sink"));
  EXPECT_THAT(wrong(R"({http: {url: "http://a/"}, slack: {url: "http://b/"}})"), HasSubstr("exactly one sink"));
  EXPECT_THAT(wrong(R"({slack: {url: "ftp://b/"}})"), HasSubstr("http"));
  EXPECT_THAT(wrong(R"({slack: {url: "ftp://s3cret/"}})"), Not(HasSubstr("s3cret")));
  EXPECT_THAT(wrong(R"({greenapi: {api_url: "https://a", id_instance: 1, chat: x}})"), HasSubstr("token"));
  EXPECT_THAT(wrong(R"({telegram: {url: "http://b/"}})"), HasSubstr("telegram"));
}

}  // namespace
}  // namespace hookfleet::alert
