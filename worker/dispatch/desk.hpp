#pragma once

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/clock.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/keys.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/scripts.hpp"
#include "worker/dedup/identities.hpp"
#include "worker/dispatch/arrival.hpp"
#include "worker/dispatch/away.hpp"
#include "worker/dispatch/overflow.hpp"
#include "worker/dispatch/record.hpp"
#include "worker/handlers/handler.hpp"
#include "worker/retry/schedule.hpp"
#include "worker/retry/type_holds.hpp"
#include "worker/routes/routes.hpp"

namespace hookfleet::dispatch {

/// What a desk is told at its making.
struct Tenure {
  unsigned partition = 0;
  bool after_crash = false;  ///< the owner before did not give the partition back
  stream::StreamId up_to{};  ///< last entry of the stream when the partition was taken
};

/// Some of a route's actions, by their index.
using ActionSet = std::bitset<routes::kActionsMax>;

/// An entry that ended: what `ack` is told of it. Borrows from the desk until the desk is called again.
struct Ended {
  stream::StreamId stream_id;
  std::optional<stream::Seen> seen;
  std::span<const stream::Effect> effects;
  const stream::Death* death;
};

/// Everything in memory of one partition during one tenure: its entries in lanes, what is known of their identities, what may start, what
/// ended and isn't acknowledged yet. Decides what becomes of each entry; pure: time, replies and results come in, what to do is asked.
///
/// The life of an entry: arrive() → learn() (marks and attempts are known; it joins its lane) → next() at the head of its lane: dropped as
/// a repeat, dead, or started → completed(): ended, or its lane waits → take_ended() → acknowledged(): forgotten. One lane per order key:
/// strictly one entry at a time, in stream order. Lanes don't wait for each other.
///
/// Threads: one.
class Desk {
 public:
  struct Options {
    stream::PartitionBy partition_by = stream::PartitionBy::kChat;
    dedup::Options dedup;
    retry::Options retry;
    std::string worker;           ///< our name, for dead letters
    std::size_t lane_bodies = 4;  ///< of each lane the first so many entries keep their bodies when memory is tight
  };

  /// `options` outlives the desk.
  Desk(const Tenure& tenure, const Options& options, std::shared_ptr<const routes::Routes> routes);
  ~Desk();
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  unsigned partition() const { return tenure_.partition; }
  /// Other routes hold for whatever starts from now on (routes::Routes says what that means for the rest).
  void set_routes(std::shared_ptr<const routes::Routes> routes);

  // --- Reading. A cycle is one XREAD and the look-up of what it brought.

  /// Where to read from.
  stream::StreamId cursor() const { return cursor_; }
  void read_started(std::uint64_t cycle);
  struct LookUp {
    std::vector<stream::StreamId> ids;
    std::vector<notification::Identity> identities;  ///< of `ids`: whose marks are wanted
    std::vector<stream::StreamId> attempts_of;       ///< whose attempts are wanted: others can't have any
  };
  /// Takes in what a read brought and moves the cursor. What is known, or was acknowledged while the cycle was under way, is skipped; what
  /// came of a cycle from before a reset, too. When something is to be looked up, learn() ends the cycle, otherwise it has ended.
  /// Nothing: a stream id now holds another entry than the one we know: the tenure is void.
  std::optional<LookUp> arrived(std::uint64_t cycle, std::vector<Arrival> arrivals);
  /// The marks of `look_up.identities` and the attempts of `look_up.attempts_of`.
  void learn(std::uint64_t cycle, const LookUp& look_up, std::span<const std::optional<stream::Mark>> marks,
             std::span<const std::optional<stream::Attempts>> attempts, base::BootTime now, base::WallTime wall);
  /// From the beginning again: after a reconnection, or when the oldest entry of the stream turns out to be unknown.
  /// What a read under way brings is void.
  void rewind();
  /// True when the entry is in memory, was left out, or has not been reached by the cursor.
  bool accounts_for(stream::StreamId oldest) const { return items_.contains(oldest) || oldest > cursor_ || overflow_.accounts_for(oldest); }

