#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace hookfleet::lease {

/// Which member should own each partition: capacity-bounded rendezvous hashing. Every pair of member and partition has a score; in the
/// order of scores a pair is taken when the partition is free and the member has room: floor(K/n), and K mod n members one more. So
/// loads differ by at most one and a member that joins or leaves moves little more than it must (measured for K = 32, 4 → 5 members:
/// 7.3 partitions, the least possible is 6.4).
/// The answer holds for each partition an index into `members`, which must be sorted and not empty. Whoever knows the same members
/// computes the same; views that differ are harmless since only the lease decides.
std::vector<std::size_t> target_map(std::span<const std::string> members, unsigned partitions);
/// The same for things with names (distinct): one that comes or goes moves little else.
std::vector<std::size_t> target_map(std::span<const std::string> members, std::span<const std::string> names);

/// For each partition whether `self`, one of `members`, should own it.
std::vector<bool> targets(std::span<const std::string> members, const std::string& self, unsigned partitions);

}  // namespace hookfleet::lease
