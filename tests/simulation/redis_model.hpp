#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/lease/lease.hpp"
#include "common/notification/identity.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/effect.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/type_hold.hpp"
#include "tests/simulation/rules.hpp"

namespace hookfleet::simulation {

/// What Redis holds of one fleet, and what the scripts (common/stream/*.lua, common/lease/*.lua) do with it, in memory: as they do it,
/// reply for reply, which integration_redis_model checks against the scripts in a redis-server. Not modelled: keys of a wrong type,
/// expiry of marks and of effects' hashes, the length of streams of the
/// user's, maxmemory.
/// Threads: one.
class RedisModel {
 public:
  explicit RedisModel(unsigned partitions, Rules rules = {}) : rules_(rules), partitions_(partitions) {}

  /// What the simulation knows of a notification; the stream entry stands for it.
  struct Entry {
    std::string id;  ///< the field `id`
    unsigned number = 0;
    unsigned version = 0;  ///< of its bytes
    std::int64_t received_ms = 0;
    stream::Source source = stream::Source::kWebhook;
    bool operator==(const Entry&) const = default;
  };
  struct DeadLetter {
    Entry entry;
    stream::StreamId original;
    stream::Death death;
  };
  struct Control {
    std::string owner, epoch = "0", how = "clean";
    std::int64_t until_ms = 0;
    std::map<std::string, stream::TypeHold> holds;  // by typeWebhook
    bool exists = false;
  };
  struct Partition {
    Control control;
    std::map<stream::StreamId, Entry> stream;
    std::map<stream::StreamId, stream::Attempts> attempts;
    std::map<notification::Identity, stream::Mark> marks;
    std::map<stream::StreamId, DeadLetter> dead_letters;
    std::map<std::string, std::map<std::string, std::string>> hashes;  // of effects, by suffix: cnt, inst, msg:…, chat:…
    stream::StreamId last_id{}, last_dead_id{};
  };

  /// A notification on a stream of the user's.
  struct Copy {
    std::string id, idempotency_key;
    bool operator==(const Copy&) const = default;
  };
  /// By key, oldest first.
  const std::map<std::string, std::vector<Copy>>& copies() const { return copies_; }

  /// The server's clock, in Unix ms.
  std::int64_t now_ms = 0;

  unsigned partitions() const { return static_cast<unsigned>(partitions_.size()); }
  const Partition& partition(unsigned number) const { return partitions_[number]; }
  /// Changes that a caller made whose lease it was not: only when a fence is taken out.
  std::size_t zombie_changes() const { return zombie_changes_; }

  stream::StreamId add(unsigned partition, Entry entry);
  std::variant<lease::Held, lease::Refused> acquire(unsigned partition, std::string_view owner, std::chrono::milliseconds ttl,
                                                    std::string_view known_epoch, std::string_view unchanged);
  bool renew(unsigned partition, std::string_view owner, std::string_view epoch, std::chrono::milliseconds ttl);
  bool release(unsigned partition, std::string_view owner, std::string_view epoch);

  struct Member {
    std::string name;
    std::int64_t score = 0;
    bool operator==(const Member&) const = default;
  };
  std::vector<Member> heartbeat(std::string_view member, std::chrono::milliseconds ttl,
                                std::span<const std::pair<std::string, std::string>> unchanged);
  void leave(std::string_view member);

  struct Ended {
    stream::StreamId stream_id;
    std::optional<notification::Identity> identity;  ///< nothing: leaves no mark
    stream::Mark mark;                               ///< the fresh one
    std::vector<stream::Effect> effects;
    std::optional<stream::Death> death;
  };
  /// One letter an entry, or nothing: fenced.
  std::optional<std::string> ack(unsigned partition, std::string_view owner, std::string_view epoch, std::span<const Ended> entries);
  std::optional<std::string> write_attempts(unsigned partition, std::string_view owner, std::string_view epoch,
                                            std::span<const stream::StreamId> ids, std::span<const stream::Attempts> values);
  bool write_hold(unsigned partition, std::string_view owner, std::string_view epoch, std::string_view type_webhook,
                  const stream::TypeHold& hold);
  std::vector<std::optional<stream::StreamId>> redrive(unsigned partition, std::span<const stream::StreamId> ids);

 private:
  bool held(unsigned partition, std::string_view owner, std::string_view epoch);
  void apply(Partition& partition, const stream::Effect& effect, const Entry& entry);

  const Rules rules_;
  std::vector<Partition> partitions_;
  std::map<std::string, std::int64_t, std::less<>> members_;
  std::map<std::string, std::vector<Copy>> copies_;
  std::size_t zombie_changes_ = 0;
};

}  // namespace hookfleet::simulation
