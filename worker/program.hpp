#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::worker {

/// The whole program hookfleet-worker around the handlers it is given: reads settings from `argv` and the environment, owns partitions by
/// lease, has the handlers run, serves metrics, returns after SIGTERM with the exit code. A program with handlers of its own is a main()
/// that fills Handlers and returns what this returns.
/// Threads: to be called first in main(), once; it blocks signals for the threads it starts.
/// Errors: wrong settings 2, with all problems on stderr; 1 when it cannot start, or could not give everything back; 70 when a handler
/// hung. It doesn't return when handlers still run after the drain: it ends the process then.
int run(int argc, char** argv, const handlers::Handlers& handlers);

}  // namespace hookfleet::worker
