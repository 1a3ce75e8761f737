#include "worker/forward/outcome.hpp"

#include <gtest/gtest.h>

namespace hookfleet::forward {
namespace {

using namespace std::chrono_literals;
using handlers::Handled;
using web::ErrorKind;

const base::WallTime kNow = base::from_unix_ms(1'750'000'000'000);  // Sun, 15 Jun 2025 15:06:40 GMT

struct StatusRow {
  int status;
  Outcome outcome;
};

class StatusTest : public testing::TestWithParam<StatusRow> {};

TEST_P(StatusTest, HasItsClass) {
  web::Answer answer;
  answer.status = GetParam().status;
  answer.body = "79001234567";
  const Verdict verdict = judge(answer, kNow);
  EXPECT_EQ(verdict.outcome, GetParam().outcome);
  const Handled::Kind kind = verdict.handled.kind;
  switch (GetParam().outcome) {
    case Outcome::kDone: EXPECT_EQ(kind, Handled::Kind::kDone); break;
    case Outcome::kUnavailable: EXPECT_EQ(kind, Handled::Kind::kUnavailable); break;
    case Outcome::kFailed: EXPECT_EQ(kind, Handled::Kind::kRetry); break;
    case Outcome::kRejected: EXPECT_EQ(kind, Handled::Kind::kReject); break;
    case Outcome::kHeldBack:
    case Outcome::kCancelled: FAIL();
  }
  if (kind != Handled::Kind::kDone) {
    EXPECT_TRUE(verdict.handled.reason.starts_with("HTTP " + std::to_string(GetParam().status))) << verdict.handled.reason;
  }
  EXPECT_EQ(verdict.handled.reason.find("79001234567"), std::string::npos);
}

constexpr StatusRow kStatuses[] = {
    {200, Outcome::kDone},        {201, Outcome::kDone},        {202, Outcome::kDone},        {204, Outcome::kDone},
    {299, Outcome::kDone},        {101, Outcome::kFailed},      {300, Outcome::kFailed},      {301, Outcome::kFailed},
    {302, Outcome::kFailed},      {303, Outcome::kFailed},      {304, Outcome::kFailed},      {307, Outcome::kFailed},
    {308, Outcome::kFailed},      {400, Outcome::kRejected},    {401, Outcome::kUnavailable}, {402, Outcome::kFailed},
    {403, Outcome::kUnavailable}, {404, Outcome::kUnavailable}, {405, Outcome::kFailed},      {406, Outcome::kFailed},
    {408, Outcome::kUnavailable}, {409, Outcome::kFailed},      {410, Outcome::kRejected},    {411, Outcome::kFailed},
    {413, Outcome::kRejected},    {415, Outcome::kRejected},    {418, Outcome::kFailed},      {422, Outcome::kRejected},
    {425, Outcome::kUnavailable}, {429, Outcome::kUnavailable}, {431, Outcome::kFailed},      {451, Outcome::kFailed},
    {500, Outcome::kUnavailable}, {502, Outcome::kUnavailable}, {503, Outcome::kUnavailable}, {504, Outcome::kUnavailable},
    {599, Outcome::kUnavailable}, {600, Outcome::kFailed},      {999, Outcome::kFailed},      {0, Outcome::kFailed}};
INSTANTIATE_TEST_SUITE_P(All, StatusTest, testing::ValuesIn(kStatuses),
                         [](const auto& row) { return "Status" + std::to_string(row.param.status); });

struct ErrorRow {
  ErrorKind kind;
  Outcome outcome;
};

class ErrorTest : public testing::TestWithParam<ErrorRow> {};

TEST_P(ErrorTest, CostsNoAttempt) {
  const Verdict verdict = judge(tl::unexpected(web::Error{GetParam().kind, "why"}), kNow);
  EXPECT_EQ(verdict.outcome, GetParam().outcome);
  EXPECT_EQ(verdict.handled.kind, Handled::Kind::kUnavailable);
  EXPECT_EQ(verdict.handled.reason, std::string(web::to_text(GetParam().kind)) + ": why");
}

INSTANTIATE_TEST_SUITE_P(
    All, ErrorTest,
    testing::Values(ErrorRow{ErrorKind::kConnect, Outcome::kUnavailable}, ErrorRow{ErrorKind::kTimeout, Outcome::kUnavailable},
                    ErrorRow{ErrorKind::kTls, Outcome::kUnavailable}, ErrorRow{ErrorKind::kRefusedAddress, Outcome::kUnavailable},
                    ErrorRow{ErrorKind::kBrokenAnswer, Outcome::kUnavailable}, ErrorRow{ErrorKind::kCancelled, Outcome::kCancelled}),
    [](const auto& row) { return std::string(web::to_text(row.param.kind)); });

TEST(RetryAfter, IsReadAsSecondsOrAsADate) {
  EXPECT_EQ(retry_after("120", kNow), 120s);
  EXPECT_EQ(retry_after("0", kNow), 0s);
  EXPECT_EQ(retry_after("Sun, 15 Jun 2025 15:07:40 GMT", kNow), 60s);
  EXPECT_EQ(retry_after("Sun, 15 Jun 2025 15:00:00 GMT", kNow), 0s) << "it has passed";
  for (const char* value :
       {"", "-1", "1.5", "soon", "99999999999", "86401", "Sun, 15 Jun 2026 15:00:00 GMT", "Sun, 15 Jun 2025 15:07:40"}) {
    EXPECT_EQ(retry_after(value, kNow), std::nullopt) << value;
  }
}

TEST(RetryAfter, IsHonouredWithWhatCostsNoAttempt) {
  web::Answer answer;
  answer.headers = {{"retry-after", "7"}};
  for (const int status : {429, 503}) {
    answer.status = status;
    EXPECT_EQ(judge(answer, kNow).handled.pause, 7s) << status;
  }
}

}  // namespace
}  // namespace hookfleet::forward
