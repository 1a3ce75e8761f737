#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/config/settings.hpp"

namespace hookfleet::alert {

/// How much of the notification goes with an alert.
enum class Attach : std::uint8_t {
  kFull,      ///< as received, up to 16 KiB
  kRedacted,  ///< without what is personal
  kNone,      ///< nothing of it; its id alone
};

/// Where alerts go: exactly one of the four is given. What a URL holds is secret: those of chat services carry their token.
struct SinkOptions {
  struct Http {
    config::Secret url;
    config::Secret authorization;  ///< empty: no such header
  } http;
  struct Slack {
    config::Secret url;
  } slack;
  struct Alertmanager {
    config::Secret url;  ///< its base; /api/v2/alerts is added
    config::Secret authorization;
  } alertmanager;
  struct GreenApi {
    std::string api_url;
    std::uint64_t id_instance = 0;
    config::Secret token;
    std::string chat;  ///< chatId
  } greenapi;
};

struct Options {
  std::chrono::milliseconds window{600'000};  ///< in which alerts of the same kind, type and instance are one
  unsigned rate = 30;                         ///< alerts a minute that a sink gets; the rest waits
  Attach attach = Attach::kFull;
  std::vector<SinkOptions> sinks;
};

/// alerts.*
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::alert