  // --- Memory. Who waits for nothing but its turn is kept, at the cost of pausing the reader; lanes that are blocked must not cost more
  // and more. When memory is full they overflow: they take nothing more, what newly blocks is put back, the partition remembers the lowest
  // id that was left out, and reads again from there later.

  struct Pressure {
    bool bodies = false;   ///< of each lane only the first lane_bodies keep their bodies
    bool records = false;  ///< blocked lanes overflow
    bool operator==(const Pressure&) const = default;
  };
  void set_pressure(Pressure pressure) { pressure_ = pressure; }
  /// Reads again what was left out, when that is due (Overflow::rescan). To be called before cursor() is asked. `halted`: more lanes
  /// overflow than can be remembered, and nothing is read here before that.
  void rescan_if_due(base::BootTime now, bool halted);

  // --- Handling

  struct Step {
    enum class Kind {
      kNothing,  ///< no lane has anything that may start
      kEnded,    ///< `record` tells what was decided without a handler
      kFetch,    ///< its body is needed: fetched() follows
      kBegin,    ///< it must be noted as begun first: it is among take_attempts(); next() gives it again after they are written. It has
                 ///< its place among those that run from now on
      kPlace,    ///< it may only begin when fewer run: it has to be the first to be asked again then
      kWaits,    ///< for a place: in the pool, or until call() at `wanted`
      kAlone,    ///< it may only begin when nothing runs in the process: ask again then
      kStart,    ///< its actions are to be started; completed() follows for each
    };
    Kind kind = Kind::kNothing;
    stream::StreamId stream_id{};
    std::shared_ptr<const Content> content;            ///< of kStart
    std::shared_ptr<const routes::Routes> routes{};    ///< of kStart: whose actions follow
    std::span<const routes::Action> actions{};         ///< of kStart: those of its route
    ActionSet todo{};                                  ///< of kStart: which of them: those that are not done yet
    bool alone = false;                                ///< of kBegin: nothing may begin or start until it has ended
    bool begun = false;                                ///< of kStart and kEnded: it had a place since kBegin
    std::shared_ptr<handlers::AsyncHandler> wanted{};  ///< of kWaits: the handler without a place for it; null: the pool
    bool gave_up = false;                              ///< of kWaits: it had been called by another handler, whose place is free again
    std::optional<Record> record;                      ///< of kEnded
  };
  struct Situation {
    bool connected = true;  ///< bodies can be read and begins be written
    bool may_begin = true;  ///< fewer have begun than may run at a time
    bool idle = true;       ///< nothing runs or has begun in the whole process
    bool settled = true;    ///< settling() is 0 in the whole process: otherwise nothing starts but what has begun
    bool pool = true;       ///< the pool takes one more
    std::span<const handlers::AsyncHandler* const> full{};  ///< asynchronous handlers without a place, those called() counted
    retry::TypeSet held{};                                  ///< types that wait for an operator
  };
  /// What to do next.
  Step next(const Situation& situation, base::BootTime now, base::WallTime wall);
  /// The body that kFetch asked for; nothing when the entry is no more in the stream.
  void fetched(stream::StreamId stream_id, std::optional<Arrival> arrival, base::BootTime now, base::WallTime wall);
  /// What became of one action.
  struct Returned {
    const routes::Action* action = nullptr;
    bool started = false;       ///< false: it was not run after all, since the lease might have been another's by then
    handlers::Handled handled;  ///< when started
    std::chrono::nanoseconds duration{};
  };
  /// An action returned. With the last one that runs the attempt has ended: its record, if any was started. What is done is done for good;
  /// otherwise the worst decides: rejected, failed, unavailable, not started (then it is the next of its lane again). `random`: 0 … 1.
  std::optional<Record> completed(stream::StreamId stream_id, Returned returned, base::BootTime now, base::WallTime wall, double random);
  /// Lanes whose pause is over may go on.
  void wake(base::BootTime now);
  /// `target` is there: the lane that would have to wait for it longest may go on. False: none waits.
  bool hurry(const handlers::AsyncHandler& target);
  /// An operator resumed a type: what waits for that may go on.
  void resume(base::BootTime now);
  /// When wake() has something to do.
  std::optional<base::BootTime> next_wake() const;
  bool has_ready() const { return ready() > 0; }
  /// Lanes whose head may be looked at now, or as soon as the pool has a place.
  std::size_t ready() const { return ready_.size() + begun_ready_.size() + called_ready_.size() + pool_ready_.size(); }
  /// One whose begin is written waits for its start: it holds a place among those that run, so it must get its turn first.
  bool has_begun_ready() const { return !begun_ready_.empty(); }

