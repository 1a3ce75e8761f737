#include "ingress/accept/options.hpp"

#include <algorithm>
#include <set>

#include "ingress/accept/acceptor.hpp"
#include "ingress/accept/address.hpp"

namespace hookfleet::accept {
namespace {

std::optional<std::string> network(const std::string& text) {
  if (Network::parse(text)) return std::nullopt;
  return "is neither an address (1.2.3.4, 2001:db8::1) nor a network (10.0.0.0/8)";
}

void declare_instance(config::Settings& item, InstanceTokens& instance) {
  constexpr std::uint64_t kIdMax = INT64_MAX;
  item.count("id", instance.id, {1, kIdMax}, "idInstance");
  item.required("id");
  item.secrets("tokens", instance.tokens, "Tokens of this instance: current, next");
}

// Nobody could send such a token.
bool unusable(const config::Secret& token) { return token_of(token.reveal()).empty(); }

std::optional<std::string> usable_tokens(const Options& options) {
  constexpr std::string_view kWhy = " holds a token that is empty, only a scheme, or has control characters";
  if (std::any_of(options.tokens.begin(), options.tokens.end(), unusable)) return "auth.tokens" + std::string(kWhy);
  for (const auto& instance : options.instances) {
    if (std::any_of(instance.tokens.begin(), instance.tokens.end(), unusable)) {
      return "auth.instances: " + std::to_string(instance.id) + std::string(kWhy);
    }
  }
  return std::nullopt;
}

bool has_token(const Options& options) {
  if (!options.tokens.empty()) return true;
  for (const auto& instance : options.instances) {
    if (!instance.tokens.empty()) return true;
  }
  return false;
}

}  // namespace

void declare(config::Settings& settings, Options& options) {
  settings.texts("server.trusted_proxies", options.trusted_proxies, "Proxies whose X-Forwarded-For is believed: addresses and networks",
                 network);
  settings.secrets("auth.tokens", options.tokens, "Tokens that hold for every instance without its own: current, next");
  settings.list("auth.instances", options.instances, declare_instance, "Instances with tokens of their own; only these count for them");
  settings.flag("auth.allow_unauthenticated", options.allow_unauthenticated, "Without any token: accept every request");
  settings.choice<AllowlistMode>("auth.allowlist.mode", options.allowlist,
                                 {{"off", AllowlistMode::kOff}, {"monitor", AllowlistMode::kMonitor}, {"enforce", AllowlistMode::kEnforce}},
                                 "Whether enforce refuses a right token from an address that is not listed; off and monitor let it in. All "
                                 "three count it and tell it; without addresses none is unlisted");
  settings.texts("auth.allowlist.addresses", options.addresses, "Addresses and networks that the sender posts from", network);
  settings.rule(
      [&options]() -> std::optional<std::string> {
        if (has_token(options) || options.allow_unauthenticated) return std::nullopt;
        return "no token is configured: set auth.tokens (or auth.tokens_file, auth.instances[].tokens), or auth.allow_unauthenticated: "
               "true if whoever reaches the port may store (./fleet up gives its fleet one, in .fleet/env)";
      },
      {"auth.tokens"});
  settings.rule([&options] { return usable_tokens(options); }, {"auth.tokens", "auth.instances"});
  settings.rule(
      [&options]() -> std::optional<std::string> {
        std::set<std::uint64_t> ids;
        for (const auto& instance : options.instances) {
          if (!ids.insert(instance.id).second)
            return "auth.instances names " + std::to_string(instance.id) + " twice: put its tokens into one item";
          if (instance.tokens.empty())
            return "auth.instances: " + std::to_string(instance.id) + " has no tokens: give it some or leave it out";
        }
        return std::nullopt;
      },
      {"auth.instances"});
  settings.rule(
      [&options]() -> std::optional<std::string> {
        if (options.allowlist != AllowlistMode::kEnforce || !options.addresses.empty()) return std::nullopt;
        return "auth.allowlist.mode: enforce with an empty auth.allowlist.addresses would refuse everybody";
      },
      {"auth.allowlist.mode"});
}

}  // namespace hookfleet::accept
