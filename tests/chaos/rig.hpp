#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/stream/dead_letter.hpp"
#include "common/stream/entry.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::chaos {

/// Timers so short that the partitions of a worker that was killed rest for two seconds; retries within half a second, three attempts.
std::vector<std::string> quick();
/// `quick()` with others added; of two values of a flag the later wins.
std::vector<std::string> quick_and(const std::vector<std::string>& flags);

/// One run of the test handler.
struct Handling {
  pid_t worker = 0;
  std::int64_t begin_ms = 0;  ///< since boot
  std::int64_t end_ms = 0;    ///< 0: it did not return
  std::string chat, id;
};

/// What the test handlers of all workers wrote, in the order in which they began.
struct Journal {
  std::vector<Handling> handlings;

  std::vector<Handling> of(const std::string& id) const;
  std::size_t times(const std::string& id) const { return of(id).size(); }
  std::size_t begun_by(pid_t worker) const;
  /// How many runs there were beyond the first of each.
  std::uint64_t handled_again() const;
  /// Ids that were handled first after a later one of their chat. Ids of a chat sort by their sequence.
  std::vector<std::string> out_of_order() const;
};

/// A fleet whose workers run test_worker.cpp, without nginx; by default without ingresses, too: add() writes what an ingress would.
class Rig {
 public:
  struct Options {
    unsigned ingresses = 0;
    unsigned workers = 1;
    std::vector<std::string> worker_flags = quick();
    std::vector<std::string> redis_flags = {};
    std::chrono::milliseconds work{0};  ///< of each handling
  };
  explicit Rig(Options options);
  Rig() : Rig(Options{}) {}

  support::Fleet& fleet() { return *fleet_; }
  support::RedisServer& redis() { return fleet_->redis(); }
  const stream::Keys& keys() const { return fleet_->keys(); }

  /// A message of that chat as an ingress appends it; answers its partition. `text`: what the handler shall do.
  unsigned add(const std::string& chat, const std::string& id, const std::string& text = "ok");
  /// `count` that are to be done, over `chats` chats of their own ("o<n>").
  void add_others(std::size_t count, std::size_t chats);
  std::size_t others() const { return others_; }
  static unsigned partition_of(const std::string& chat);
  /// The key of the mark that a message leaves.
  std::string mark(const std::string& chat, const std::string& id) const;

  /// A name in the rig's own directory: for texts, and mend() makes the file.
  std::string file(const std::string& name) const { return dir_ / name; }
  void mend(const std::string& name) const;

  Journal journal() const;
  /// The sum of what the effects counted.
  std::uint64_t counted() { return fleet_->counted("incomingMessageReceived"); }
  bool drained(std::chrono::milliseconds deadline = std::chrono::seconds(30)) { return fleet_->drained(deadline); }
  std::vector<stream::DeadLetter> dead_letters();
  /// Puts all dead letters back; answers how many.
  std::size_t redrive();

  /// A series of a worker; -1 when it isn't there.
  double metric(std::size_t worker, const std::string& series) const;
  /// Partitions held, over all workers that answer.
  double owned() const;
  /// Whether all partitions are held, by a worker each.
  bool all_owned(std::chrono::milliseconds deadline = std::chrono::seconds(20)) const;
  std::size_t log_lines(std::size_t worker, const std::string& part = {}) const;
  /// A worker during a fault: its share of a core, and its log lines a second, records of notifications not counted.
  struct Effort {
    double cpu_share = 0;
    double lines_per_second = 0;
  };
  Effort effort(std::size_t worker, std::chrono::milliseconds window);

 private:
  support::TempDir dir_;
  std::unique_ptr<support::Fleet> fleet_;
  std::size_t others_ = 0;
};

/// Seconds of CPU that a process has used.
double cpu_seconds(pid_t pid);

}  // namespace hookfleet::chaos