  // --- Places at asynchronous handlers. An entry for which one has none waits, and its lane with it; the places are the process's to
  // count. Who waits here is kept as blocked lanes are: it doesn't pause the reader, and overflows when memory is full.

  /// Lanes that wait for a place at any handler.
  std::size_t waiting() const { return waiting_lanes_; }
  /// Lanes that have been called and not started yet: each holds a place.
  std::size_t called(const handlers::AsyncHandler& handler) const;
  bool waits_for(const handlers::AsyncHandler& handler) const;
  /// A place is free: the lane that has waited for longest is the next to be started. False: none waits.
  bool call(const handlers::AsyncHandler& handler);

  // --- Acknowledging and attempts

  /// How many ended entries wait to be acknowledged, and since when the oldest of them.
  std::size_t ended() const { return ended_.size(); }
  base::BootTime ended_since() const { return ended_since_; }
  /// The next of them, at most `max`. acknowledged() follows, or a reset.
  std::vector<Ended> take_ended(std::size_t max, base::BootTime now);
  struct Refusal {
    std::string id;
    std::string reason;
    bool first;  ///< it becomes a dead letter of class failed, without its effects; what is refused again waits for mended keys
  };
  /// What became of them. Answers what Redis refused, since a key has another type.
  std::vector<Refusal> acknowledged(std::span<const stream::StreamId> ids, const stream::BatchAnswer& answer, base::BootTime now);
  /// The call wrote nothing, or may not have: they wait again.
  void unacknowledged(std::span<const stream::StreamId> ids, base::BootTime now);

  /// Entries whose attempts are to be written. attempts_written() follows, or a reset.
  bool attempts_due() const { return !attempts_due_.empty(); }
  std::vector<std::pair<stream::StreamId, const stream::Attempts*>> take_attempts(std::size_t max);
  void attempts_written(std::span<const stream::StreamId> ids);
  void attempts_unwritten(std::span<const stream::StreamId> ids);
  /// A begin can't be written, or what has begun can't start, and time may not cure it: it gives up its place and tries again later.
  void take_back_begin(stream::StreamId id, base::BootTime now);

  // --- The tenure's ups and downs

  /// The connection was lost: what was asked on it won't be answered. Results are kept, and acknowledged again.
  void disconnected(base::BootTime now);
  /// Hand over: what waits is forgotten (it stays in the stream), what runs may end.
  void drain();
  /// Nothing is left in memory, and nothing unconfirmed.
  bool empty() const { return items_.empty(); }

  std::size_t entries() const { return items_.size(); }
  /// Actions that run, and begins that wait for theirs.
  std::size_t running() const { return running_; }
  std::size_t begun() const { return begun_; }
  /// Handlers that returned while Redis still counts their begin: whatever starts now and ends the process makes them suspects again.
  std::size_t settling() const { return settling_; }
  bool runs(stream::StreamId stream_id) const;
  /// All that is in memory runs.
  bool only_runs() const { return running_items_ == items_.size(); }
  std::size_t lanes() const { return lanes_.size(); }
  std::size_t blocked() const { return blocked_.size(); }
  /// Entries of lanes that are blocked or wait for a place; lanes that overflow.
  std::size_t blocked_entries() const { return blocked_entries_; }
  std::size_t overflowed() const { return overflow_.lanes(); }
  std::size_t identities() const { return identities_.size(); }
  /// Bytes of the notifications kept, nearly all of them their bodies.
  std::size_t body_bytes() const { return body_bytes_; }

