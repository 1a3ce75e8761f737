#include "ingress/http/answers.hpp"

namespace hookfleet::http {
namespace {

constexpr bool in_order() {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (kAnswers[i].outcome != static_cast<Outcome>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "answer() looks an outcome up by its number");
static_assert(answer(Outcome::kStored).status == append::http_status(append::Outcome::kStored));
static_assert(answer(Outcome::kOverloaded).status == append::http_status(append::Outcome::kOverloaded));
static_assert(answer(Outcome::kUnavailable).status == append::http_status(append::Outcome::kUnavailable));
static_assert(answer(Outcome::kUnknown).status == append::http_status(append::Outcome::kUnknown));

constexpr std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "";
  }
}
constexpr bool all_have_reasons() {
  for (const Answer& row : kAnswers) {
    if (reason(row.status).empty()) return false;
  }
  return true;
}
static_assert(all_have_reasons());

}  // namespace

Outcome from(append::Outcome outcome) {
  switch (outcome) {
    case append::Outcome::kStored: return Outcome::kStored;
    case append::Outcome::kOverloaded: return Outcome::kOverloaded;
    case append::Outcome::kUnavailable: return Outcome::kUnavailable;
    case append::Outcome::kUnknown: return Outcome::kUnknown;
  }
  return Outcome::kUnknown;  // unreachable while the switch is exhaustive
}

std::string body_of(Outcome outcome, std::string_view id) {
  const Answer& row = answer(outcome);
  std::string body;
  if (row.status == 204) return body;
  if (row.error.empty()) {
    body.append(R"({"status":")").append(row.label).append(R"(","id":")").append(id).append("\"}");
  } else {
    body.append(R"({"error":")").append(row.error).append("\"}");
  }
  return body;
}

std::string response(int status, std::string_view header, std::string_view value, std::string_view request_id, std::string_view body,
                     Form form) {
  std::string text;
  text.reserve(256 + body.size() + request_id.size());
  text.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason(status));
  text.append("\r\nContent-Type: application/json\r\nConnection: ").append(form.close ? "close" : "keep-alive");
  if (!header.empty()) text.append("\r\n").append(header).append(": ").append(value);
  if (!request_id.empty()) text.append("\r\nX-Request-Id: ").append(request_id);
  if (status != 204) text.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  text.append("\r\n\r\n");
  if (!form.head) text.append(body);
  return text;
}

}  // namespace hookfleet::http
