#include "common/redis/settings.hpp"

namespace hookfleet::redis {

void declare(config::Settings& settings, Options& options) {
  settings.secret("redis.url", options.url,
                  "redis://[user][:password@]host[:port][/database] or unix:///path[?db=n]; TLS by a tunnel (stunnel)");
  settings.rule(
      [&options]() -> std::optional<std::string> {
        auto endpoint = Endpoint::parse(options.url.reveal());
        if (!endpoint) return "redis.url " + endpoint.error();
        options.endpoint = *std::move(endpoint);
        return std::nullopt;
      },
      {"redis.url"});
}

}  // namespace hookfleet::redis
