#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "common/config/settings.hpp"

namespace hookfleet::forward {

/// Where notifications of a route are sent, and how.
struct Options {
  std::string name{};                         ///< in metrics, logs and what is remembered of attempts; empty: one is made of the URL
  config::Secret url{};                       ///< those of workflow tools carry their token in the path
  std::chrono::milliseconds timeout{10'000};  ///< of one request, from its first step to the answer's last byte
  std::size_t concurrency = 64;               ///< requests at a time, of one worker
  std::vector<config::Secret> headers{};      ///< "Name: value", added to each request
  std::vector<config::Secret>
      signing_secrets{};  ///< Standard Webhooks; empty: nothing is signed. Each signs, so that one can follow another
  std::string ca_file{};  ///< PEM; empty: the system's certificates
  bool refuse_private_addresses = false;
  unsigned breaker_failures = 10;                       ///< so many in a row without the target being there, and it is left alone…
  std::chrono::milliseconds breaker_pause_max{30'000};  ///< …between two probes at most so long

  bool operator==(const Options&) const = default;
};

/// `name`, or of the URL scheme, host and port, and in place of a path, which may hold a secret, a digest of it:
/// `http://shop:8080`, `https://flows.example.com:443/~5f1c02ab`. A query counts for nothing.
std::string display_name(const Options& options);

}  // namespace hookfleet::forward
