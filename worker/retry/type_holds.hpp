#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/notification/types.hpp"
#include "common/stream/type_hold.hpp"
#include "worker/retry/schedule.hpp"

namespace hookfleet::retry {

using TypeSet = std::bitset<notification::kTypeWebhookCount>;

/// Types of notifications whose handling keeps ending the process: after too many of one type within an hour, entries of that type wait
/// until an operator resumes it. What is known of each partition that we own comes from its ctl and goes back there, so that it survives a
/// takeover; a type that is held in one of our partitions waits in all of them.
/// Pure. Threads: one. `options` outlives the object.
class TypeHolds {
 public:
  explicit TypeHolds(const Options& options) : options_(options) {}

  /// What the ctl of a partition of ours says now. Whatever is not written yet stays.
  void learn(unsigned partition, std::span<const std::pair<std::string, stream::TypeHold>> holds);
  /// The partition is no longer ours.
  void forget(unsigned partition);
  /// An entry became a dead letter of class crash. `ours`: all partitions that we own; beyond the limit the type is held in each.
  void crashed(unsigned partition, stream::StreamId entry, notification::TypeWebhook type, std::span<const unsigned> ours,
               std::int64_t now_ms);

  const TypeSet& held() const { return held_; }
  /// True when anything is known of this partition, so that it should be read again now and then: an operator may have resumed it.
  bool knows(unsigned partition) const;

  struct Write {
    notification::TypeWebhook type;
    const stream::TypeHold* hold;
  };
  /// What is to be written to this partition's ctl, each once; written() or unwritten() follows.
  std::vector<Write> take_due(unsigned partition);
  bool due(unsigned partition) const;
  void written(unsigned partition, notification::TypeWebhook type);
  /// The call failed, or its connection was lost: due again.
  void unwritten(unsigned partition, notification::TypeWebhook type);
  void disconnected();

 private:
  enum class Writing : std::uint8_t { kNo, kDue, kSent };
  struct Known {
    stream::TypeHold hold;
    Writing writing = Writing::kNo;
  };
  using Key = std::pair<unsigned, notification::TypeWebhook>;
  void count_held();
  std::size_t crashes_of(notification::TypeWebhook type, std::int64_t since_ms) const;

  const Options& options_;
  std::map<Key, Known> known_;
  TypeSet held_;
};

}  // namespace hookfleet::retry
