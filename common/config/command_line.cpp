#include "common/config/command_line.hpp"

#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "common/config/arguments.hpp"

namespace hookfleet::config {
namespace {

/// The help of a setting and what may stand there.
std::string explained(const Description& setting) {
  std::string note;
  const auto add = [&note](const std::string& part) { note += (note.empty() ? "" : "; ") + part; };
  if (!setting.allowed.empty() && setting.allowed != "true or false" && setting.allowed != "a list") add(setting.allowed);
  if (setting.required) add("required");
  if (setting.reloads) add("takes effect at run time");
  if (!setting.initial.empty()) add("default " + setting.initial);
  return setting.help + (note.empty() ? "" : " [" + note + ']');
}

void add_settings(const Settings& settings, Arguments& arguments, Arguments::Pairs& given) {
  std::string section;
  for (const Description& setting : settings.describe()) {
    if (setting.file_only) continue;
    if (std::string own = setting.key.substr(0, setting.key.find('.')); own != section) arguments.group(section = std::move(own));
    arguments.setting(setting.key, given, setting.bare, setting.placeholder, explained(setting));
    if (setting.by_file)
      arguments.setting(setting.key + "_file", given, false, "FILE",
                        setting.allowed.empty() ? "The file that holds it" : "The file that holds them, one a line");
  }
}

constexpr std::string_view kHelpEnd =
    "\nEach setting can stand in the file below its section, in the environment as HOOKFLEET_SECTION__KEY, or as a flag; the later "
    "counts.\n"
    "Lists of maps can be given in the file only. All settings with their meaning: docs/settings.md.\n"
    "Exit codes: 0 done, 1 failed, 2 wrong settings or usage.\n";

}  // namespace

std::variant<CommandLine, Exit> read(const std::string& program, const std::string& about, Settings& settings, int argc,
                                     const char* const* argv, const std::map<std::string, std::string>& environment) {
  CommandLine line;
  bool help = false;
  bool version_wanted = false;
  bool check = false;
  bool print = false;
  Arguments::Pairs flags;
  Arguments arguments(program + " [--config FILE] [--SECTION.KEY VALUE]…", about);
  arguments.option("--config", line.config_file, "FILE", "The settings of the fleet in YAML [default: none, the defaults hold]");
  arguments.option("--pid-file", line.pid_file, "FILE", "Write the process id there, remove it at the end");
  arguments.flag("--check-config", check, "Check the settings, print warnings and \"ok\", or all problems, and exit");
  arguments.flag("--print-config", print, "Print the settings that count, secrets as ***, and exit");
  arguments.flag("--healthcheck", line.healthcheck, "Ask the running process with these settings whether it is ready; exit 0 or 1");
  arguments.flag("--version", version_wanted, "Print the version and exit");
  arguments.flag("--help", help, "Print this and exit");
  add_settings(settings, arguments, flags);

  std::vector<std::string> given;
  for (int i = 1; i < argc; ++i) given.emplace_back(argv[i]);
  std::vector<Problem> problems = arguments.parse(std::move(given), &flags);
  if (help) return Exit{0, arguments.help() + std::string(kHelpEnd)};
  if (version_wanted) return Exit{0, program + ' ' + version() + '\n'};

  std::vector<Problem> loaded = settings.load(line.config_file, environment, flags);
  problems.insert(problems.begin(), std::make_move_iterator(loaded.begin()), std::make_move_iterator(loaded.end()));
  if (!problems.empty()) return Exit{2, lines(problems)};
  if (check) return Exit{0, warning_lines(settings.warnings()) + "ok\n"};
  if (print) return Exit{0, settings.print()};
  return line;
}

std::variant<CommandLine, Exit> read(const std::string& program, const std::string& about, Settings& settings, int argc,
                                     const char* const* argv) {
  return read(program, about, settings, argc, argv, process_environment());
}

int finish(const Exit& exit) {
  std::FILE* stream = exit.code == 0 ? stdout : stderr;
  const bool written = std::fwrite(exit.output.data(), 1, exit.output.size(), stream) == exit.output.size() && std::fflush(stream) == 0;
  return exit.code == 0 && !written ? 1 : exit.code;
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> result;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

std::string lines(const std::vector<Problem>& problems) {
  std::string result;
  for (const Problem& problem : problems) result += problem.where + ": " + problem.message + '\n';
  return result;
}

std::string warning_lines(const std::vector<Problem>& doubts) {
  std::string result;
  for (const Problem& doubt : doubts) result += "warning: " + lines({doubt});
  return result;
}

std::string version() { return HOOKFLEET_VERSION; }

}  // namespace hookfleet::config
