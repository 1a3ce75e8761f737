#include "tests/simulation/redis_model.hpp"

#include <algorithm>
#include <charconv>

namespace hookfleet::simulation {
namespace {

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

stream::StreamId next_id(stream::StreamId last, std::int64_t now_ms) {
  const auto ms = static_cast<std::uint64_t>(now_ms);
  if (ms > last.ms) return {ms, 0};
  return {last.ms, last.seq + 1};
}

std::string suffix(const stream::Effect& effect) {
  switch (effect.on) {
    case stream::Effect::On::kCounts: return "cnt";
    case stream::Effect::On::kInstances: return "inst";
    case stream::Effect::On::kMessage: return "msg:" + effect.part;
    case stream::Effect::On::kChat: return "chat:" + effect.part;
    case stream::Effect::On::kStream: return effect.part;
  }
  return {};
}

/// As merge() of ack.lua: greatest r, first id, last four digests.
void merge(stream::Mark& known, const stream::Mark& fresh) {
  known.received_ms = std::max(known.received_ms, fresh.received_ms);
  std::erase(known.digests, fresh.digests.front());
  known.digests.push_back(fresh.digests.front());
  if (known.digests.size() > stream::Mark::kDigestsMax) known.digests.erase(known.digests.begin());
}

}  // namespace

stream::StreamId RedisModel::add(unsigned partition, Entry entry) {
  Partition& at = partitions_[partition];
  at.last_id = next_id(at.last_id, now_ms);
  at.stream.emplace_hint(at.stream.end(), at.last_id, std::move(entry));
  return at.last_id;
}

bool RedisModel::held(unsigned partition, std::string_view owner, std::string_view epoch) {
  const Control& control = partitions_[partition].control;
  const bool held = control.exists && control.owner == owner && control.epoch == epoch;
  if (held) return true;
  const bool passes = !rules_.has(Rule::kFence) || (!rules_.has(Rule::kFenceEpoch) && control.owner == owner) ||
                      (!rules_.has(Rule::kFenceOwner) && control.epoch == epoch);
  if (passes) ++zombie_changes_;
  return passes;
}

std::variant<lease::Held, lease::Refused> RedisModel::acquire(unsigned partition, std::string_view owner, std::chrono::milliseconds ttl,
                                                              std::string_view known_epoch, std::string_view unchanged) {
  Partition& at = partitions_[partition];
  Control& control = at.control;
  const std::string last = at.stream.empty() ? "0-0" : at.stream.rbegin()->first.text();
  const auto how = [](std::string_view text) { return text == "clean" ? lease::How::kClean : lease::How::kCrash; };
  const std::int64_t remaining = control.until_ms - now_ms;
  if (control.owner == owner && (rules_.has(Rule::kResumed) || remaining > 0)) {
    control.until_ms = now_ms + ttl.count();
    return lease::Held{control.epoch, control.epoch == known_epoch ? lease::How::kResumed : how(control.how), last};
  }
  std::string state =
      std::to_string(control.owner.size()) + ':' + control.owner + ':' + control.epoch + ':' + std::to_string(control.until_ms);
  if (!control.owner.empty() && remaining > 0 && state != unchanged) {
    return lease::Refused{control.owner, std::chrono::milliseconds(remaining), std::move(state)};
  }
  control.how = control.owner.empty() ? "clean" : "crash";
  control.epoch = std::to_string(std::max(now_ms, number<std::int64_t>(control.epoch) + 1));
  control.owner = owner;
  control.exists = true;
  control.until_ms = now_ms + ttl.count();
  return lease::Held{control.epoch, how(control.how), last};
}

bool RedisModel::renew(unsigned partition, std::string_view owner, std::string_view epoch, std::chrono::milliseconds ttl) {
  Control& control = partitions_[partition].control;
  if (!held(partition, owner, epoch)) return false;
  if (!rules_.has(Rule::kResumed) && control.until_ms <= now_ms) return false;
  control.until_ms = now_ms + ttl.count();
  return true;
}

bool RedisModel::release(unsigned partition, std::string_view owner, std::string_view epoch) {
  if (!held(partition, owner, epoch)) return false;
  partitions_[partition].control.owner.clear();
  partitions_[partition].control.until_ms = 0;
  return true;
}

std::vector<RedisModel::Member> RedisModel::heartbeat(std::string_view member, std::chrono::milliseconds ttl,
                                                      std::span<const std::pair<std::string, std::string>> unchanged) {
  members_.insert_or_assign(std::string(member), now_ms);
  std::erase_if(members_, [&](const auto& known) { return known.second < now_ms - ttl.count(); });
  for (const auto& [name, score] : unchanged) {
    const auto known = members_.find(name);
    if (name != member && known != members_.end() && known->second == number<std::int64_t>(score)) members_.erase(known);
  }
  std::vector<Member> answer;
  answer.reserve(members_.size());
  for (const auto& [name, score] : members_) answer.push_back({name, score});
  std::stable_sort(answer.begin(), answer.end(), [](const Member& a, const Member& b) { return a.score < b.score; });
  return answer;
}

void RedisModel::leave(std::string_view member) {
  if (const auto known = members_.find(member); known != members_.end()) members_.erase(known);
}

void RedisModel::apply(Partition& partition, const stream::Effect& effect, const Entry& entry) {
  if (effect.op == stream::Effect::Op::kAppend) {
    copies_[effect.part].push_back({entry.id, effect.field});
    return;
  }
  std::string& field = partition.hashes[suffix(effect)][effect.field];
  switch (effect.op) {
    case stream::Effect::Op::kIncrement: field = std::to_string(number<std::int64_t>(field) + number<std::int64_t>(effect.value)); break;
    case stream::Effect::Op::kSet: field = effect.value; break;
    case stream::Effect::Op::kAdvance:
      if (field.empty() || number<std::int64_t>(field) < number<std::int64_t>(effect.value)) field = effect.value;
      break;
    case stream::Effect::Op::kAppend: break;
  }
}

std::optional<std::string> RedisModel::ack(unsigned partition, std::string_view owner, std::string_view epoch,
                                           std::span<const Ended> entries) {
  if (!held(partition, owner, epoch)) return std::nullopt;
  Partition& at = partitions_[partition];
  std::string letters;
  for (const Ended& ended : entries) {
    const auto entry = at.stream.find(ended.stream_id);
    letters += entry == at.stream.end() ? 'g' : 'w';
    if (entry == at.stream.end() && rules_.has(Rule::kOnlyPresentAcked)) continue;
    Entry copied;
    if (entry != at.stream.end()) {
      copied = entry->second;
      if (ended.death) {
        at.last_dead_id = next_id(at.last_dead_id, now_ms);
        at.dead_letters.emplace_hint(at.dead_letters.end(), at.last_dead_id, DeadLetter{entry->second, ended.stream_id, *ended.death});
      }
      at.stream.erase(entry);
    }
    for (const stream::Effect& effect : ended.effects) apply(at, effect, copied);
    if (ended.identity && (!ended.death || rules_.has(Rule::kMarksOfDead))) {
      const auto [mark, fresh] = at.marks.try_emplace(*ended.identity, ended.mark);
      if (!fresh) merge(mark->second, ended.mark);
    }
    at.attempts.erase(ended.stream_id);
  }
  return letters;
}

std::optional<std::string> RedisModel::write_attempts(unsigned partition, std::string_view owner, std::string_view epoch,
                                                      std::span<const stream::StreamId> ids, std::span<const stream::Attempts> values) {
  if (!held(partition, owner, epoch)) return std::nullopt;
  Partition& at = partitions_[partition];
  std::string letters;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    letters += at.stream.contains(ids[i]) ? 'w' : 'g';
    if (letters.back() == 'g') continue;
    stream::Attempts value = values[i];
    if (!rules_.has(Rule::kBegin)) value.begun = 0;
    const auto [known, fresh] = at.attempts.try_emplace(ids[i], value);
    if (fresh) continue;
    if (!rules_.has(Rule::kBeginTakenBack) && value.begun < known->second.begun) {
      // A handler that returned says more than that it did not begin.
      stream::Attempts taken_back = value;
      taken_back.begun = known->second.begun;
      if (taken_back == known->second) continue;
    }
    known->second = std::move(value);
  }
  return letters;
}

bool RedisModel::write_hold(unsigned partition, std::string_view owner, std::string_view epoch, std::string_view type_webhook,
                            const stream::TypeHold& hold) {
  if (!held(partition, owner, epoch)) return false;
  partitions_[partition].control.holds[std::string(type_webhook)] = hold;
  return true;
}

std::vector<std::optional<stream::StreamId>> RedisModel::redrive(unsigned partition, std::span<const stream::StreamId> ids) {
  Partition& at = partitions_[partition];
  std::vector<std::optional<stream::StreamId>> answers;
  for (const stream::StreamId id : ids) {
    const auto found = at.dead_letters.find(id);
    if (found == at.dead_letters.end()) {
      answers.emplace_back();
      continue;
    }
    Entry entry = std::move(found->second.entry);
    entry.source = stream::Source::kRedrive;
    answers.emplace_back(add(partition, std::move(entry)));
    if (!found->second.death.actions.empty()) {
      stream::Attempts& attempts = at.attempts[*answers.back()];
      for (const auto& name : found->second.death.actions) attempts.finished.push_back({name, {}});
    }
    at.dead_letters.erase(found);
  }
  return answers;
}

}  // namespace hookfleet::simulation
