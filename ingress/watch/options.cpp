#include "ingress/watch/options.hpp"

#include <optional>
#include <utility>

#include "common/greenapi/authorization.hpp"
#include "common/web/url.hpp"

namespace hookfleet::watch {
namespace {

using namespace std::chrono_literals;

std::optional<std::string> check_webhook_url(const std::string& url) { return url.empty() ? std::nullopt : web::check_url(url); }

std::optional<std::string> check_webhook_token(const std::string& token) {
  if (greenapi::token_of(token).empty()) return "holds no token";
  return std::nullopt;
}

std::optional<std::string> check_switch(const std::string& name) {
  if (greenapi::is_notification_switch(name)) return std::nullopt;
  return "is no setting that switches notifications, such as incomingWebhook";
}

}  // namespace

void declare(config::Settings& item, Expected& expected) {
  item.flag("watch", expected.watch,
            "Ask the service for the instance's queue, state and settings, and tell when they aren't as they should be");
  item.text("webhook_url", expected.webhook_url, "What webhookUrl has to be; without it: empty where receive is true, otherwise anything",
            check_webhook_url);
  item.secrets("webhook_tokens", expected.webhook_tokens, "What webhookUrlToken may be; without them anything", check_webhook_token);
  item.texts("switches", expected.switches, "Notifications that have to be on, of those that the instance has", check_switch);
}

Instance instance_of(greenapi::Account account, const Expected& expected, bool fetched) {
  Instance instance{.account = std::move(account), .wanted = {}, .fetched = fetched};
  if (fetched || !expected.webhook_url.empty()) instance.wanted.webhook_url = expected.webhook_url;
  for (const config::Secret& token : expected.webhook_tokens) instance.wanted.webhook_tokens.push_back(token.reveal());
  instance.wanted.switches = expected.switches;
  return instance;
}

void declare(config::Settings& settings, Options& options) {
  settings.duration("poller.watch.count_every", options.count_every, {1s, 24h},
                    "How often the service is asked how many notifications of a watched instance wait; it counts every 10 s");
  settings.duration("poller.watch.state_every", options.state_every, {1s, 24h}, "How often for its state");
  settings.duration("poller.watch.settings_every", options.settings_every, {2s, 24h}, "How often for its settings");
  settings.count("poller.watch.queue_alert", options.queue_alert, {1, 1'000'000'000},
                 "So many notifications that wait at the service and don't get fewer are told");
}

}  // namespace hookfleet::watch
