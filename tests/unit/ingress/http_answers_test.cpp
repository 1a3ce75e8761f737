#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "ingress/http/answers.hpp"
#include "ingress/http/tracing.hpp"
#include "ingress/metrics.hpp"
#include "tests/support/golden.hpp"

namespace hookfleet::http {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Answers, FollowThePolicy) {
  struct Row {
    Outcome outcome;
    int status;
    std::string_view header;
  };
  const Row rows[] = {
      {Outcome::kStored, 200, ""},
      {Outcome::kOverloaded, 503, "Retry-After"},
      {Outcome::kUnavailable, 504, ""},
      {Outcome::kUnknown, 504, ""},
      {Outcome::kDraining, 503, "Retry-After"},
      {Outcome::kUnauthorized, 401, "WWW-Authenticate"},
      {Outcome::kForbiddenAddress, 403, ""},
      {Outcome::kForbiddenInstance, 403, ""},
      {Outcome::kNotFound, 404, ""},
      {Outcome::kMethod, 405, "Allow"},
      {Outcome::kTooLarge, 413, ""},
      {Outcome::kContinue, 204, ""},
      {Outcome::kFailed, 500, ""},
  };
  static_assert(std::size(rows) == kOutcomes);
  for (const Row& row : rows) {
    EXPECT_EQ(answer(row.outcome).status, row.status) << answer(row.outcome).label;
    EXPECT_EQ(answer(row.outcome).header, row.header) << answer(row.outcome).label;
  }
}

TEST(Answers, OnlyStoredIs200) {
  std::set<std::string_view> labels;
  for (const Answer& row : kAnswers) {
    EXPECT_EQ(row.status == 200, row.outcome == Outcome::kStored) << row.label;
    labels.insert(row.label);
  }
  EXPECT_EQ(labels.size(), kOutcomes);
}

TEST(Answers, AreShortJson) {
  EXPECT_EQ(body_of(Outcome::kStored, "abc"), R"({"status":"stored","id":"abc"})");
  for (const Answer& row : kAnswers) {
    if (row.outcome == Outcome::kStored) continue;
    if (row.outcome == Outcome::kContinue) {
      EXPECT_EQ(body_of(row.outcome, {}), "");
      EXPECT_EQ(response(row.status, {}, {}, {}, {}, {}).find("Content-Length"), std::string::npos) << "204 must not name one";
      continue;
    }
    EXPECT_EQ(nlohmann::json::parse(body_of(row.outcome, {})), nlohmann::json({{"error", row.error}}));
  }
}

// docs/webhook.md is for people; its table has these rows and no others.
TEST(Answers, AreThoseOfTheDocumentation) {
  const auto code = [](std::string_view text) { return "`" + std::string(text) + "`"; };
  std::set<std::string> expected;
  for (const Answer& row : kAnswers) {
    const std::string header = row.header.empty() ? "–" : code(std::string(row.header) + ": " + std::string(row.value));
    const std::string told = row.told == Told::kNo           ? "–"
                             : row.told == Told::kRightToken ? "`delivery_refused` to a right token"
                                                             : "`token_refused` from a listed address";
    const std::string body = body_of(row.outcome, "…");
    expected.insert("| " + std::to_string(row.status) + " | " + header + " | " + (body.empty() ? "–" : code(body)) + " | " +
                    code(row.label) + " | … | " + told + " |");
  }
  std::set<std::string> documented;
  std::ifstream page(HOOKFLEET_SOURCE_DIR "/docs/webhook.md");
  for (std::string line; std::getline(page, line);) {
    std::smatch cells;
    static const std::regex kRow(R"((\| \d{3} \|[^|]*\|[^|]*\|[^|]*\|)[^|]*\|[^|]*(\|[^|]*\|))");
    if (std::regex_match(line, cells, kRow)) documented.insert(cells[1].str() + " … " + cells[2].str());
  }
  EXPECT_EQ(documented, expected);
}

TEST(Response, IsWrittenWhole) {
  EXPECT_EQ(response(401, "WWW-Authenticate", "Bearer", "r-1", "{}", {}),
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: keep-alive\r\nWWW-Authenticate: Bearer\r\n"
            "X-Request-Id: r-1\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(Response, LeavesOutWhatIsAbsent) {
  EXPECT_EQ(response(200, {}, {}, {}, "", {.head = false, .close = true}),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

TEST(Response, ToHeadHasTheLengthButNoBody) {
  const std::string text = response(405, "Allow", "POST", {}, "{\"error\":\"x\"}", {.head = true, .close = false});
  EXPECT_THAT(text, HasSubstr("Content-Length: 13\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(RequestId, IsEchoedOnlyWhenItIsFitForAHeaderAndALog) {
  for (const char* fit : {"a", "01a20b92-03ae-7039-85a9-1aa24a6e6363", "0123456789abcdef0123456789abcdef", "Root=1-67891233-abc/x:y_z.9"}) {
    EXPECT_TRUE(is_request_id(fit)) << fit;
  }
  EXPECT_TRUE(is_request_id(std::string(128, 'a')));
  for (const char* unfit : {"", "a b", "a\r\nSet-Cookie: x", "a\"", "\xc3\xbc", "a,b", "<script>"})
    EXPECT_FALSE(is_request_id(unfit)) << unfit;
  EXPECT_FALSE(is_request_id(std::string(129, 'a')));
  EXPECT_FALSE(is_request_id(std::string_view("a\0", 2)));
}

TEST(IngressMetrics, ArePinnedByAGoldenFile) {
  EXPECT_TRUE(support::matches_golden("ingress_metrics.txt", metrics::describe(ingress::kTable)));
}

TEST(IngressMetrics, CountAnUnknownTypeAsOther) {
  metrics::Registry registry(ingress::kTable, "test");
  const Metrics metrics(registry);
  metrics.stored.of("incomingCall").add();
  metrics.stored.of("somethingNew").add(2);
  metrics.stored.of("").add(3);
  metrics.token_match(0).add();
  metrics.token_match(99).add();
  const std::string text = registry.text();
  EXPECT_THAT(text, HasSubstr("hookfleet_ingress_notifications_total{typeWebhook=\"incomingCall\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("hookfleet_ingress_notifications_total{typeWebhook=\"other\"} 5\n"));
  EXPECT_THAT(text, Not(HasSubstr("somethingNew")));
  EXPECT_THAT(text, HasSubstr("hookfleet_ingress_token_matches_total{index=\"3+\"} 1\n"));
  for (const Answer& row : kAnswers) {
    EXPECT_THAT(text, HasSubstr("hookfleet_ingress_deliveries_total{outcome=\"" + std::string(row.label) + "\"} 0\n"));
  }
}

}  // namespace
}  // namespace hookfleet::http
