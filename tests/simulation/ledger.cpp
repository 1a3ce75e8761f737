#include "tests/simulation/ledger.hpp"

#include <algorithm>

#include "tests/simulation/process.hpp"

namespace hookfleet::simulation {

notification::Identity identity_of(unsigned number) {
  notification::Identity identity{};
  for (unsigned i = 0; i < 4; ++i) identity[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return identity;
}

notification::BodyDigest digest_of(const Key& key) {
  notification::BodyDigest digest{};
  digest[0] = static_cast<std::uint8_t>(key.version);
  for (unsigned i = 0; i < 4; ++i) digest[i + 1] = static_cast<std::uint8_t>(key.number >> (8 * i));
  return digest;
}

Key key_of(const notification::BodyDigest& digest) {
  Key key{0, digest[0]};
  for (unsigned i = 0; i < 4; ++i) key.number |= static_cast<unsigned>(digest[i + 1]) << (8 * i);
  return key;
}

Ledger::Ledger(const Schedule& schedule, Rules rules, const Timeline& timeline, std::vector<std::string>* trace)
    : rules_(rules), timeline_(timeline), trace_(trace), last_started_(schedule.chats), running_(schedule.chats) {
  for (const auto& instance : schedule.instances) {
    for (const auto& notification : instance) {
      if (notification.number >= known_.size()) known_.resize(notification.number + 1);
      known_[notification.number].notification = &notification;
    }
  }
}

/// Nobody relies on it: its process crashed, or another took the partition.
bool Ledger::abandoned(const Handling& handling) const {
  return handling.process->crashed() || handling.epoch.empty() || stolen_.contains({handling.partition, handling.epoch});
}

Ledger::Handling Ledger::started(const Process& process, unsigned partition, std::string epoch, const Key& key) {
  Known& known = known_[key.number];
  const Schedule::Notification& notification = *known.notification;
  Handling handling{&process, partition, std::move(epoch), key, versions_[key].done};
  trace(process.name(), " START n", key.number, " v", key.version, " p", partition, " chat ", notification.chat);
  if (!std::exchange(known.started, true)) {
    auto& last = last_started_[notification.chat];
    if (last && notification.sequence < *last) broke(Broken::kOrder, "n", key.number, " in chat ", notification.chat);
    last = std::max(last.value_or(0), notification.sequence);
  }
  auto& running = running_[notification.chat];
  for (const Handling& other : running) {
    if (!abandoned(other) && !abandoned(handling)) broke(Broken::kOverlap, "n", other.key.number, " and n", key.number);
  }
  running.push_back(handling);
  return handling;
}

void Ledger::ended(const Handling& handling, bool well) {
  const Key key = handling.key;
  Known& known = known_[key.number];
  std::erase_if(running_[known.notification->chat],
                [&](const Handling& one) { return one.key.number == key.number && one.process == handling.process; });
  if (!well) return;
  ++result_.handled;
  trace(handling.process->name(), " HANDLED n", key.number, " v", key.version);
  const bool mine = !abandoned(handling);
  bool again = false;
  if (mine && handling.after_done) broke(Broken::kHandledTwice, "n", key.number, " v", key.version, " after it was acknowledged");
  for (const Handling& other : known.successes) {
    const bool both = mine && !abandoned(other);
    if (other.key == key) again = true;
    if (both && other.key == key) broke(Broken::kHandledTwice, "n", key.number, " v", key.version);
    if (both && other.key > key) broke(Broken::kStaleHandled, "n", key.number, " v", key.version);
  }
  if (again) ++result_.again;
  known.successes.push_back(handling);
}

void Ledger::taken_over(unsigned partition, const std::string& epoch, bool poisoned, const RedisModel::Partition& at) {
  stolen_.emplace(partition, epoch);
  if (poisoned) return;
  for (const auto& [id, attempts] : at.attempts) {
    const auto entry = at.stream.find(id);
    if (attempts.begun > 0 && entry != at.stream.end()) ++known_[entry->second.number].outside_begins;
  }
}

void Ledger::acknowledged(const RedisModel::Ended& ended, bool written, const RedisModel::Partition& at) {
  if (!ended.identity || (!written && rules_.has(Rule::kOnlyPresentAcked))) return;
  const Key key = key_of(ended.mark.digests.front());
  Known& known = known_[key.number];
  Version& version = versions_[key];
  if (ended.death) {
    if (!written) return;
    version.dead = ended.death->dead_class;
    const auto same = [&](const auto& letter) { return Key{letter.second.entry.number, letter.second.entry.version} == key; };
    if (std::count_if(at.dead_letters.begin(), at.dead_letters.end(), same) > 1) {
      broke(Broken::kDoubleDead, "n", key.number, " v", key.version);
    }
    const bool poison = known.notification->kind >= Schedule::Kind::kKills;
    // Three begins make a dead letter. One may be counted beside a suspect, others when a worker loses the partition for other reasons.
    if (version.dead == stream::DeadClass::kCrash && !poison && known.outside_begins < 2) {
      broke(Broken::kInnocentDead, "n", key.number, ", begun beside somebody else's crashes ", known.outside_begins, " times");
    }
    return;
  }
  if (version.done) broke(Broken::kEffectTwice, "n", key.number, " v", key.version);
  version.done = true;
  if (known.last_effect && *known.last_effect > key.version) {
    broke(Broken::kStaleEffect, "n", key.number, " v", key.version, " after v", *known.last_effect);
  }
  known.last_effect = key.version;
}

void Ledger::check(const RedisModel& redis) {
  for (unsigned p = 0; p < redis.partitions(); ++p) {
    const auto& at = redis.partition(p);
    if (!at.stream.empty()) {
      const auto& [id, entry] = *at.stream.begin();
      broke(Broken::kNotDrained, at.stream.size(), " entries in p", p, ", first ", id.text(), " n", entry.number, " v", entry.version);
    } else if (!at.attempts.empty()) {
      broke(Broken::kLeak, "attempts in p", p);
    }
    const auto counts = at.hashes.find("cnt");
    if (counts == at.hashes.end()) continue;
    for (const auto& [field, value] : counts->second) {
      if (value != "1") broke(Broken::kEffectTwice, field, " counted ", value, " times");
    }
  }
  if (result_.has(Broken::kNotDrained) || result_.has(Broken::kBusy)) return;
  for (const auto& [key, version] : versions_) {
    if (!version.answered || version.done || version.dead) continue;
    const bool later = std::any_of(versions_.upper_bound(key), versions_.end(), [number = key.number](const auto& other) {
      return other.first.number == number && (other.second.done || other.second.dead);
    });
    if (version.stale && later) continue;
    broke(Broken::kLost, "n", key.number, " v", key.version, known_[key.number].started ? "" : ", never started",
          version.stale ? ", as stale" : "");
  }
}

void Ledger::left_behind(const std::string& process) {
  if (!result_.has(Broken::kNotDrained) && !result_.has(Broken::kBusy)) broke(Broken::kLeak, "in memory of ", process);
}

Result Ledger::result() {
  result_.length = timeline_.now();
  return std::move(result_);
}

}  // namespace hookfleet::simulation
