#include "worker/forward/settings.hpp"

#include <optional>

#include "common/web/url.hpp"
#include "worker/forward/headers.hpp"
#include "worker/forward/signature.hpp"

namespace hookfleet::forward {

void declare(config::Settings& settings, Options& options) {
  using namespace std::chrono_literals;
  settings.text("url", options.url, "Where the notification's body is posted to",
                [](const std::string& url) { return web::check_url(url); });
  settings.required("url");
  settings.duration("timeout", options.timeout, {100ms, 10min}, "Time for one request and its answer; the chat waits, others don't");
  settings.count("concurrency", options.concurrency, {1, 4096}, "Requests at a time to this target, of each worker");
  settings.secrets("headers", options.headers, "Headers added to each request, `Name: value`, such as `Authorization: Bearer …`");
  settings.rule(
      [&options]() -> std::optional<std::string> {
        for (const config::Secret& header : options.headers) {
          if (auto problem = check_header(header.reveal())) return "headers: one " + *problem;
        }
        return std::nullopt;
      },
      {"headers"});
  settings.secrets("signing_secrets", options.signing_secrets,
                   "Secrets `whsec_<base64>` that sign each request as Standard Webhooks has it; several while one takes another's place");
  settings.rule(
      [&options]() -> std::optional<std::string> {
        for (const config::Secret& secret : options.signing_secrets) {
          if (!signing_key(secret.reveal())) {
            return "signing_secrets: one is not whsec_ and 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)";
          }
        }
        return std::nullopt;
      },
      {"signing_secrets"});
  settings.text("ca_file", options.ca_file, "Certificates (PEM) to trust instead of the system's");
  settings.flag("refuse_private_addresses", options.refuse_private_addresses,
                "Send to addresses of the internet only: whatever the name resolves to, no loopback, private or link-local one");
  settings.count("breaker.failures", options.breaker_failures, {1, 10'000},
                 "Requests in a row that find the target away; then it is left alone but for single probes");
  settings.duration("breaker.pause_max", options.breaker_pause_max, {1s, 1h}, "Longest pause between two probes; the first are shorter");
}

}  // namespace hookfleet::forward
