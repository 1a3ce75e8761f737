#include "worker/dispatch/away.hpp"

#include <algorithm>
#include <iterator>

namespace hookfleet::dispatch {

std::vector<Away::Group>::iterator Away::find(Target target) {
  return std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) { return group.target == target; });
}

std::chrono::milliseconds Away::pause(Target target, std::chrono::milliseconds pause, base::BootTime now) const {
  const bool looked_at = std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
    return group.target == target && group.waiting.begin()->until <= now + kLookEvery;
  });
  return looked_at ? pause : std::min(pause, kLookEvery);
}

void Away::add(Target target, Waiting waiting) {
  auto group = find(target);
  if (group == groups_.end()) group = groups_.insert(group, Group{target, {}});
  group->waiting.insert(waiting);
}

void Away::remove(Target target, Waiting waiting) {
  const auto group = find(target);
  if (group == groups_.end()) return;
  group->waiting.erase(waiting);
  if (group->waiting.empty()) groups_.erase(group);
}

std::optional<Away::Waiting> Away::take(Target target) {
  auto group = find(target);
  if (group == groups_.end()) group = find(nullptr);
  if (group == groups_.end()) return std::nullopt;
  const Waiting taken = *group->waiting.rbegin();
  remove(group->target, taken);
  return taken;
}

void Away::forget_targets() {
  if (groups_.empty()) return;
  std::set<Waiting> all;
  for (Group& group : groups_) all.merge(group.waiting);
  groups_ = {Group{nullptr, std::move(all)}};
}

}  // namespace hookfleet::dispatch
