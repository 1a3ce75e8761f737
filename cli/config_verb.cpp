#include "cli/config_verb.hpp"

#include <algorithm>
#include <string_view>

#include "cli/fleet_settings.hpp"
#include "common/config/arguments.hpp"
#include "common/config/nearest.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::string_view kExamples = R"(
Actions:
  check      print "ok", or all problems that any program of the fleet finds, and exit with 2
  print      print the settings that count as one YAML file, secrets as ***
  reference  print docs/settings.md: every setting of every program

Settings in the environment (HOOKFLEET_SECTION__KEY) count too, as they do for the programs.

Examples:
  hookfleet config check --config hookfleet.yaml
  hookfleet config print --config hookfleet.yaml
  HOOKFLEET_REDIS__URL=redis://redis:6379 hookfleet config check
)";

}  // namespace

config::Exit run_config(const std::vector<std::string>& arguments, const Environment& environment) {
  std::string action;
  std::string file;
  bool help = false;
  config::Arguments declared("hookfleet config ACTION [--config FILE]", "Checks and shows the settings of the whole fleet.");
  declared.positional("ACTION", action, "check, print or reference");
  declared.option("--config", file, "FILE", "The settings in YAML [default: none, the defaults hold]");
  declared.flag("--help", help, "Print this and exit");
  auto problems = declared.parse(arguments);
  if (help) return {0, declared.help() + std::string(kExamples)};

  const std::vector<std::string> actions{"check", "print", "reference"};
  if (!action.empty() && std::find(actions.begin(), actions.end(), action) == actions.end()) {
    problems.push_back({"config " + action, "is not a known action; the nearest known one is " + config::nearest(action, actions)});
  }
  if (!problems.empty()) return {2, config::lines(problems)};

  FleetSettings settings;
  if (action == "reference") return {0, config::reference_page(settings.programs())};
  problems = settings.load(file, environment);
  if (!problems.empty()) return {2, config::lines(problems)};
  return {0, action == "check" ? "ok\n" : config::print(settings.programs())};
}

}  // namespace hookfleet::cli
