#include "worker/retry/settings.hpp"

namespace hookfleet::retry {

using namespace std::chrono_literals;

void declare(config::Settings& settings, Options& options) {
  settings.count("retry.attempts", options.attempts, {1, 1000}, "Attempts that may fail before a notification becomes a dead letter");
  settings.duration("retry.first", options.first, {10ms, 1h}, "Pause after the first failure; each is twice the one before, +-20 %");
  settings.duration("retry.max", options.max, {10ms, 24h}, "Longest pause");
  settings.duration("retry.give_up", options.give_up, {1s, 720h},
                    "Age at which a notification whose target is away becomes a dead letter; being away costs no attempt");
  settings.duration("retry.blocked", options.blocked, {0s, 720h}, "... if its chat has been waiting for at least so long");
  settings.count("retry.crashes", options.crashes, {1, 100},
                 "A notification whose handling ended the process so often becomes a dead letter of class crash");
  settings.count(
      "retry.hold_after", options.hold_after, {0, 15},
      "More dead letters of class crash of one typeWebhook within retry.hold_window, and that type waits for `hookfleet resume`");
  settings.duration("retry.hold_window", options.hold_window, {1s, 720h}, "See retry.hold_after");
  settings.rule(
      [&options]() -> std::optional<std::string> {
        if (options.first <= options.max) return std::nullopt;
        return "retry.first must not be longer than retry.max";
      },
      {"retry.first", "retry.max"});
}

}  // namespace hookfleet::retry
