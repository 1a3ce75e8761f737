#pragma once

#include <string>

namespace hookfleet::lifecycle {

/// The --healthcheck mode of a program: asks /readyz of the process that serves `metrics_listen` and prints what it answers, on stdout when
/// it is ready, else on stderr. The exit code: 0 ready, 1 not. At most 2 s.
int healthcheck(const std::string& metrics_listen);

}  // namespace hookfleet::lifecycle
