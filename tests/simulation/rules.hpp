#pragma once

#include <optional>
#include <string_view>

namespace hookfleet::simulation {

/// A rule of the worker's algorithm that the harness can take out, to see what breaks without it. Production code has no switch for it:
/// the fleet's surroundings (Redis, the process's start, what a read brings) behave as if nobody had followed the rule.
enum class Rule {
  kIdentitiesInMemory,  ///< an identity is known as long as an entry of it is in memory: without, each entry has one of its own there
  kMarks,               ///< marks are looked up: without, MGET answers nothing
  kMarksOfDead,         ///< a dead letter leaves a mark too
  kFence,               ///< scripts compare owner and epoch: without, neither
  kFenceEpoch,          ///< without, scripts compare the owner only
  kFenceOwner,          ///< without, scripts compare the epoch only
  kUnconfirmedKept,     ///< what is done and not confirmed survives a reconnection: without, the state is dropped then
  kResumed,             ///< an expired lease that nobody took goes on, by acquire or renew: without, neither
  kOnlyPresentAcked,    ///< `ack` of an entry that isn't in the stream any more does nothing
  kBegin,               ///< what a crash may come from is counted before it starts: without, the count is not kept
  kBeginTakenBack,      ///< a begin whose handler did not start is taken back before the partition is given back
  kAloneInProcess,      ///< what may have ended a process runs alone in its successor: without, alone among half of its partitions
  kUniqueNames,         ///< each start of a worker has a name of its own
  kStaleByReceipt,      ///< a version received long before one already handled is dropped: without, all seem received at one time
};

struct RuleName {
  Rule rule;
  std::string_view name;
};
inline constexpr RuleName kRuleNames[] = {
    {Rule::kIdentitiesInMemory, "identities_in_memory"},
    {Rule::kMarks, "marks"},
    {Rule::kMarksOfDead, "marks_of_dead"},
    {Rule::kFence, "fence"},
    {Rule::kFenceEpoch, "fence_epoch"},
    {Rule::kFenceOwner, "fence_owner"},
    {Rule::kUnconfirmedKept, "unconfirmed_kept"},
    {Rule::kResumed, "resumed"},
    {Rule::kOnlyPresentAcked, "only_present_acked"},
    {Rule::kBegin, "begin"},
    {Rule::kBeginTakenBack, "begin_taken_back"},
    {Rule::kAloneInProcess, "alone_in_process"},
    {Rule::kUniqueNames, "unique_names"},
    {Rule::kStaleByReceipt, "stale_by_receipt"},
};

/// The rules of a run: all of them, or all but one.
struct Rules {
  std::optional<Rule> without;
  bool has(Rule rule) const { return without != rule; }
};

}  // namespace hookfleet::simulation
