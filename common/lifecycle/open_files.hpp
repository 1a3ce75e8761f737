#pragma once

#include <cstddef>

#include "common/log/logger.hpp"

namespace hookfleet::lifecycle {

/// Raises the limit of open files to `wanted`, as far as its hard limit lets it: the shells' default of 1,024 is too few for programs with
/// a connection for each sender or instance. What stays below is a record, `system.open_files`.
void raise_open_files(const log::Logger& log, std::size_t wanted);

}  // namespace hookfleet::lifecycle
