#include "common/lease/members.hpp"

#include <algorithm>
#include <utility>

namespace hookfleet::lease {

Members::Members(std::string key, std::string self, std::chrono::milliseconds ttl)
    : key_(std::move(key)), self_(std::move(self)), ttl_(ttl), live_{self_} {}

void Members::heartbeat(redis::Command& command, const Scripts& scripts) const {
  command.clear().evalsha(scripts.heartbeat, 1).borrow(key_).borrow(self_).number(ttl_.count());
  for (const auto& [member, seen] : seen_) {
    if (seen.gone) command.borrow(member).borrow(seen.score);
  }
}

tl::expected<bool, redis::ReplyError> Members::observe(redis::ReplyView reply, base::BootTime now) {
  if (!reply.is_array()) return tl::unexpected(reply.is_error() ? reply.error() : redis::ReplyError::kOther);
  // An empty list can't be an answer to a heartbeat, which adds us: it changes nothing.
  if (reply.size() == 0) return false;
  std::map<std::string, Seen> seen;
  std::vector<std::string> live;
  bool self_listed = false;
  // WITHSCORES sorts by score; the map by name.
  for (std::size_t i = 0; i + 1 < reply.size(); i += 2) {
    std::string member(reply[i].text());
    if (member == self_) {
      self_listed = true;
      continue;
    }
    Seen current{std::string(reply[i + 1].text()), now, false};
    if (const auto known = seen_.find(member); known != seen_.end() && known->second.score == current.score) {
      current.since = known->second.since;
      current.gone = now - current.since >= ttl_;
    }
    seen.emplace(std::move(member), std::move(current));
  }
  if (!self_listed) return tl::unexpected(redis::ReplyError::kOther);
  seen_ = std::move(seen);
  for (const auto& [member, current] : seen_) {
    if (!current.gone) live.push_back(member);
  }
  live.insert(std::lower_bound(live.begin(), live.end(), self_), self_);
  const bool changed = live != live_;
  live_ = std::move(live);
  return changed;
}

void Members::leave(redis::Command& command) const { command.clear().borrow("ZREM").borrow(key_).borrow(self_); }

}  // namespace hookfleet::lease
