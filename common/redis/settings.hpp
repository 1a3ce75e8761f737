#pragma once

#include "common/config/settings.hpp"
#include "common/redis/endpoint.hpp"

namespace hookfleet::redis {

struct Options {
  config::Secret url{"redis://127.0.0.1:6379/0"};  ///< a secret since it may hold a password
  Endpoint endpoint;                               ///< what the URL says, after Settings::load()
};

/// redis.url (and redis.url_file).
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::redis
