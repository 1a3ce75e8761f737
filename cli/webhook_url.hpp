#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hookfleet::cli {

/// What is to be said of a URL before GREEN-API is told to post there. Pure: no name is looked up. For people, escaped.
struct WebhookUrl {
  std::optional<std::string> refused;  ///< it can't work: no URL, or a place that the service can't reach
  std::vector<std::string> doubts;     ///< it works only with something in between, or in clear

  static WebhookUrl judge(const std::string& url, std::uint64_t id_instance);
};

}  // namespace hookfleet::cli
