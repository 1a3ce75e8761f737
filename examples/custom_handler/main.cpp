// hookfleet-worker with one handler replaced.
#include <memory>

#include "keywords.hpp"
#include "worker/handlers/shipped.hpp"
#include "worker/program.hpp"

int main(int argc, char** argv) {
  hookfleet::handlers::Handlers handlers;
  handlers.add("message", std::make_unique<Keywords>());  // instead of the shipped one of that name
  hookfleet::handlers::add_shipped(handlers);             // the others
  return hookfleet::worker::run(argc, argv, handlers);
}
