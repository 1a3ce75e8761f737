#include "ingress/append/settings.hpp"

#include "common/stream/settings.hpp"

namespace hookfleet::append {

using namespace std::chrono_literals;

void declare(config::Settings& settings, Options& options) {
  settings.duration("append.deadline", options.deadline, {1s, 22s},
                    "How long a request may be tried to be stored before the answer is 504; nginx waits 25 s, the sender 180 s");
  settings.count("append.queue_max", options.queue_max, {1, 1'000'000}, "Entries that may wait for Redis; beyond it the answer is 503");
  settings.bytes("append.queue_bytes_max", options.queue_bytes_max, {1UL << 20, 64UL << 30},
                 "Bytes that may wait for Redis; beyond it the answer is 503");
  settings.count("append.batch_max", options.batch_max, {1, 10'000}, "Entries of one write to Redis");
  settings.bytes("append.batch_bytes_max", options.batch_bytes_max, {4096, 64UL << 20},
                 "Bytes of one write to Redis; a larger entry goes alone");
  settings.duration("append.linger", options.linger, {0ms, 50ms},
                    "How long a batch waits for company; at 0 batches form by themselves while a commit is in flight");
  settings.count("redis.wait_replicas", options.wait_replicas, {0, 16},
                 "Replicas that must have an entry before its answer is 200 (WAIT); set min-replicas-to-write too");
  stream::declare_memory_max(settings, options.memory_max_percent);
  settings.choice(
      "durability.required", options.required,
      {{"always", durability::Required::kAlways}, {"everysec", durability::Required::kEverysec}, {"none", durability::Required::kNone}},
      "What Redis' appendfsync must be for an answer of 200; everysec may lose about a second of acknowledged entries");
  settings.choice("durability.assume", options.assume,
                  {{"nothing", durability::Assumption::kNothing},
                   {"always", durability::Assumption::kAlways},
                   {"everysec", durability::Assumption::kEverysec}},
                  "What you vouch for where CONFIG GET is forbidden (managed Redis)");
}

}  // namespace hookfleet::append
