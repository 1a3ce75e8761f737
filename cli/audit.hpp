#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/fleet.hpp"

/// What operators did, kept in the stream hf:audit (about the last 10,000 records): when, who, verb, and what the verb says of itself.
namespace hookfleet::cli {

using Facts = std::vector<std::pair<std::string, std::string>>;

/// "root@host"
std::string who(const Environment& environment);

/// Adds a record. Redis at maxmemory takes none: then stderr says so and the work goes on, since dropping is how memory gets free. Any
/// other refusal is a Failed.
void audit(Fleet& fleet, Console& console, const Environment& environment, const std::string& verb, const Facts& facts);

}  // namespace hookfleet::cli
