#pragma once

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/notification/identity.hpp"
#include "common/stream/dead_letter.hpp"
#include "tests/simulation/fleet.hpp"
#include "tests/simulation/redis_model.hpp"
#include "tests/simulation/rules.hpp"
#include "tests/simulation/schedule.hpp"
#include "tests/simulation/timeline.hpp"

namespace hookfleet::simulation {

class Process;

/// A version of a notification, as identity and digest carry it through the worker.
struct Key {
  unsigned number = 0;
  unsigned version = 0;
  auto operator<=>(const Key&) const = default;
};
notification::Identity identity_of(unsigned number);
notification::BodyDigest digest_of(const Key& key);
Key key_of(const notification::BodyDigest& digest);

/// Keeps books on what happens in a run, and says when something happens that must not. The others tell it; it decides nothing for them.
class Ledger {
 public:
  Ledger(const Schedule& schedule, Rules rules, const Timeline& timeline, std::vector<std::string>* trace);

  const Schedule::Notification& notification(unsigned number) const { return *known_[number].notification; }

  // Senders and the operator
  void answered(const Key& key) { versions_[key].answered = true; }  ///< 200
  void redriven(const Key& key) { known_[key.number].redriven = true; }
  bool was_redriven(unsigned number) const { return known_[number].redriven; }

  // Handlers
  struct Handling {
    const Process* process = nullptr;
    unsigned partition = 0;
    std::string epoch;  ///< empty: the lease was another's already
    Key key;
    bool after_done = false;  ///< it was acknowledged as done before this one started
  };
  Handling started(const Process& process, unsigned partition, std::string epoch, const Key& key);
  /// `well`: done; otherwise it failed.
  void ended(const Handling& handling, bool well);
  void dropped_as_stale(const Key& key) { versions_[key].stale = true; }

  // Redis
  /// Another has the partition although its owner did not give it back. `poisoned`: that one was ended by a notification.
  void taken_over(unsigned partition, const std::string& epoch, bool poisoned, const RedisModel::Partition& at);
  void acknowledged(const RedisModel::Ended& ended, bool written, const RedisModel::Partition& at);

  void step() { ++result_.steps; }
  std::uint64_t steps() const { return result_.steps; }
  /// What must hold at the end.
  void check(const RedisModel& redis);
  /// Something is left in the memory of a process, at the end.
  void left_behind(const std::string& process);
  Result result();

  bool tracing() const { return trace_ != nullptr; }
  template <class... Parts>
  void trace(const Parts&... parts) {
    if (trace_ == nullptr) return;
    std::ostringstream line;
    line.precision(3);
    line << std::fixed << std::chrono::duration<double>(timeline_.now()).count() << "  ";
    (line << ... << parts);
    trace_->push_back(std::move(line).str());
  }
  template <class... Parts>
  void broke(Broken broken, const Parts&... parts) {
    if (result_.has(broken)) return;
    std::ostringstream detail;
    (detail << ... << parts);
    result_.violations.push_back({broken, timeline_.now(), std::move(detail).str()});
    trace("*** ", to_text(broken), ": ", result_.violations.back().detail);
  }

 private:
  struct Known {  // of a notification
    const Schedule::Notification* notification = nullptr;
    std::vector<Handling> successes;
    bool started = false, redriven = false;
    unsigned outside_begins = 0;  // begins that outlived a tenure for another reason than a notification that ends processes
    std::optional<unsigned> last_effect;
  };
  struct Version {
    bool answered = false, done = false, stale = false;
    std::optional<stream::DeadClass> dead;
  };
  bool abandoned(const Handling& handling) const;

  const Rules rules_;
  const Timeline& timeline_;
  std::vector<std::string>* const trace_;
  std::vector<Known> known_;
  std::map<Key, Version> versions_;
  std::vector<std::optional<unsigned>> last_started_;  // by chat: sequence
  std::vector<std::vector<Handling>> running_;         // by chat
  std::set<std::pair<unsigned, std::string>> stolen_;  // partition, epoch
  Result result_;
};

}  // namespace hookfleet::simulation
