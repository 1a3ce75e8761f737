#include "worker/partition/targets.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>

#include "common/base/check.hpp"
#include "common/digest/digest.hpp"

namespace hookfleet::partition {

std::vector<std::size_t> target_map(std::span<const std::string> members, unsigned partitions) {
  HOOKFLEET_CHECK(!members.empty());
  struct Pair {
    std::uint64_t score;
    unsigned partition;
    std::size_t member;
  };
  std::vector<Pair> pairs;
  pairs.reserve(members.size() * partitions);
  for (std::size_t member = 0; member < members.size(); ++member) {
    for (unsigned p = 0; p < partitions; ++p) {
      pairs.push_back({digest::xxh3_64(members[member] + '\0' + std::to_string(p)), p, member});
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::tie(a.score, a.partition, a.member) < std::tie(b.score, b.partition, b.member);
  });

  constexpr std::size_t kFree = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> owner(partitions, kFree);
  const std::size_t fair = partitions / members.size();
  std::size_t extra = partitions % members.size();
  std::vector<std::size_t> load(members.size(), 0);
  for (const Pair& pair : pairs) {
    if (owner[pair.partition] != kFree) continue;
    std::size_t& taken = load[pair.member];
    if (taken > fair || (taken == fair && extra == 0)) continue;
    if (taken == fair) --extra;
    ++taken;
    owner[pair.partition] = pair.member;
  }
  return owner;
}

std::vector<bool> targets(std::span<const std::string> members, const std::string& self, unsigned partitions) {
  const std::vector<std::size_t> owner = target_map(members, partitions);
  std::vector<bool> mine(partitions);
  for (unsigned p = 0; p < partitions; ++p) mine[p] = members[owner[p]] == self;
  return mine;
}

}  // namespace hookfleet::partition
