#include <array>
#include <string>
#include <vector>

#include "cli/config_verb.hpp"
#include "cli/verb.hpp"
#include "common/config/arguments.hpp"
#include "common/config/command_line.hpp"
#include "common/config/nearest.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::array kVerbs{
    Verb{"config", "Check and show the settings of the whole fleet", run_config},
};

std::string help() {
  std::string text =
      "Usage: hookfleet VERB [ARGUMENTS]\n"
      "\n"
      "The operator's command line of Hookfleet.\n"
      "\n"
      "Verbs:\n";
  for (const Verb& verb : kVerbs) {
    text.append("  ").append(verb.name).append(verb.name.size() < 14 ? 14 - verb.name.size() : 1, ' ').append(verb.about) += '\n';
  }
  return text +
         "\n"
         "  --version     Print the version and exit\n"
         "  --help        Print this and exit; `hookfleet VERB --help` tells about a verb\n"
         "\n"
         "Exit codes: 0 ok, 1 failed, 2 wrong usage or settings.\n";
}

config::Exit run(const std::vector<std::string>& arguments, const Environment& environment) {
  if (arguments.empty()) return {2, help()};
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") return {0, help()};
  if (name == "--version") return {0, "hookfleet " + config::version() + '\n'};
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) {
    if (verb.name == name) return verb.run({arguments.begin() + 1, arguments.end()}, environment);
    names.emplace_back(verb.name);
  }
  return {2, "hookfleet " + name + ": is not a known verb; the nearest known one is " + config::nearest(name, names) +
                 "; see hookfleet --help\n"};
}

}  // namespace
}  // namespace hookfleet::cli

int main(int argc, char** argv) {
  using namespace hookfleet;
  return config::finish(cli::run({argv + (argc > 0 ? 1 : 0), argv + argc}, config::process_environment()));
}
