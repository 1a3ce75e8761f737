// hookfleet: the operator's command line. Which verbs there are: verbs.cpp.
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "common/config/command_line.hpp"

int main(int argc, char** argv) {
  using namespace hookfleet;
  cli::Console console;
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return cli::run(arguments, config::process_environment(), console);
}
