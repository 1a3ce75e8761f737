#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// Adds the handlers that come with Hookfleet, by the names that routes::shipped_handler gives types. A name that is taken already keeps
/// its handler: add your own first to replace one.
void add_shipped(Handlers& handlers);

}  // namespace hookfleet::handlers
