#include "cli/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>

#include "cli/text.hpp"
#include "cli/values.hpp"
#include "common/base/number.hpp"
#include "common/greenapi/authorization.hpp"
#include "common/greenapi/request.hpp"
#include "common/web/url.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::chrono::milliseconds kPause{1'200};  // getSettings and setSettings are allowed once a second
constexpr std::chrono::milliseconds kLook{100};     // how soon Ctrl-C is noticed

}  // namespace

void AccountOptions::declare(config::Arguments& arguments, const std::string& id_option, const std::string& id_help) {
  arguments.option(id_option, id, "ID", id_help);
  arguments.option(
      "--api-token-file", token_file, "FILE",
      "The instance's apiTokenInstance; never given as an argument, which others could see [default: that of poller.instances]");
  arguments.option("--api-url", api_url, "URL",
                   "The instance's apiUrl, as its console shows it [default: that of poller.instances, else "
                   "https://FIRST-FOUR-DIGITS.api.greenapi.com]");
}

greenapi::Account AccountOptions::account(const std::string& id_option, const FleetSettings& settings) const {
  const auto number = base::to_number<std::int64_t>(id);
  if (!number || *number <= 0)
    wrong_usage(id_option + ": " + (id.empty() ? "is needed" : '"' + shown(id, 40) + "\" is none") +
                "; the idInstance that the console shows, a number");
  const poll::Instance* known = poller_instance(settings, static_cast<std::uint64_t>(*number));
  if (token_file.empty() && known == nullptr) {
    wrong_usage("--api-token-file is needed: write the instance's apiTokenInstance into a file that only you can read");
  }
  greenapi::Account account;
  account.id_instance = static_cast<std::uint64_t>(*number);
  if (known != nullptr) account = poll::account_of(*known);
  if (!api_url.empty()) account.api_url = api_url;
  if (account.api_url.empty()) account.api_url = greenapi::default_api_url(account.id_instance);
  if (const auto problem = greenapi::check_api_url(account.api_url)) wrong_usage("--api-url: " + *problem);
  if (token_file.empty()) return account;
  account.token = secret_from("--api-token-file", token_file);
  if (const auto problem = greenapi::check_api_token(account.token)) wrong_usage("--api-token-file " + shown(token_file) + ": " + *problem);
  return account;
}

const poll::Instance* poller_instance(const FleetSettings& settings, std::uint64_t id_instance) {
  const auto& instances = settings.poller().poller.instances;
  const auto found = std::find_if(instances.begin(), instances.end(), [&](const poll::Instance& one) { return one.id == id_instance; });
  return found == instances.end() ? nullptr : &*found;
}

std::vector<std::string> webhook_tokens_of(const FleetSettings& settings, std::uint64_t id_instance) {
  const accept::Options& accept = settings.ingress().accept;
  const auto own = std::find_if(accept.instances.begin(), accept.instances.end(), [&](const auto& one) { return one.id == id_instance; });
  std::vector<std::string> tokens;
  for (const config::Secret& token : own == accept.instances.end() ? accept.tokens : own->tokens) {
    tokens.emplace_back(greenapi::token_of(token.reveal()));
  }
  return tokens;
}

std::string Api::name() const { return fmt::format("instance {} at {}", account_.id_instance, shown(web::origin_of(account_.api_url))); }

web::Result Api::exchange(const web::Request& request) {
  // Shared: after Ctrl-C the callback may still come.
  const auto promise = std::make_shared<std::promise<web::Result>>();
  auto result = promise->get_future();
  const auto ticket = client_.send(request, [promise](web::Result answer) { promise->set_value(std::move(answer)); });
  while (result.wait_for(kLook) != std::future_status::ready) {
    if (!console_.interrupted()) continue;
    client_.cancel(ticket);
    throw Failed{"interrupted"};
  }
  return result.get();
}

template <class T>
greenapi::Decoded<T> Api::call(const web::Request& request, unsigned tries_max, greenapi::Decoded<T> (*decode)(const web::Result&)) {
  for (unsigned tries = 1;; ++tries) {
    auto decoded = decode(exchange(request));
    if (decoded || tries >= tries_max) return decoded;
    const greenapi::Failure& failure = decoded.error();
    if (failure.kind != greenapi::FailureKind::kRetry && failure.kind != greenapi::FailureKind::kThrottled) return decoded;
    const auto pause = std::clamp(failure.retry_after.value_or(kPause * tries), kPause, 10 * kPause);
    if (console_.wait(pause) == Console::Woken::kInterrupt) throw Failed{"interrupted"};
  }
}

greenapi::Decoded<greenapi::Settings> Api::settings(unsigned tries_max) {
  return call(greenapi::settings(account_), tries_max, greenapi::decode_settings);
}

greenapi::Decoded<void> Api::set_settings(const std::string& json) {
  return call(greenapi::set_settings(account_, json), 3, greenapi::decode_set);
}

greenapi::Decoded<std::string> Api::state(unsigned tries_max) { return call(greenapi::state(account_), tries_max, greenapi::decode_state); }

greenapi::Decoded<std::uint64_t> Api::count(unsigned tries_max) {
  return call(greenapi::count(account_), tries_max, greenapi::decode_count);
}

std::string failure_text(std::string_view call, const greenapi::Failure& failure) {
  return fmt::format("{}: {}; {}", call, shown(failure.message, 300), greenapi::advice(failure.kind));
}

}  // namespace hookfleet::cli
