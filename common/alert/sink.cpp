#include "common/alert/sink.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "common/alert/format.hpp"
#include "common/digest/digest.hpp"
#include "common/web/url.hpp"

namespace hookfleet::alert {
namespace {

using namespace std::chrono_literals;

constexpr auto kTimeout = 10s;
constexpr std::size_t kWordMax = 40;

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

const char* kind_of(const SinkOptions& options) {
  if (!options.http.url.empty()) return "http";
  if (!options.slack.url.empty()) return "slack";
  if (!options.alertmanager.url.empty()) return "alertmanager";
  return "greenapi";
}

std::string url_of(const SinkOptions& options) {
  if (!options.http.url.empty()) return options.http.url.reveal();
  if (!options.slack.url.empty()) return options.slack.url.reveal();
  if (!options.alertmanager.url.empty()) return without_slash(options.alertmanager.url.reveal()) + "/api/v2/alerts";
  const auto& green = options.greenapi;
  return without_slash(green.api_url) + "/waInstance" + std::to_string(green.id_instance) + "/sendMessage/" + green.token.reveal();
}

/// What Slack says of itself, "invalid_payload". Other bodies may repeat the URL, and with it the token.
bool is_plain_word(std::string_view body) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !body.empty() && body.size() <= kWordMax && std::all_of(body.begin(), body.end(), plain);
}

}  // namespace

Sink::Sink(SinkOptions options, std::string name, std::chrono::milliseconds window)
    : options_(std::move(options)), name_(std::move(name)), window_(window), url_(url_of(options_)) {
  // Eight bytes of a hash over the whole of it: a token in it can't be guessed from that.
  const auto whole = digest::sha256(std::string(kind_of(options_)) + '\0' + url_ + '\0' + options_.greenapi.chat);
  key_ = digest::to_hex(digest::as_bytes(whole).substr(0, 8));
}

std::string Sink::origin() const { return web::origin_of(url_); }

web::Request Sink::request(const Notice& notice, base::WallTime now) const {
  web::Request request;
  request.url = url_;
  request.timeout = kTimeout;
  request.headers = {{"Content-Type", "application/json"}, {"User-Agent", "hookfleet"}, {"Idempotency-Key", notice.number}};
  const auto authorize = [&](const config::Secret& secret) {
    if (!secret.empty()) request.headers.emplace_back("Authorization", secret.reveal());
  };
  std::string body;
  if (!options_.http.url.empty()) {
    body = as_json(notice);
    authorize(options_.http.authorization);
  } else if (!options_.slack.url.empty()) {
    body = as_slack(notice);
  } else if (!options_.alertmanager.url.empty()) {
    body = as_alertmanager(notice, now, window_);
    authorize(options_.alertmanager.authorization);
  } else {
    body = as_green_api(notice, options_.greenapi.chat);
  }
  request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

bool Sink::causes(const Alert& alert) const {
  const auto& green = options_.greenapi;
  return !green.chat.empty() && alert.id_instance == green.id_instance && alert.chat == green.chat &&
         alert.type_webhook.starts_with("outgoing");
}

std::vector<Sink> make_sinks(const Options& options) {
  std::map<std::string, unsigned> of_kind;
  std::vector<Sink> sinks;
  sinks.reserve(options.sinks.size());
  for (const SinkOptions& sink : options.sinks) {
    std::string name = kind_of(sink);
    if (const unsigned number = ++of_kind[name]; number > 1) name += "-" + std::to_string(number);
    sinks.emplace_back(sink, std::move(name), options.window);
  }
  return sinks;
}

Judgement Sink::judge(const web::Result& result) const {
  if (!result) return {Delivered::kLater, std::string(web::to_text(result.error().kind)) + ": " + result.error().message};
  const int status = result->status;
  if (status >= 200 && status < 300) return {Delivered::kYes, {}};
  std::string why = "status " + std::to_string(status);
  if (is_plain_word(result->body)) why.append(": ").append(result->body);
  // GREEN-API says 400 while an instance starts or isn't authorized, too.
  const bool never = (status == 400 && options_.greenapi.chat.empty()) || status == 413 || status == 415 || status == 422;
  return {never ? Delivered::kNever : Delivered::kLater, std::move(why)};
}

std::chrono::milliseconds pause_after(unsigned tries) {
  constexpr std::chrono::milliseconds kMost = 5min;
  return std::min<std::chrono::milliseconds>(1s * (1U << std::min(std::max(tries, 1U) - 1, 9U)), kMost);
}

}  // namespace hookfleet::alert
