#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/digest/digest.hpp"
#include "tests/support/temp_dir.hpp"
#include "worker/forward/headers.hpp"
#include "worker/forward/settings.hpp"
#include "worker/forward/signature.hpp"

namespace hookfleet::forward {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

notification::Notification example() {
  notification::Notification made;
  made.id = "01890000-0000-7000-8000-000000000001";
  made.id_instance = 1101000001;
  made.type_webhook = "incomingMessageReceived";
  made.attempt = 3;
  made.identity.fill(0xab);
  made.body_digest.fill(0x01);
  made.body = std::make_shared<const std::string>(R"({"test": 2432232314})");
  return made;
}

// --- Headers

TEST(ForwardHeaders, SayAllThatTheBodyDoesNot) {
  const web::Headers headers = headers_of(example(), 1);
  EXPECT_THAT(headers, Contains(Pair("Content-Type", "application/json")));
  EXPECT_THAT(headers, Contains(Pair("Idempotency-Key", "abababababababababababababababab-0101010101010101")));
  EXPECT_THAT(headers, Contains(Pair("X-Hookfleet-Id", "01890000-0000-7000-8000-000000000001")));
  EXPECT_THAT(headers, Contains(Pair("X-Hookfleet-Identity", "abababababababababababababababab")));
  EXPECT_THAT(headers, Contains(Pair("X-Hookfleet-Type", "incomingMessageReceived")));
  EXPECT_THAT(headers, Contains(Pair("X-Hookfleet-Instance", "1101000001")));
  EXPECT_THAT(headers, Contains(Pair("X-Hookfleet-Attempt", "3")));
  EXPECT_THAT(headers, Not(Contains(Key("traceparent"))));
  EXPECT_THAT(headers, Not(Contains(Key("X-Hookfleet-Invalid"))));
}

TEST(ForwardHeaders, SayWhereANotificationBreaksItsSchema) {
  notification::Notification notification = example();
  notification.invalid_at = "/senderData/chatId";
  EXPECT_THAT(headers_of(notification, 1), Contains(Pair("X-Hookfleet-Invalid", "/senderData/chatId")));
}

TEST(ForwardHeaders, CarryTheTraceOn) {
  notification::Notification notification = example();
  notification.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_THAT(headers_of(notification, 0x1234), Contains(Pair("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000001234-01")));
}

TEST(ForwardHeaders, AreOneLineWhateverATypeContains) {
  notification::Notification notification = example();
  notification.type_webhook = std::string("a\r\nX-Forged: 1\0\"\xff\xc3\xa4 \x7f", 22) + std::string(5000, 'x');
  for (const auto& [name, value] : headers_of(notification, 1)) {
    EXPECT_LE(value.size(), 256U) << name;
    for (const char c : value) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << name;
  }
}

TEST(HeaderValue, ReplacesWhatIsNoPrintableAscii) {
  const std::pair<std::string, std::string> rows[] = {{"plain-Type_1", "plain-Type_1"},
                                                      {"a\r\nb", "a??b"},
                                                      {std::string("\0", 1), "?"},
                                                      {"\xc3\xa4", "??"},
                                                      {" a b ", "?a b?"},
                                                      {" ", "?"},
                                                      {"", ""}};
  for (const auto& [text, value] : rows) EXPECT_EQ(header_value(text), value);
}

TEST(ChildTraceparent, TakesOnlyWhatIsOne) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  EXPECT_EQ(child_traceparent(good, 0), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-00") << "a span of zeros is none";
  const std::pair<const char*, std::string> rows[] = {
      {"request id", "01890000-0000-7000-8000-000000000001"},
      {"empty", ""},
      {"upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"},
      {"trace of zeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
      {"span of zeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"},
      {"a later version", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"},
      {"version ff", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"more in version 00", good + "-x"},
      {"a line end", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n"},
  };
  for (const auto& [label, trace] : rows) EXPECT_EQ(child_traceparent(trace, 7), std::nullopt) << label;
}

// --- Signature

TEST(Signature, IsThatOfThePublishedExample) {  // of Standard Webhooks' reference libraries
  const auto key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(signature({&*key, 1}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Signature, IsMadeWithEachKeySoThatOneCanFollowAnother) {
  const std::string keys[] = {std::string(24, 'a'), std::string(24, 'b')};
  const std::string both = signature(keys, "id", 1, "body");
  EXPECT_EQ(both, signature({keys, 1}, "id", 1, "body") + " " + signature({keys + 1, 1}, "id", 1, "body"));
}

TEST(Signature, GoesOverTheIdempotencyKeyAndTheTimeThatAreSent) {
  const std::string key(32, 'k');
  web::Headers headers;
  sign(headers, example(), {&key, 1}, 1614265330);
  const std::string id = example().idempotency_key();
  EXPECT_THAT(headers, Contains(Pair("webhook-id", id)));
  EXPECT_THAT(headers, Contains(Pair("webhook-timestamp", "1614265330")));
  EXPECT_THAT(headers, Contains(Pair("webhook-signature", signature({&key, 1}, id, 1614265330, *example().body))));
}

TEST(SigningKey, TakesWhatStandardWebhooksNames) {
  const auto secret = [](std::size_t bytes) { return "whsec_" + digest::to_base64(std::string(bytes, 'k')); };
  EXPECT_EQ(signing_key(secret(24)), std::string(24, 'k'));
  EXPECT_EQ(signing_key(secret(64)), std::string(64, 'k'));
  for (const std::string& text : {secret(23), secret(65), std::string("whsec_"), std::string("plain secret"), secret(32) + "\n",
                                  digest::to_base64(std::string(32, 'k'))}) {
    EXPECT_EQ(signing_key(text), std::nullopt) << text;
  }
}

// --- Settings

std::string problems_of(const std::string& yaml, Options& options) {
  const support::TempDir directory;
  const std::string path = directory / "f.yaml";
  std::ofstream(path) << yaml;
  config::Settings settings;
  declare(settings, options);
  std::string problems;
  for (const auto& problem : settings.load(path, {}, {})) problems += problem.message + "\n";
  return problems;
}

TEST(ForwardSettings, ReadATarget) {
  Options options;
  EXPECT_EQ(problems_of("url: https://example.com/in\n"
                        "timeout: 3s\n"
                        "concurrency: 256\n"
                        "headers: ['Authorization: Bearer T']\n"
                        "signing_secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]\n"
                        "refuse_private_addresses: true\n"
                        "breaker: {failures: 3, pause_max: 2s}\n",
                        options),
            "");
  EXPECT_EQ(options.url.reveal(), "https://example.com/in");
  EXPECT_EQ(options.timeout, 3s);
  EXPECT_EQ(options.concurrency, 256U);
  EXPECT_EQ(options.headers.at(0).reveal(), "Authorization: Bearer T");
  EXPECT_EQ(options.signing_secrets.size(), 1U);
  EXPECT_TRUE(options.refuse_private_addresses);
  EXPECT_EQ(options.breaker_failures, 3U);
  EXPECT_EQ(options.breaker_pause_max, 2s);
}

TEST(ForwardSettings, ANameShowsNoPathAndNoQuery) {
  const auto name = [](const std::string& url) {
    Options options;
    options.url = config::Secret(url);
    return display_name(options);
  };
  EXPECT_EQ(name("http://shop:8080"), "http://shop:8080");
  EXPECT_EQ(name("http://shop:8080/?token=SECRET"), "http://shop:8080");
  EXPECT_THAT(name("https://flows.example.com/hook/SECRET?token=SECRET"),
              testing::MatchesRegex("https://flows\\.example\\.com:443/~[0-9a-f]{8}"));
  EXPECT_EQ(name("http://shop/in"), name("http://shop/in?token=another"));
  EXPECT_NE(name("http://shop/in"), name("http://shop/out"));
  Options named;
  ASSERT_EQ(problems_of("{name: Orders_2.0-eu, url: 'http://shop/in'}\n", named), "");
  EXPECT_EQ(display_name(named), "Orders_2.0-eu");
}

TEST(ForwardSettings, TellWhatIsWrongAndNoSecret) {
  const std::pair<std::string, std::string> rows[] = {
      {"timeout: 1s\n", "url: is missing"},
      {"url: ftp://example.com/\n", "only http:// and https:// are taken"},
      {"url: http://user:SECRET@example.com/\n", "would show in logs"},
      {"url: ftp://example.com/SECRET\n", "only http:// and https:// are taken"},
      {"url: http://h/\nname: ''\n", "is no name"},
      {"url: http://h/\nname: 'http://h/'\n", "is no name"},
      {"url: http://h/\nname: " + std::string(65, 'n') + "\n", "up to 64 letters"},
      {"url: http://h/\nheaders: ['SECRET']\n", "headers[0]: is not `Name: value`"},
      {"url: http://h/\nheaders: ['Bad Name: SECRET']\n", "has a name that is none"},
      {"url: http://h/\nheaders: ['Content-Length: 7']\n", "that requests have from us"},
      {"url: http://h/\nheaders: ['Content-Type: text/plain']\n", "that requests have from us"},
      {"url: http://h/\nheaders: ['X-Hookfleet-Id: SECRET']\n", "that requests have from us"},
      {"url: http://h/\nheaders: [\"X-A: SECRET\\r\\nX-B: 1\"]\n", "has a control character"},
      {"url: http://h/\nsigning_secrets: [SECRET]\n", "signing_secrets[0]: is not whsec_"},
      {"url: http://h/\nconcurrency: 0\n", "too small"},
  };
  for (const auto& [yaml, expected] : rows) {
    Options options;
    const std::string problems = problems_of(yaml, options);
    EXPECT_THAT(problems, HasSubstr(expected)) << yaml;
    EXPECT_THAT(problems, Not(HasSubstr("SECRET"))) << yaml;
  }
}

}  // namespace
}  // namespace hookfleet::forward
