#include "common/stream/settings.hpp"

namespace hookfleet::stream {

void declare(config::Settings& settings, Layout& layout) {
  settings.text("redis.prefix", layout.prefix, "What all keys in Redis begin with: one Redis may serve several fleets",
                [](const std::string& value) -> std::optional<std::string> {
                  // Braces would make a hash tag of their own and put the keys of a partition into different slots.
                  if (value.empty() || value.size() > 32 || value.find_first_of("{} \t\r\n") != std::string::npos) {
                    return "must be 1 to 32 characters without blanks and braces";
                  }
                  return std::nullopt;
                });
  settings.count("stream.partitions", layout.partitions, {1, kPartitionsMax},
                 "Partitions: the upper bound of useful workers. All programs alike; changed only with empty streams");
  settings.choice("stream.partition_by", layout.partition_by, {{"chat", PartitionBy::kChat}, {"instance", PartitionBy::kInstance}},
                  "What keeps its order: each chat, or all of an instance. All programs alike; changed only with empty streams");
}

void declare_memory_max(config::Settings& settings, unsigned& percent) {
  settings.percent("stream.memory_max", percent, {10, 95},
                   "Share of Redis' maxmemory above which the answer is 503, until it is 5 points below");
}

}  // namespace hookfleet::stream
