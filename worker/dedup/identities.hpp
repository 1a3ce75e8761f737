#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/notification/identity.hpp"
#include "common/notification/types.hpp"
#include "common/stream/mark.hpp"

/// First time, repeat or change: decided at the head of a lane by what is known of an identity. Pure, one thread.
namespace hookfleet::dedup {

/// What happens to a notification that comes again with other content.
enum class Changed : std::uint8_t {
  kDefault,  ///< of a type: as for all types
  kHandle,   ///< handled like any other: the service advises to use the latest
  kDrop,     ///< dropped as a repeat
};

struct Options {
  static constexpr std::size_t kTypes = notification::kTypeWebhookCount;

  std::chrono::milliseconds keep{std::chrono::hours(25)};  ///< how long marks live; the sender keeps notifications for 24 h
  Changed changed = Changed::kHandle;
  std::array<Changed, kTypes> changed_by_type = shipped();  ///< index: TypeWebhook

  /// kHandle or kDrop; an unknown type has the default.
  Changed changed_of(std::optional<notification::TypeWebhook> type) const;
  static constexpr std::array<Changed, kTypes> shipped() {
    std::array<Changed, kTypes> by_type{};
    by_type[static_cast<std::size_t>(notification::TypeWebhook::kOutgoingMessageStatus)] = Changed::kDrop;
    return by_type;
  }
};

/// A version received so much earlier than one already handled comes from an append that never was acknowledged: the sender has sent a
/// later one meanwhile, and an old one must not overwrite it.
inline constexpr std::chrono::seconds kStaleAfter{30};

/// One identity as long as an entry of it is in memory: what Redis remembers (the mark) and what ended here and may not be marked yet.
class Record {
 public:
  enum class Judgement {
    kFirst,
    kChanged,  ///< known, but not with this content
    kRepeat,   ///< this content has ended before
    kStale,    ///< another content, received kStaleAfter before one that has ended
  };
  /// `redriven`: its own dead letter's digest, and those of marks, don't make it a repeat; it may still be stale.
  Judgement judge(const notification::BodyDigest& digest, std::int64_t received_ms, bool redriven) const;

  /// What Redis remembers.
  void learn(const stream::Mark& mark);
  /// An entry ended here with a terminal outcome. `dead`: as a dead letter, which may be redriven.
  void ended(const notification::BodyDigest& digest, std::int64_t received_ms, std::string_view id, bool dead);
  /// `id` of the first version that ended; empty when nothing is known.
  const std::string& first_id() const { return first_id_; }

 private:
  friend class Identities;
  enum class Known : std::uint8_t { kByMark, kDead, kHandled };
  void note(const notification::BodyDigest& digest, Known known);

  std::vector<std::pair<notification::BodyDigest, Known>> digests_;
  std::int64_t received_ms_ = -1;  // greatest `r` that ended
  std::string first_id_;
  std::size_t entries_ = 0;
};

/// The records of one partition, each as long as an entry of its identity is in memory: made before marks are asked for, deleted with the
/// last entry, not at its confirmation.
class Identities {
 public:
  /// Another entry of this identity is in memory. The reference holds until the matching leave().
  Record& enter(const notification::Identity& identity);
  void leave(const notification::Identity& identity);
  Record* find(const notification::Identity& identity);
  std::size_t size() const { return records_.size(); }

 private:
  struct Hash {
    // An identity is a digest already.
    std::size_t operator()(const notification::Identity& identity) const noexcept {
      std::size_t hash;
      std::memcpy(&hash, identity.data(), sizeof hash);
      return hash;
    }
  };
  std::unordered_map<notification::Identity, Record, Hash> records_;
};

}  // namespace hookfleet::dedup
