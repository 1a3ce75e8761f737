#include "common/log/settings.hpp"

#include <string>
#include <utility>
#include <vector>

namespace hookfleet::log {

std::string_view to_text(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarn: return "warn";
    case Level::kError: return "error";
    case Level::kOff: return "off";
  }
  return "";
}

std::optional<Level> find_level(std::string_view name) {
  for (const Level level : kLevels) {
    if (name == to_text(level)) return level;
  }
  return std::nullopt;
}

void declare(config::Settings& settings, Options& options) {
  std::vector<std::pair<std::string, Level>> levels;
  levels.reserve(kLevels.size());
  for (const Level level : kLevels) levels.emplace_back(to_text(level), level);
  settings.choice("log.level", options.level, std::move(levels), "The least severe records that are written");
  settings.choice("log.format", options.format, {{"json", Format::kJson}, {"text", Format::kText}},
                  "JSON lines for machines, or text for people");
  settings.text("log.file", options.file, "File to write to, rotated at 100 MiB, 5 kept; empty: stdout");
  settings.choice("log.payload", options.payload, {{"full", Payload::kFull}, {"redacted", Payload::kRedacted}, {"off", Payload::kOff}},
                  "What records of notifications show: all; without phone numbers, names and texts; neither content nor chat");
  settings.count("log.identical_max", options.identical_max, {1, 1'000'000},
                 "Errors alike that are written within 10 s, where they may come in floods; one record tells the number of the rest");
}

}  // namespace hookfleet::log
