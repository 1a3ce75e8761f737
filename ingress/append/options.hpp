#pragma once

#include <chrono>
#include <cstddef>

#include "common/durability/durability.hpp"

namespace hookfleet::append {

struct Options {
  std::chrono::milliseconds deadline{20'000};  ///< for the callers of submit(): from the request's arrival to its answer
  std::size_t queue_max = 20'000;              ///< entries that are not answered yet, those in flight too
  std::size_t queue_bytes_max = 256UL << 20;   ///< and their bytes
  std::size_t batch_max = 256;                 ///< entries of one pipeline write
  std::size_t batch_bytes_max = 1UL << 20;     ///< and their bytes; a larger entry goes alone
  std::chrono::milliseconds linger{0};         ///< how long a batch waits for company when nothing is in flight
  unsigned wait_replicas = 0;                  ///< replicas that must have it too (WAIT)
  unsigned memory_max_percent = 80;            ///< of Redis' maxmemory; above it submit() answers kOverloaded until it is 5 points below
  durability::Required required = durability::Required::kAlways;
  durability::Assumption assume = durability::Assumption::kNothing;
  std::chrono::milliseconds drain_timeout{5'000};  ///< stop(): how long what waits may still be tried
};

}  // namespace hookfleet::append
