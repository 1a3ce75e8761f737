#pragma once

#include <string>
#include <vector>

#include "cli/verb.hpp"

namespace hookfleet::cli {

/// `hookfleet config check|print|reference [--config FILE]`. `arguments` are those behind `config`.
config::Exit run_config(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace hookfleet::cli
