#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/command_line.hpp"

/// The operator's command line, one file per verb.
namespace hookfleet::cli {

using Environment = std::map<std::string, std::string>;

/// What the user types behind `hookfleet`. Answers what to print and the exit code: 0 ok, 1 failed, 2 usage.
struct Verb {
  std::string_view name;
  std::string_view about;  ///< a line for `hookfleet --help`
  config::Exit (*run)(const std::vector<std::string>& arguments, const Environment& environment);
};

}  // namespace hookfleet::cli
