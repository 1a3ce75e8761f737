#include "worker/dedup/identities.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace hookfleet::dedup {

Changed Options::changed_of(std::optional<notification::TypeWebhook> type) const {
  const Changed own = type ? changed_by_type[static_cast<std::size_t>(*type)] : Changed::kDefault;
  return own == Changed::kDefault ? changed : own;
}

Record::Judgement Record::judge(const notification::BodyDigest& digest, std::int64_t received_ms, bool redriven) const {
  for (const auto& [known, how] : digests_) {
    if (known == digest && (!redriven || how == Known::kHandled)) return Judgement::kRepeat;
  }
  if (received_ms_ < 0) return Judgement::kFirst;
  if (received_ms < received_ms_ - std::chrono::milliseconds(kStaleAfter).count()) return Judgement::kStale;
  const bool other = std::any_of(digests_.begin(), digests_.end(), [&](const auto& known) { return known.first != digest; });
  return other ? Judgement::kChanged : Judgement::kFirst;
}

void Record::note(const notification::BodyDigest& digest, Known known) {
  for (auto& [have, how] : digests_) {
    if (have != digest) continue;
    how = std::max(how, known);
    return;
  }
  digests_.emplace_back(digest, known);
}

void Record::learn(const stream::Mark& mark) {
  for (const auto& digest : mark.digests) note(digest, Known::kByMark);
  received_ms_ = std::max(received_ms_, mark.received_ms);
  first_id_ = mark.first_id;
}

void Record::ended(const notification::BodyDigest& digest, std::int64_t received_ms, std::string_view id, bool dead) {
  note(digest, dead ? Known::kDead : Known::kHandled);
  received_ms_ = std::max(received_ms_, received_ms);
  if (first_id_.empty()) first_id_ = id;
}

Record& Identities::enter(const notification::Identity& identity) {
  Record& record = records_[identity];
  ++record.entries_;
  return record;
}

void Identities::leave(const notification::Identity& identity) {
  const auto found = records_.find(identity);
  HOOKFLEET_CHECK(found != records_.end());
  if (--found->second.entries_ == 0) records_.erase(found);
}

Record* Identities::find(const notification::Identity& identity) {
  const auto found = records_.find(identity);
  return found == records_.end() ? nullptr : &found->second;
}

}  // namespace hookfleet::dedup
