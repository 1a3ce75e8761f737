// hookfleet-worker: owns partitions by lease and handles what comes in them, with the shipped handlers.
#include "worker/handlers/shipped.hpp"
#include "worker/program.hpp"

int main(int argc, char** argv) {
  hookfleet::handlers::Handlers handlers;
  hookfleet::handlers::add_shipped(handlers);  // which type gets which: worker/routes
  return hookfleet::worker::run(argc, argv, handlers);
}
