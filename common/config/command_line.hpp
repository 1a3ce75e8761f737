#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "common/config/settings.hpp"

namespace hookfleet::config {

/// What every program of the fleet is called with: --config, --pid-file, --version, --help, --check-config, --print-config,
/// --healthcheck, and one flag `--section.key` for each setting.
struct CommandLine {
  std::string config_file;   ///< --config; empty when not given
  std::string pid_file;      ///< --pid-file; empty when not given
  bool healthcheck = false;  ///< --healthcheck: ask /readyz of the running process and exit 0 or 1
};

/// The program has nothing more to do: print `output` and exit with `code`.
struct Exit {
  int code = 0;
  std::string output;  ///< to stdout when code is 0, otherwise to stderr; ends with a line end
};

/// Parses the command line, loads the settings declared in `settings` and answers --help, --version, --check-config and --print-config.
/// With problems: Exit{2, all of them, one a line}. Never throws, opens no socket. `about` is a sentence or two.
/// Called again with fresh settings it reads the file again (reload). `environment`: see process_environment().
std::variant<CommandLine, Exit> read(const std::string& program, const std::string& about, Settings& settings, int argc,
                                     const char* const* argv, const std::map<std::string, std::string>& environment);
std::variant<CommandLine, Exit> read(const std::string& program, const std::string& about, Settings& settings, int argc,
                                     const char* const* argv);

/// Prints what `exit` says where it belongs; answers its code.
int finish(const Exit& exit);

/// The variables of this process. Not while another thread changes them.
std::map<std::string, std::string> process_environment();

/// One problem a line: "hookfleet.yaml:12:5: append.linger: …".
std::string lines(const std::vector<Problem>& problems);
/// What may be a mistake (Settings::warnings), one a line that begins with "warning: ".
std::string warning_lines(const std::vector<Problem>& doubts);

/// The version of this build, "0.1.0".
std::string version();

}  // namespace hookfleet::config
