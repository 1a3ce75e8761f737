#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/simulate/generator.hpp"
#include "cli/simulate/latencies.hpp"
#include "cli/simulate/ledger.hpp"

namespace hookfleet::simulate {

/// What is sent next, and when, as GREEN-API does it: of an instance one after the other, each when the one before got its 200; after any
/// other answer, or none, a pause and the same bytes again, for as long as the service keeps them; the instance's others wait meanwhile.
/// Pure: time and answers come in. Threads: one. The references outlive the object.
class Push {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    double per_second = 0;  ///< new ones, of all instances together; 0: as fast as they are acknowledged
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();  ///< then finish()
    std::chrono::milliseconds pause{60'000};
    std::chrono::milliseconds keep{86'400'000};  ///< what got no 200 for so long is given up, as the service does
  };

  struct Tally {
    std::array<std::uint64_t, kKinds> by_kind{};     ///< new ones, by Kind: repeats too
    std::map<std::string, std::uint64_t> by_answer;  ///< requests by what came of them: "200", "503", "no connection"
    std::uint64_t requests = 0;
    std::uint64_t acknowledged = 0;  ///< new ones that got their 200
    std::uint64_t pauses = 0;
    std::uint64_t given_up = 0;  ///< not acknowledged while they were kept
    Latencies latencies;         ///< of the 200s: from sending to the answer

    std::uint64_t sent() const;  ///< new ones, all kinds
  };

  struct Send {
    unsigned instance = 0;
    std::string_view body;  ///< valid until it is answered
  };

  Push(const Options& options, Generator& generator, Ledger& ledger, Clock::time_point now);

  /// To be sent now, and answered by answered(); nothing: not before wake_at(), or not before another answer.
  std::optional<Send> next(Clock::time_point now, std::int64_t unix_seconds);
  /// `status` 0: no answer; `what` says so in a few words then.
  void answered(unsigned instance, int status, std::string_view what, Clock::duration waited, Clock::time_point now);
  /// Instead of answered(), for a side that only queues: it is out of our hands, and nobody has acknowledged it yet.
  void queued(unsigned instance);
  /// The earliest time at which next() may have something without another answer; the far future: never.
  Clock::time_point wake_at() const;

  /// Nothing new from now on; what has begun is sent until it is acknowledged or given up.
  void finish() { finishing_ = true; }
  bool finishing() const { return finishing_; }
  /// Nothing is sent and nothing waits for its answer or the end of its pause. Before finish(): false.
  bool idle() const { return finishing_ && begun_ == 0; }
  /// Instances that wait for the end of a pause.
  std::size_t pausing() const { return paused_.size(); }
  /// Begun and neither acknowledged nor given up.
  std::uint64_t unacknowledged() const { return begun_; }
  const Tally& tally() const { return tally_; }

 private:
  struct Instance {
    Generator::Made made;
    Clock::time_point first_sent;
    bool begun = false;
  };

  void end(unsigned instance);

  const Options options_;
  const Clock::duration apart_;
  Generator& generator_;
  Ledger& ledger_;
  std::vector<Instance> instances_;
  std::deque<unsigned> free_;                          // those that may send a new one, longest free first
  std::multimap<Clock::time_point, unsigned> paused_;  // by the end of the pause
  Clock::time_point due_;                              // the next new one, by the rate
  std::uint64_t begun_ = 0;
  bool finishing_ = false;
  Tally tally_;
};

}  // namespace hookfleet::simulate
