#include <algorithm>
#include <optional>

#include "common/alert/options.hpp"
#include "common/web/url.hpp"

namespace hookfleet::alert {
namespace {

using namespace std::chrono_literals;

void declare_sink(config::Settings& item, SinkOptions& sink) {
  constexpr std::uint64_t kIdMax = INT64_MAX;
  item.secret("http.url", sink.http.url, "Takes a POST of JSON for each alert; any 2xx is success", web::check_url);
  item.secret("http.authorization", sink.http.authorization, "Value of its Authorization header");
  item.secret("slack.url", sink.slack.url, "Incoming webhook of Slack, or of a service that takes {\"text\": …} as well", web::check_url);
  item.secret("alertmanager.url", sink.alertmanager.url, "Base URL of a Prometheus Alertmanager", web::check_url);
  item.secret("alertmanager.authorization", sink.alertmanager.authorization, "Value of its Authorization header");
  item.text("greenapi.api_url", sink.greenapi.api_url, "apiUrl of the instance that sends the operator a message", web::check_url);
  item.count("greenapi.id_instance", sink.greenapi.id_instance, {0, kIdMax}, "idInstance of it");
  item.secret("greenapi.token", sink.greenapi.token, "apiTokenInstance of it");
  item.text("greenapi.chat", sink.greenapi.chat, "chatId of the operator, 79001234567@c.us");
  item.rule(
      [&sink]() -> std::optional<std::string> {
        const auto& green = sink.greenapi;
        const bool greenapi = !green.api_url.empty() || green.id_instance != 0 || !green.token.empty() || !green.chat.empty();
        const int given = (sink.http.url.empty() ? 0 : 1) + (sink.slack.url.empty() ? 0 : 1) + (sink.alertmanager.url.empty() ? 0 : 1) +
                          (greenapi ? 1 : 0);
        if (given != 1)
          return "is exactly one sink; write {http: {url: …}}, {slack: {url: …}}, {alertmanager: {url: …}} or {greenapi: {…}}";
        if (sink.http.url.empty() && !sink.http.authorization.empty()) return "http.authorization without http.url";
        if (sink.alertmanager.url.empty() && !sink.alertmanager.authorization.empty())
          return "alertmanager.authorization without alertmanager.url";
        if (greenapi && (green.api_url.empty() || green.id_instance == 0 || green.token.empty() || green.chat.empty()))
          return "greenapi needs all of api_url, id_instance, token and chat";
        return std::nullopt;
      },
      {"http.url", "http.authorization", "slack.url", "alertmanager.url", "alertmanager.authorization", "greenapi.api_url",
       "greenapi.id_instance", "greenapi.token", "greenapi.chat"});
}

}  // namespace

void declare(config::Settings& settings, Options& options) {
  settings.duration("alerts.window", options.window, {1s, 24h}, "Alerts of one kind, type and instance within it are one");
  settings.count("alerts.rate", options.rate, {1, 6000}, "Alerts a minute that one sink gets; the rest waits in the queue");
  settings.choice("alerts.attach", options.attach, {{"full", Attach::kFull}, {"redacted", Attach::kRedacted}, {"none", Attach::kNone}},
                  "How much of the notification goes with an alert, up to 16 KiB");
  settings.list("alerts.sinks", options.sinks, declare_sink, "Where alerts go, each of one kind; without any they are in the log only");
}

}  // namespace hookfleet::alert