 private:
  enum class State : std::uint8_t {
    kLookedUp,   // marks are asked for
    kQueued,     // in its lane
    kFetching,   // head; its body is asked for
    kBeginning,  // head; its begin is being written
    kRunning,    // head; its actions run
    kBlocked,    // head; waits for its next attempt
    kEnded,      // out of its lane; not acknowledged
    kLeaving,    // handed over, or put back; its attempts are not confirmed
  };
  struct Lane;
  struct Item {
    stream::StreamId stream_id;
    std::string id;
    notification::Identity identity;
    notification::BodyDigest digest;
    std::int64_t received_ms = 0;
    stream::Source source = stream::Source::kWebhook;
    State state = State::kLookedUp;
    bool decided = false;  // not a repeat
    bool changed = false;
    bool begun = false;          // its begin is written
    bool leaves_mark = false;    // of an ended one
    bool settling = false;       // had begun and returned; Redis hasn't confirmed that
    bool acknowledging = false;  // a call is under way
    bool attempts_due = false;
    bool held = false;                // of a blocked one: its type waits for an operator
    bool recorded = false;            // a record of it was made
    std::uint8_t attempts_calls = 0;  // under way
    std::uint8_t refusals = 0;
    std::uint8_t running = 0;          // actions that have not returned
    std::optional<Away::Target> away;  // of a blocked one: it waits in away_ until…
    base::BootTime until{};
    Lane* lane = nullptr;
    Item* next = nullptr;                                // in its lane
    const handlers::AsyncHandler* called_for = nullptr;  // it holds a place there
    std::shared_ptr<Content> content;                    // null: not kept
    std::unique_ptr<stream::Attempts> attempts;          // null: nothing is remembered
    std::vector<stream::Effect> effects;                 // of an ended one
    std::unique_ptr<stream::Death> death;                // of a dead one
    std::unique_ptr<std::vector<Returned>> returned;     // of several actions, until the last returns
    std::shared_ptr<const routes::Routes> routes;        // while its actions run: those that they are of
  };
  struct Lane {
    const std::string* key = nullptr;
    Item* head = nullptr;
    Item* tail = nullptr;
    std::size_t size = 0;
    bool ready = false;       // in one of the queues or in waiting_
    bool waits = false;       // in waiting_
    bool probation = false;   // its last one failed for good: one attempt each until one succeeds
    bool past_first = false;  // its first entry after the takeover has been looked at
  };
  struct Hash {
    std::size_t operator()(stream::StreamId id) const noexcept {
      return (id.ms * 0x9e3779b97f4a7c15ULL) ^ (id.seq * 0xff51afd7ed558ccdULL);
    }
  };

