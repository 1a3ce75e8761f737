#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet.hpp"
#include "cli/simulate/ledger.hpp"
#include "cli/simulate/receiver.hpp"

namespace hookfleet::cli {

/// Tells a ledger what became of simulated notifications: what a receiver or a stream of the fleet's got, and what lies in the dead
/// letters. Losses of the connection to Redis are waited out. Threads: one.
class SimulateProof {
 public:
  struct Options {
    std::optional<int> receive;  ///< port of a receiver of ours, to which the fleet forwards
    std::string stream;          ///< else the key that a `stream` action writes to
  };

  /// Throws Failed when Redis or the port can't be had. The references outlive the object.
  SimulateProof(const Options& options, const FleetOptions& fleet, const Environment& environment, simulate::Ledger& ledger);

  /// Where the fleet is to forward to; empty without a receiver.
  std::string receiver_url() const;
  /// What has come since. Cheap; as often as one likes.
  void look();
  /// Everything acknowledged has been received or is dead, or nothing waits in the fleet any more: what is missing then is lost.
  bool settled();
  /// Entries in the fleet's streams when settled() last looked; those of others count.
  std::uint64_t backlog() const { return backlog_; }

 private:
  void read_stream();
  void read_dead_letters();
  /// False: Redis is away for now.
  template <class Work>
  bool with_redis(const Work& work);

  simulate::Ledger& ledger_;
  Fleet fleet_;
  std::optional<simulate::Receiver> receiver_;
  const std::string stream_;
  std::string stream_last_;
  std::vector<std::string> dead_last_;  // by partition
  std::uint64_t backlog_ = 0;
  bool lost_ = false;
  std::chrono::steady_clock::time_point looked_{};  // at the dead letters
};

/// The lines of a settings file that send everything to `url`, or to a stream of that key where `url` is empty.
std::string simulate_routes(const std::string& url, const std::string& stream);

}  // namespace hookfleet::cli
