#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/settings.hpp"

namespace hookfleet::accept {

enum class AllowlistMode {
  // Right tokens from unlisted addresses are counted and told in every mode.
  kOff,      ///< let in
  kMonitor,  ///< let in
  kEnforce,  ///< refused
};

struct InstanceTokens {
  std::uint64_t id = 0;
  std::vector<config::Secret> tokens;
};

struct Options {
  std::vector<config::Secret> tokens;     ///< hold for every instance that has none of its own: current, next
  std::vector<InstanceTokens> instances;  ///< where an instance has its own, only these count
  bool allow_unauthenticated = false;     ///< with no token configured: take everybody's word
  AllowlistMode allowlist = AllowlistMode::kMonitor;
  std::vector<std::string> addresses;                        ///< addresses and CIDR blocks of the sender
  std::vector<std::string> trusted_proxies{"127.0.0.1/32"};  ///< whose X-Forwarded-For is believed
};

/// auth.*, server.trusted_proxies.
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::accept
