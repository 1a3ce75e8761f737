#include "common/lease/targets.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>

#include "common/base/check.hpp"
#include "common/digest/digest.hpp"

namespace hookfleet::lease {

std::vector<std::size_t> target_map(std::span<const std::string> members, unsigned partitions) {
  std::vector<std::string> names(partitions);
  for (unsigned p = 0; p < partitions; ++p) names[p] = std::to_string(p);
  return target_map(members, names);
}

std::vector<std::size_t> target_map(std::span<const std::string> members, std::span<const std::string> names) {
  HOOKFLEET_CHECK(!members.empty());
  struct Pair {
    std::uint64_t score;
    std::size_t thing;
    std::size_t member;
  };
  std::vector<Pair> pairs;
  pairs.reserve(members.size() * names.size());
  for (std::size_t member = 0; member < members.size(); ++member) {
    for (std::size_t thing = 0; thing < names.size(); ++thing) {
      pairs.push_back({digest::xxh3_64(members[member] + '\0' + names[thing]), thing, member});
    }
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair& a, const Pair& b) { return std::tie(a.score, a.thing, a.member) < std::tie(b.score, b.thing, b.member); });

  constexpr std::size_t kFree = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> owner(names.size(), kFree);
  const std::size_t fair = names.size() / members.size();
  std::size_t extra = names.size() % members.size();
  std::vector<std::size_t> load(members.size(), 0);
  for (const Pair& pair : pairs) {
    if (owner[pair.thing] != kFree) continue;
    std::size_t& taken = load[pair.member];
    if (taken > fair || (taken == fair && extra == 0)) continue;
    if (taken == fair) --extra;
    ++taken;
    owner[pair.thing] = pair.member;
  }
  return owner;
}

std::vector<bool> targets(std::span<const std::string> members, const std::string& self, unsigned partitions) {
  const std::vector<std::size_t> owner = target_map(members, partitions);
  std::vector<bool> mine(partitions);
  for (unsigned p = 0; p < partitions; ++p) mine[p] = members[owner[p]] == self;
  return mine;
}

}  // namespace hookfleet::lease
