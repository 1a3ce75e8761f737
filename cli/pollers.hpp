#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet.hpp"
#include "cli/text.hpp"
#include "common/stream/poll_trouble.hpp"

/// The pollers of a fleet and the instances that they fetch for, as Redis tells it.
namespace hookfleet::cli {

struct PolledInstance {
  std::uint64_t id = 0;
  std::string poller;                          ///< who holds its lease; empty: nobody fetches for it
  std::int64_t since_ms = 0;                   ///< has held it since, Unix ms
  std::optional<stream::PollTrouble> trouble;  ///< why nothing can be fetched, as its poller says
};

struct PollerState {
  std::string name;  ///< host:pid:random
  std::int64_t heartbeat_age_ms = 0;
  std::int64_t since_ms = 0;   ///< since when it has held the first of its instances; 0: it holds none
  std::size_t instances = 0;   ///< that it fetches for
  std::size_t in_trouble = 0;  ///< of these
};

struct Pollers {
  std::int64_t now_ms = 0;                ///< Redis' clock
  std::vector<PollerState> pollers;       ///< by name
  std::vector<PolledInstance> instances;  ///< that the pollers are to fetch for, by id
  std::vector<std::string> problems;      ///< keys that could not be read, escaped
};

/// Throws ConnectionLost; a key that can't be read is a problem in the answer. `expected`: instances of the settings, shown as unowned
/// where the pollers don't know them.
Pollers read_pollers(Fleet& fleet, const std::vector<std::uint64_t>& expected = {});

/// True when there is anything to say.
bool has_pollers(const Pollers& pollers);
/// For people; at most `rows_max` instances that are not as they should be.
std::string render(const Pollers& pollers, std::size_t rows_max = 20);
Json to_json(const Pollers& pollers);

}  // namespace hookfleet::cli
