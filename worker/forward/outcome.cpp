#include "worker/forward/outcome.hpp"

#include <ctime>

#include <algorithm>
#include <charconv>
#include <string>

namespace hookfleet::forward {
namespace {

using handlers::Handled;

Outcome class_of(int status) {
  if (status >= 200 && status <= 299) return Outcome::kDone;
  if (status >= 500 && status <= 599) return Outcome::kUnavailable;
  switch (status) {
    case 400:
    case 410:
    case 413:
    case 415:
    case 422: return Outcome::kRejected;
    case 401:
    case 403:
    case 404:
    case 408:
    case 425:
    case 429: return Outcome::kUnavailable;
    default: return Outcome::kFailed;
  }
}

Verdict judge_answer(const web::Answer& answer, base::WallTime now) {
  const Outcome outcome = class_of(answer.status);
  std::string reason = "HTTP " + std::to_string(answer.status);
  switch (outcome) {
    case Outcome::kDone: return {outcome, Handled::done()};
    case Outcome::kRejected: return {outcome, Handled::reject(std::move(reason))};
    case Outcome::kUnavailable:
      return {outcome, Handled::unavailable(std::move(reason),
                                            retry_after(answer.header("retry-after"), now).value_or(std::chrono::milliseconds(0)))};
    case Outcome::kFailed:
    case Outcome::kHeldBack:
    case Outcome::kCancelled: break;
  }
  if (answer.status >= 300 && answer.status <= 399) reason += ": redirects are not followed";
  return {Outcome::kFailed, Handled::retry(std::move(reason))};
}

}  // namespace

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone: return "done";
    case Outcome::kUnavailable: return "unavailable";
    case Outcome::kFailed: return "failed";
    case Outcome::kRejected: return "rejected";
    case Outcome::kHeldBack: return "held_back";
    case Outcome::kCancelled: return "cancelled";
  }
  return "";
}

Verdict judge(const web::Result& result, base::WallTime now) {
  if (result) return judge_answer(*result, now);
  const web::Error& error = result.error();
  const Outcome outcome = error.kind == web::ErrorKind::kCancelled ? Outcome::kCancelled : Outcome::kUnavailable;
  return {outcome, Handled::unavailable(std::string(web::to_text(error.kind)) + ": " + error.message)};
}

std::optional<std::chrono::milliseconds> retry_after(std::string_view value, base::WallTime now) {
  constexpr std::chrono::hours kMax{24};
  std::chrono::milliseconds pause{};
  unsigned seconds = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (!value.empty() && problem == std::errc() && end == value.data() + value.size()) {
    pause = std::chrono::seconds(seconds);
  } else {
    std::tm utc{};
    const std::string text(value);
    const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);  // RFC 9110, the form that may be sent
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    pause = std::chrono::milliseconds(static_cast<std::int64_t>(::timegm(&utc)) * 1000 - base::unix_ms(now));
  }
  if (pause > kMax) return std::nullopt;
  return std::max(pause, std::chrono::milliseconds(0));
}

}  // namespace hookfleet::forward
