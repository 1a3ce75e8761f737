#include <algorithm>

#include "cli/verb.hpp"
#include "cli/verb_list.hpp"
#include "common/config/command_line.hpp"
#include "common/config/nearest.hpp"

namespace hookfleet::cli {
namespace {

/// A line for each verb whose name begins with `first`; empty: all.
std::string listing(std::string_view first) {
  std::string text;
  for (const VerbSpec& verb : verbs()) {
    if (!verb.name.starts_with(first)) continue;
    text.append("  ").append(verb.name).append(verb.name.size() < 24 ? 24 - verb.name.size() : 1, ' ').append(verb.about) += '\n';
  }
  return text;
}

std::string help() {
  return "Usage: hookfleet VERB [ARGUMENTS]\n"
         "\n"
         "The operator's command line of Hookfleet.\n"
         "\n"
         "Verbs:\n" +
         listing("") +
         "\n"
         "  --version     Print the version and exit\n"
         "  --help        Print this and exit; `hookfleet VERB --help` tells about a verb, with examples\n"
         "\n"
         "Where the fleet's Redis is: --redis URL, else HOOKFLEET_REDIS__URL, else redis.url of --config FILE, else 127.0.0.1:6379.\n"
         "HOOKFLEET_CONFIG: the file of every verb that takes --config and isn't given it.\n"
         "Exit codes: 0 ok, 1 failed, 2 wrong usage or settings.\n";
}

int run_verb(const VerbSpec& spec, std::vector<std::string> given, const Environment& environment, Console& console) {
  const auto verb = spec.make();
  config::Arguments arguments = arguments_of(spec, *verb);
  bool wants_help = false;
  arguments.group("Help");
  arguments.flag("-h,--help", wants_help, "Print this and exit");
  if (const auto config = environment.find("HOOKFLEET_CONFIG"); config != environment.end()) arguments.preset("--config", config->second);
  const auto problems = arguments.parse(std::move(given));
  if (wants_help) {
    console.out(arguments.help() + std::string(spec.examples));
    return kOk;
  }
  if (!problems.empty()) {
    console.err(config::lines(problems) + "See hookfleet " + std::string(spec.name) + " --help.\n");
    return kUsage;
  }
  return verb->run(console, environment);
}

int find_and_run(const std::vector<std::string>& arguments, const Environment& environment, Console& console) {
  if (arguments.empty()) {
    console.err(help());
    return kUsage;
  }
  const std::string& first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") {
    console.out(help());
    return kOk;
  }
  if (first == "--version") {
    console.out("hookfleet " + config::version() + '\n');
    return kOk;
  }
  const std::string both = arguments.size() > 1 ? first + ' ' + arguments[1] : first;
  std::vector<std::string> names;
  bool group = false;
  for (const VerbSpec& spec : verbs()) {
    if (spec.name == both && arguments.size() > 1) return run_verb(spec, {arguments.begin() + 2, arguments.end()}, environment, console);
    if (spec.name == first) return run_verb(spec, {arguments.begin() + 1, arguments.end()}, environment, console);
    group = group || spec.name.starts_with(first + ' ');
    names.emplace_back(spec.name);
  }
  if (group && (arguments.size() == 1 || arguments[1] == "--help" || arguments[1] == "-h")) {
    const std::string text = "Usage: hookfleet " + first + " VERB [ARGUMENTS]\n\nVerbs:\n" + listing(first + ' ') + "\n`hookfleet " +
                             first + " VERB --help` tells about a verb, with examples.\n";
    arguments.size() == 1 ? console.err(text) : console.out(text);
    return arguments.size() == 1 ? kUsage : kOk;
  }
  if (group) std::erase_if(names, [&](const std::string& name) { return !name.starts_with(first + ' '); });
  const std::string given = group ? both : first;
  console.err("hookfleet " + given + ": is not a known verb; the nearest known one is " + config::nearest(given, names) +
              "; see hookfleet --help\n");
  return kUsage;
}

}  // namespace

const std::vector<VerbSpec>& verbs() {
  static const std::vector<VerbSpec> kVerbs{
      status_verb(),
      tail_verb(),
      show_verb(),
      find_verb(),
      instances_verb(),
      news_verb(),
      dead_letters_list_verb(),
      dead_letters_show_verb(),
      dead_letters_redrive_verb(),
      dead_letters_drop_verb(),
      dead_letters_export_verb(),
      route_verb(),
      alerts_list_verb(),
      alerts_test_verb(),
      resume_verb(),
      log_level_verb(),
      connect_verb(),
      doctor_verb(),
      layout_show_verb(),
      layout_clear_verb(),
      config_check_verb(),
      config_print_verb(),
      config_reference_verb(),
      firewall_verb(),
      simulate_verb(),
      completion_verb(),
  };
  return kVerbs;
}

config::Arguments arguments_of(const VerbSpec& spec, Verb& verb) {
  std::string usage = "hookfleet " + std::string(spec.name);
  if (!spec.usage.empty()) usage += ' ' + std::string(spec.usage);
  config::Arguments arguments(std::move(usage), std::string(spec.about) + '.');
  verb.declare(arguments);
  return arguments;
}

int run(const std::vector<std::string>& arguments, const Environment& environment, Console& console) {
  try {
    return find_and_run(arguments, environment, console);
  } catch (const Failed& failed) {
    console.err(failed.text + '\n');
    return failed.code;
  }
}

}  // namespace hookfleet::cli
