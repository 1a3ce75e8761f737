#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "cli/simulate/ledger.hpp"
#include "cli/simulate/push.hpp"
#include "cli/text.hpp"

namespace hookfleet::cli {

/// What a simulation says when it ends, and while it runs. Pure.
struct SimulateReport {
  std::string to;  ///< where it was sent
  std::uint64_t seed = 0;
  std::chrono::nanoseconds sending{};
  simulate::Push::Tally tally;
  std::uint64_t unacknowledged = 0;  ///< begun, and not acknowledged when it ended
  std::uint64_t pausing = 0;         ///< instances that wait for the end of a pause

  /// Of --serve: what became of the queues. What is deleted is acknowledged; `tally` counts what was made.
  struct Served {
    std::uint64_t deleted = 0, waiting = 0;
    std::uint64_t receives = 0;      ///< requests
    std::uint64_t switched_off = 0;  ///< made, and not put into its queue
  };
  std::optional<Served> served{};

  /// Nothing new is sent any more, and the rest is waited for.
  struct Settling {
    std::chrono::nanoseconds since{}, at_most{};
    std::uint64_t backlog = 0;  ///< entries in the fleet, of a proof
  };
  std::optional<Settling> settling{};

  struct Proof {
    simulate::Ledger::Verdict verdict;
    bool settled = false;  ///< the fleet had caught up: what is missing is lost
    std::uint64_t backlog = 0;
  };
  std::optional<Proof> proof{};

  /// A fleet that kept its word, as far as was looked; and something was acknowledged, of queues all.
  bool good() const;
};

/// Names a notification for people: its chat, as Generator::chat_of() has it.
using ChatName = std::function<std::string(const simulate::Token&)>;

std::string to_text(const SimulateReport& report, const ChatName& chat_of);
Json to_json(const SimulateReport& report, const ChatName& chat_of);
/// One line, without its end. `missing`: acknowledged and not yet received; nothing without a proof.
std::string progress_line(const SimulateReport& report, std::optional<std::uint64_t> missing);

}  // namespace hookfleet::cli
