#include "worker/forward/settings.hpp"

#include <optional>
#include <string_view>

#include "common/digest/digest.hpp"
#include "common/web/url.hpp"
#include "worker/forward/headers.hpp"
#include "worker/forward/signature.hpp"

namespace hookfleet::forward {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::string_view kNameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

std::optional<std::string> check_name(const std::string& name) {
  if (!name.empty() && name.size() <= kNameMax && name.find_first_not_of(kNameLetters) == std::string::npos) return std::nullopt;
  return "is no name; write up to " + std::to_string(kNameMax) + " letters, digits, '_', '.' and '-'";
}

std::optional<std::string> check_signing_secret(const std::string& secret) {
  if (signing_key(secret)) return std::nullopt;
  return "is not whsec_ and 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)";
}

}  // namespace

std::string display_name(const Options& options) {
  if (!options.name.empty()) return options.name;
  const std::string path = web::path_of(options.url.reveal());
  std::string name = web::origin_of(options.url.reveal());
  if (path != "/") name += "/~" + digest::to_hex(digest::as_bytes(digest::sha256(path))).substr(0, 8);
  return name;
}

void declare(config::Settings& settings, Options& options) {
  using namespace std::chrono_literals;
  settings.text("name", options.name,
                "What metrics, logs and dead letters call it; without one its scheme, host and port, and a digest of its path", check_name);
  settings.secret("url", options.url, "Where the notification's body is posted to", web::check_url);
  settings.required("url");
  settings.duration("timeout", options.timeout, {100ms, 10min}, "Time for one request and its answer; the chat waits, others don't");
  settings.count("concurrency", options.concurrency, {1, 4096}, "Requests at a time to this target, of each worker");
  settings.secrets("headers", options.headers, "Headers added to each request, `Name: value`, such as `Authorization: Bearer …`",
                   check_header);
  settings.secrets("signing_secrets", options.signing_secrets,
                   "Secrets `whsec_<base64>` that sign each request as Standard Webhooks has it; several while one takes another's place",
                   check_signing_secret);
  settings.text("ca_file", options.ca_file, "Certificates (PEM) to trust instead of the system's");
  settings.flag("refuse_private_addresses", options.refuse_private_addresses,
                "Send to addresses of the internet only: whatever the name resolves to, no loopback, private or link-local one");
  settings.count("breaker.failures", options.breaker_failures, {1, 10'000},
                 "Requests in a row that find the target away; then it is left alone but for single probes");
  settings.duration("breaker.pause_max", options.breaker_pause_max, {1s, 1h},
                    "Longest pause before another probe may go, with the next chat whose own pause (retry) is over; the first are shorter");
}

}  // namespace hookfleet::forward