  Item* find(stream::StreamId stream_id);
  std::string lane_key(const notification::Notification& notification) const;
  void join(Item& item, base::BootTime now, base::WallTime wall);
  bool overflows(const notification::Notification& notification);
  void put_back(Lane& lane);
  void enter_blocked(Item& item, base::BootTime until, std::optional<Away::Target> away = std::nullopt);
  void leave_blocked(Item& item);
  void drop_if_empty(Lane& lane);
  void make_ready(Lane& lane);
  void make_ready_first(Lane& lane);
  void look_at_head(Lane& lane, base::BootTime now, base::WallTime wall);
  void leave_lane(Item& item, base::BootTime now, base::WallTime wall);
  void keep_body(Item& item, std::shared_ptr<Content> content);
  void drop_body(Item& item);
  stream::Attempts& attempts_of(Item& item);
  void forget(Item& item);
  void end_cycle(std::uint64_t cycle);
  void block(Item& item, std::chrono::milliseconds pause, std::optional<Away::Target> away, base::BootTime now, base::WallTime wall);
  void attempts_changed(Item& item);
  void settle(Item& item);
  Record record_of(Item& item, Outcome outcome) const;
  Record end(Item& item, Outcome outcome, base::BootTime now, base::WallTime wall);
  Record die(Item& item, stream::DeadClass dead_class, std::string reason, base::BootTime now, base::WallTime wall);
  std::optional<Record> decide(Item& item, base::BootTime now, base::WallTime wall);
  ActionSet todo(const Item& item, std::span<const routes::Action> actions) const;
  std::optional<Record> attempt_ended(Item& item, std::span<Returned> returned, base::BootTime now, base::WallTime wall, double random);
  struct Trouble {
    bool unavailable = false;
    std::string reason;
    std::chrono::milliseconds at_least{};  // the pause that the target asks for
    std::optional<Away::Target> away;      // whose being there ends the pause
  };
  Record put_off(Item& item, Trouble trouble, base::BootTime now, base::WallTime wall, double random);
  void put_on_probation(Lane& lane, bool probation);
  std::shared_ptr<handlers::AsyncHandler> full(const Item& item, std::span<const routes::Action> actions, const ActionSet& todo,
                                               const Situation& situation) const;
  void wait_for(Lane& lane, const std::shared_ptr<handlers::AsyncHandler>& handler);
  void give_up_place(Item& item);
  void not_started(Item& item, base::BootTime now, base::WallTime wall);
  void queue_ended(Item& item, base::BootTime now);

  const Tenure tenure_;
  const Options& options_;
  std::shared_ptr<const routes::Routes> routes_;

  std::unordered_map<stream::StreamId, Item, Hash> items_;
  std::unordered_map<std::string, Lane> lanes_;
  dedup::Identities identities_;
  std::deque<Lane*> ready_;         // whose head may be looked at
  std::deque<Lane*> begun_ready_;   // … and has begun: before all others, or these would wait for places that those hold
  std::deque<Lane*> called_ready_;  // … and has been called to a place
  std::deque<Lane*> pool_ready_;    // … and waits for a place in the pool
  struct Waiting {
    std::shared_ptr<handlers::AsyncHandler> handler;
    std::deque<Lane*> lanes;
    std::size_t called = 0;
  };
  std::vector<Waiting> waiting_;  // by handler, of those alone for which somebody waits or is called
  std::size_t waiting_lanes_ = 0;
  std::set<std::pair<base::BootTime, stream::StreamId>> blocked_;  // heads that wait, by when
  Away away_;                                                      // those of them that wait for a target
  std::deque<Item*> ended_;                                        // not acknowledged, no call under way
  base::BootTime ended_since_{};
  std::vector<Item*> attempts_due_;
  bool draining_ = false;

  stream::StreamId cursor_{};
  struct Cycle {
    std::uint64_t number;
    stream::StreamId from;
  };
  std::vector<Cycle> cycles_;  // under way, oldest first
  std::unordered_map<stream::StreamId, std::uint64_t, Hash>
      acknowledged_;  // while a cycle that may bring it is under way → last cycle begun

  Pressure pressure_;
  Overflow overflow_;
  stream::StreamId attempts_up_to_{};  // entries up to here may have attempts
  std::size_t blocked_entries_ = 0;
  std::size_t looking_up_ = 0;  // in kLookedUp
  std::size_t leaving_ = 0;     // put back, in kLeaving

  std::size_t running_ = 0;        // actions
  std::size_t running_items_ = 0;  // entries whose actions run
  std::size_t begun_ = 0;
  std::size_t settling_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t on_probation_ = 0;
};

}  // namespace hookfleet::dispatch
