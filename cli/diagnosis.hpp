#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/snapshot.hpp"
#include "common/durability/durability.hpp"
#include "common/greenapi/answer.hpp"
#include "common/greenapi/wanted.hpp"
#include "common/stream/keys.hpp"

/// What `hookfleet doctor` concludes from what it measured. Pure.
namespace hookfleet::cli {

enum class Health { kFine, kWarn, kFail };
std::string_view to_text(Health health);

struct Finding {
  Health health;
  std::string check;     ///< "redis.durability"
  std::string what;      ///< what is
  std::string advice{};  ///< what to do; empty when all is well
};

/// Of Redis' keyspace, by a sample.
struct MemorySample {
  std::uint64_t keys = 0;             ///< DBSIZE
  std::uint64_t scanned = 0;          ///< keys that SCAN gave
  std::uint64_t marks = 0;            ///< of these
  std::uint64_t mark_bytes = 0;       ///< of `measured` marks
  std::uint64_t measured = 0;         ///< whose MEMORY USAGE and PTTL were asked for
  std::uint64_t recent = 0;           ///< of these, written within `span`
  std::chrono::milliseconds span{0};  ///< one hour, or less where all are younger, but at least a minute
  std::uint64_t stream_bytes = 0, dead_letter_bytes = 0;
  std::vector<std::string> unknown{};       ///< keys under the prefix that are no fleet's
  std::vector<std::string> other_layout{};  ///< keys of a partition that this layout doesn't have
};

/// What the window of dedup needs at the present rate.
struct WindowNeed {
  double marks = 0;           ///< now, by the sample
  double bytes_per_mark = 0;  ///< with its share of Redis' tables
  double marks_per_second = 0;
  double projected_bytes = 0;  ///< rate × window × bytes
};
std::optional<WindowNeed> window_need(const MemorySample& sample, std::chrono::milliseconds keep);

/// Which kind of key of a fleet with this layout.
enum class KeyKind { kKnown, kMark, kOtherLayout, kUnknown };
KeyKind kind_of(std::string_view key, const stream::Keys& keys, const std::string& prefix);

Finding judge_version(std::string_view redis_version);
std::vector<Finding> judge_durability(const durability::ServerFacts& facts, const durability::Requirements& requirements);
Finding judge_memory(std::optional<std::uint64_t> used, std::optional<std::uint64_t> maxmemory, unsigned max_percent);
std::vector<Finding> judge_sample(const MemorySample& sample, std::chrono::milliseconds keep, std::optional<std::uint64_t> maxmemory);
/// `difference_ms`: Redis' clock minus ours; `round_trip_ms`: what the measurement can't tell.
Finding judge_clock(std::int64_t difference_ms, std::int64_t round_trip_ms);
Finding judge_layout(const std::string& stored, const stream::Layout& settings);

/// What GREEN-API says of an instance.
struct InstanceAnswers {
  greenapi::Decoded<greenapi::Settings> settings;
  greenapi::Decoded<std::string> state;
  greenapi::Decoded<std::uint64_t> count;
};
std::vector<Finding> judge_instance(const InstanceAnswers& answers, const greenapi::Wanted& wanted);
std::vector<Finding> judge_snapshot(const Snapshot& snapshot, std::chrono::milliseconds member_ttl);
/// Nothing where no poller runs and none is needed.
std::vector<Finding> judge_pollers(const Pollers& pollers, std::chrono::milliseconds member_ttl);

}  // namespace hookfleet::cli
