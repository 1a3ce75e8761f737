#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/fleet.hpp"

namespace hookfleet::cli {

/// What an instance told last of one thing.
struct InstanceFact {
  std::int64_t time = 0;  ///< of the event, Unix seconds
  std::string text;
  bool operator==(const InstanceFact&) const = default;
};
/// "state", "quota", "device" … → the latest
using InstanceFacts = std::map<std::string, InstanceFact>;
using FactsById = std::map<std::uint64_t, InstanceFacts>;

struct Instances {
  FactsById facts;
  std::vector<std::string> problems;  ///< keys that can't be read, for people
};

/// What the shipped handlers keep of all instances, over all partitions.
Instances read_instances(Fleet& fleet);

}  // namespace hookfleet::cli
