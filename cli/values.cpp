#include "cli/values.hpp"

#include "cli/text.hpp"
#include "common/config/settings.hpp"
#include "common/config/value.hpp"

namespace hookfleet::cli {

void declare_output(config::Arguments& arguments, std::string& output) {
  arguments.option("-o,--output", output, "FORMAT", "table for people, json for programs [default: table]", {"table", "json"});
}

bool is_json(const std::string& output) { return output == "json"; }

std::chrono::milliseconds duration_of(const std::string& option, const std::string& text, std::chrono::milliseconds otherwise) {
  if (text.empty()) return otherwise;
  const auto value = config::parse_duration(text);
  if (!value) wrong_usage(option + ": " + config::in_quotes(text) + ' ' + value.error());
  if (*value < std::chrono::milliseconds(100) || *value > std::chrono::hours(24 * 30)) wrong_usage(option + ": must be 100ms to 30d");
  return *value;
}

std::uint64_t count_of(const std::string& option, const std::string& text, std::uint64_t otherwise) {
  if (text.empty()) return otherwise;
  const auto value = config::parse_count(text);
  if (!value) wrong_usage(option + ": " + config::in_quotes(text) + ' ' + value.error());
  if (*value == 0) wrong_usage(option + ": must be at least 1");
  return *value;
}

std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

bool confirmed(Console& console, bool yes, const std::string& question) {
  if (yes) return true;
  if (!console.can_ask()) throw Failed{"nobody can be asked here: add --yes (--dry-run shows what would happen)", kUsage};
  return console.confirm(question);
}

std::string secret_from(const std::string& option, const std::string& path) {
  // As settings read their secrets: the same limits, the same words.
  config::Secret secret;
  config::Settings settings;
  settings.secret("secret", secret, "");
  if (const auto problems = settings.load({}, {}, {{"secret_file", path}}); !problems.empty()) {
    wrong_usage(option + ' ' + shown(path) + ": " + problems.front().message);
  }
  return secret.reveal();
}

void wrong_usage(const std::string& text) { throw Failed{text, kUsage}; }

}  // namespace hookfleet::cli
