#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/notification/identity.hpp"
#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"
#include "common/redis/script.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/effect.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"

/// The state changes of a partition (ARCHITECTURE.md). Each call touches the keys of one partition, checks owner and epoch of its lease
/// first (redrive doesn't; news, in its own header, is about the whole fleet) and then works entry by entry: nothing rolls back and a reply
/// may be lost, so that any call may be repeated as it is. All but redrive and news run at maxmemory too. A NOSCRIPT reply means: SCRIPT
/// LOAD the source and send again; nothing was done.
namespace hookfleet::stream {

/// The Lua sources with their names in Redis; a process makes one and shares it.
struct Scripts {
  Scripts();
  redis::Script ack, attempts, hold, news, redrive;
  std::array<const redis::Script*, 5> all() const { return {&ack, &attempts, &hold, &news, &redrive}; }
};

/// Who calls, and for which partition.
struct Fence {
  std::string_view owner;  ///< as in lease::Tenure
  std::string_view epoch;
  unsigned partition;
};

/// The mark that a terminal outcome leaves: merged with the one that is there (greatest r, first id, last digests).
struct Seen {
  notification::Identity identity;
  notification::BodyDigest digest;
  std::int64_t received_ms;
  std::string_view id;  ///< the entry's field `id`, a UUID
};

/// One `ack`: entries that ended leave the stream and `att`; their effects and marks are written, a dead one goes to the dead letters
/// (copied inside Redis). All of one entry or nothing of it; in the order of add().
/// What add() is given is copied or, as said, borrowed until argv() has been used. Reuse the batch: clear() keeps its memory.
/// Limits: kEntriesMax is a good size; measured 3.5 µs of Redis an entry at 50, 12–23 µs alone.
class AckBatch {
 public:
  static constexpr std::size_t kEntriesMax = 50;
  static constexpr std::size_t kEntriesLimit = 1000;  ///< more is a bug

  /// `keep`: how long marks live (25 h).
  AckBatch(const Scripts& scripts, const Keys& keys, std::chrono::milliseconds keep);

  /// Empties it and names the partition and tenure of what follows.
  void start(const Fence& fence);
  /// `seen`: nothing for an entry that leaves no mark. `effects`: borrowed. `death`: null for an entry that isn't dead.
  void add(StreamId id, const std::optional<Seen>& seen, std::span<const Effect> effects = {}, const Death* death = nullptr);
  std::size_t size() const { return entries_; }
  /// The EVALSHA command. Valid until the batch changes.
  redis::Argv argv();

 private:
  const Scripts& scripts_;
  const Keys& keys_;
  const std::string keep_;
  unsigned partition_ = 0;
  std::size_t entries_ = 0;
  redis::Command key_names_, arguments_, command_;
};

/// One call that writes `att` values of entries that still are in the stream: `begin` (counts an attempt before it runs,
/// after a crash takeover), its taking back, and `fail` (an attempt ended without success).
class AttemptsBatch {
 public:
  AttemptsBatch(const Scripts& scripts, const Keys& keys);

  void start(const Fence& fence);
  void write(StreamId id, const Attempts& attempts);
  /// Nothing is remembered of the entry any more.
  void forget(StreamId id);
  std::size_t size() const { return entries_; }
  redis::Argv argv();

 private:
  const Scripts& scripts_;
  const Keys& keys_;
  unsigned partition_ = 0;
  std::size_t entries_ = 0;
  redis::Command arguments_, command_;
};

/// What became of one entry of a batch.
enum class Written : char {
  kWritten = 'w',  ///< done now
  kGone = 'g',     ///< not in the stream: done before (a reply was lost). Nothing was written, effects and mark neither
  kRefused = 'r',  ///< a key of another type, or a field that holds no number: nothing was written, the entry still is in the stream
};

/// The answer to an AckBatch or AttemptsBatch; borrows from the reply.
class BatchAnswer {
 public:
  enum class Kind {
    kAnswered,  ///< see written()
    kFenced,    ///< the lease isn't this tenure's: nothing was written
    kError,     ///< Redis refused the call: see error(). Nothing was written when it is kNoScript or a refusal (is_refusal)
  };
  /// `entries`: size() of the batch. An answer of another size is kError.
  BatchAnswer(redis::ReplyView reply, std::size_t entries);

  Kind kind() const { return kind_; }
  Written written(std::size_t index) const { return static_cast<Written>(written_[index]); }
  std::size_t count(Written written) const;
  /// Of a refused entry: the key or field, and what is wrong with it.
  std::string_view reason(std::size_t index) const;
  redis::ReplyError error() const { return error_; }
  std::string_view error_text() const { return error_text_; }

 private:
  redis::ReplyView reply_;
  Kind kind_ = Kind::kError;
  redis::ReplyError error_ = redis::ReplyError::kOther;
  std::string_view written_, error_text_;
};

/// Puts dead letters back into their partition's stream: new stream id, same `id`, bytes and `r`, source `redrive`, attempts from zero,
/// finished actions kept; then takes them off the dead letters. At most kRedriveMax ids. Not at maxmemory (OOM: nothing was done).
/// `source`: kRedrive, or kForced for those that the stale rule would drop.
void redrive(redis::Command& command, const Scripts& scripts, const Keys& keys, unsigned partition, std::span<const StreamId> dead_letters,
             Source source = Source::kRedrive);
inline constexpr std::size_t kRedriveMax = 100;
/// For each dead letter its new id in the stream, or nothing when it wasn't there any more.
tl::expected<std::vector<std::optional<StreamId>>, redis::ReplyError> decode_redriven(redis::ReplyView reply);

}  // namespace hookfleet::stream
