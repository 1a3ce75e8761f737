#include "cli/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>

#include "common/base/listing.hpp"
#include "common/greenapi/answer.hpp"
#include "common/stream/layout.hpp"

namespace hookfleet::cli {
namespace {

using base::listed;

constexpr std::uint64_t kWaitingMany = 100;  // notifications at the service: two seconds of what it sends
constexpr std::int64_t kOldestWarnMs = 300'000;
// A burst of a few minutes says nothing about a day: over less than this the need is told, but not judged.
constexpr auto kSpanMin = std::chrono::minutes(10);
// Measured, 7.0.15: 262,144 marks took 176 bytes of used_memory each where MEMORY USAGE said 120.
constexpr double kTableShareBytes = 56;

}  // namespace

std::string_view to_text(Health health) {
  switch (health) {
    case Health::kFine: return "ok";
    case Health::kWarn: return "warn";
    case Health::kFail: return "fail";
  }
  return "";
}

std::optional<WindowNeed> window_need(const MemorySample& sample, std::chrono::milliseconds keep) {
  if (sample.measured == 0 || sample.scanned == 0) return std::nullopt;
  WindowNeed need;
  need.marks =
      static_cast<double>(sample.marks) * static_cast<double>(std::max(sample.keys, sample.scanned)) / static_cast<double>(sample.scanned);
  need.bytes_per_mark = static_cast<double>(sample.mark_bytes) / static_cast<double>(sample.measured) + kTableShareBytes;
  if (sample.span.count() <= 0) return need;
  const double share = static_cast<double>(sample.recent) / static_cast<double>(sample.measured);
  need.marks_per_second = need.marks * share / (static_cast<double>(sample.span.count()) / 1000);
  need.projected_bytes = need.marks_per_second * static_cast<double>(keep.count()) / 1000 * need.bytes_per_mark;
  return need;
}

KeyKind kind_of(std::string_view key, const stream::Keys& keys, const std::string& prefix) {
  if (!key.starts_with(prefix + ':')) return KeyKind::kUnknown;
  const std::string_view rest = key.substr(prefix.size() + 1);
  const auto is = [](std::string_view name, const auto& known) { return std::find(known.begin(), known.end(), name) != known.end(); };
  const auto begins = [](std::string_view name, const auto& known) {
    return std::any_of(known.begin(), known.end(), [&](std::string_view one) { return name.starts_with(one); });
  };
  if (is(rest, stream::kFleetKeys) || begins(rest, stream::kFleetKeyBeginnings)) return KeyKind::kKnown;
  const std::size_t end = rest.find("}:");
  if (!rest.starts_with('{') || end == std::string_view::npos) return KeyKind::kUnknown;
  const std::string_view tag = rest.substr(1, end - 1);
  const std::string_view suffix = rest.substr(end + 2);
  const bool mark =
      suffix.starts_with(stream::kMarkBeginning) && suffix.size() == stream::kMarkBeginning.size() + stream::kMarkIdentitySize;
  if (!mark && !is(suffix, stream::kPartitionKeys) && !begins(suffix, stream::kPartitionKeyBeginnings)) return KeyKind::kUnknown;
  unsigned partition = 0;
  const auto [at, error] = std::from_chars(tag.data(), tag.data() + tag.size(), partition);
  if (error != std::errc() || at == tag.data() + tag.size() || *at != '.') return KeyKind::kUnknown;
  if (partition >= keys.partitions() || keys.tag(partition) != tag) return KeyKind::kOtherLayout;
  return mark ? KeyKind::kMark : KeyKind::kKnown;
}

Finding judge_version(std::string_view redis_version) {
  unsigned major = 0;
  std::from_chars(redis_version.data(), redis_version.data() + redis_version.size(), major);
  if (major >= 7) return {Health::kFine, "redis.version", std::string(redis_version)};
  return {Health::kFail, "redis.version", redis_version.empty() ? "isn't told" : shown(redis_version, 40),
          "install Redis 7 or later: the fleet's scripts need its `#!lua flags=`"};
}

std::vector<Finding> judge_durability(const durability::ServerFacts& facts, const durability::Requirements& requirements) {
  durability::AofHistory history;
  const durability::Judgement judgement = durability::judge(facts, requirements, history);
  if (judgement.loading()) {
    return {{Health::kWarn, "redis.loading", judgement.failing.front().why, "ingresses answer 504 until it has: look again then"}};
  }
  std::vector<Finding> findings;
  for (const durability::Failing& failing : judgement.failing) {
    const bool rewrite = failing.check == durability::Check::kAofLive;
    findings.push_back({rewrite ? Health::kWarn : Health::kFail, "redis." + std::string(durability::to_text(failing.check)),
                        rewrite ? "an AOF rewrite is under way or scheduled" : failing.why,
                        rewrite ? "if it is the first one of this server, ingresses answer 504 until it has ended: look again then"
                                : "ingresses store nothing while this holds: mend redis.conf (deploy/redis.conf shows it), or say by "
                                  "durability.required what is enough"});
  }
  if (judgement.ok()) {
    findings.push_back({Health::kFine, "redis.durability",
                        judgement.assumed
                            ? "CONFIG GET is refused; durability.assume says what holds"
                            : fmt::format("role {}, appendonly {}, appendfsync {}", facts.role.value_or("?"),
                                          facts.aof_enabled.value_or(false) ? "yes" : "no", facts.appendfsync.value_or("?"))});
  }
  return findings;
}

Finding judge_memory(std::optional<std::uint64_t> used, std::optional<std::uint64_t> maxmemory, unsigned max_percent) {
  if (!used || !maxmemory) return {Health::kWarn, "redis.memory", "INFO doesn't tell", "allow INFO to this user"};
  if (*maxmemory == 0)
    return {Health::kWarn, "redis.memory", size_text(*used) + " used, no maxmemory", "set maxmemory, so that the backlog is bounded"};
  const double percent = 100.0 * static_cast<double>(*used) / static_cast<double>(*maxmemory);
  const std::string what = fmt::format("{} of {} used, {:.0f} %", size_text(*used), size_text(*maxmemory), percent);
  if (percent >= max_percent) {
    return {
        Health::kFail, "redis.memory", what,
        fmt::format(
            "above stream.memory_max ({} %) ingresses answer 503: let the backlog drain, export and drop dead letters, or raise maxmemory",
            max_percent)};
  }
  if (percent >= 0.75 * max_percent)
    return {Health::kWarn, "redis.memory", what,
            fmt::format("at {} % (stream.memory_max) ingresses answer 503: see what fills it, below", max_percent)};
  return {Health::kFine, "redis.memory", what};
}

std::vector<Finding> judge_sample(const MemorySample& sample, std::chrono::milliseconds keep, std::optional<std::uint64_t> maxmemory) {
  std::vector<Finding> findings;
  const auto need = window_need(sample, keep);
  findings.push_back(
      {Health::kFine, "memory.use",
       fmt::format("streams {}, dead letters {}, marks about {}", size_text(sample.stream_bytes), size_text(sample.dead_letter_bytes),
                   size_text(need ? static_cast<std::uint64_t>(need->marks * need->bytes_per_mark) : 0))});
  const double hours = static_cast<double>(keep.count()) / 3'600'000;
  if (!need) {
    findings.push_back({Health::kFine, "memory.window", fmt::format("no marks yet; the window is {:.0f} h (dedup.keep)", hours)});
  } else {
    Finding finding{
        Health::kFine, "memory.window",
        fmt::format("about {:.0f} marks of {:.0f} bytes; {} notifications/s within the last {} need {} for {:.0f} h (dedup.keep)",
                    need->marks, need->bytes_per_mark, number_text(need->marks_per_second), age_text(sample.span.count()),
                    size_text(static_cast<std::uint64_t>(need->projected_bytes)), hours)};
    if (sample.span >= kSpanMin && maxmemory && *maxmemory > 0 && need->projected_bytes > 0.5 * static_cast<double>(*maxmemory)) {
      finding.health = need->projected_bytes > 0.8 * static_cast<double>(*maxmemory) ? Health::kFail : Health::kWarn;
      finding.advice = fmt::format("that is {:.0f} % of maxmemory: raise it, or shorten dedup.keep (the sender repeats for 24 h)",
                                   100 * need->projected_bytes / static_cast<double>(*maxmemory));
    }
    findings.push_back(std::move(finding));
  }
  if (!sample.unknown.empty()) {
    findings.push_back(
        {Health::kWarn, "keys.unknown", listed(sample.unknown), "no program of the fleet reads these: if nobody else does, delete them"});
  }
  if (!sample.other_layout.empty()) {
    findings.push_back(
        {Health::kWarn, "keys.other_layout", listed(sample.other_layout),
         "left by another number of partitions; streams and dead letters among them are read by nobody: look with XLEN and XRANGE"});
  }
  if (sample.unknown.empty() && sample.other_layout.empty()) {
    findings.push_back(
        {Health::kFine, "keys", fmt::format("{} of {} keys looked at, all known", sample.scanned, std::max(sample.keys, sample.scanned))});
  }
  return findings;
}

Finding judge_clock(std::int64_t difference_ms, std::int64_t round_trip_ms) {
  const std::int64_t apart = std::abs(difference_ms);
  const std::string what = fmt::format("Redis' clock is {} ms {} this machine's (± {} ms)", apart,
                                       difference_ms < 0 ? "behind" : "ahead of", (round_trip_ms + 1) / 2);
  if (apart > 15'000)
    return {Health::kFail, "clock", what,
            "run NTP on both: versions received 30 s apart are told by these clocks, and stale ones are dropped"};
  if (apart > 1'000 + round_trip_ms) return {Health::kWarn, "clock", what, "run NTP on both; ages in logs and status are off by that"};
  return {Health::kFine, "clock", what};
}

Finding judge_layout(const std::string& stored, const stream::Layout& settings) {
  if (stored.empty())
    return {Health::kWarn, "layout", "no fleet has run on this Redis with this prefix", "start one, or check --redis and --prefix"};
  if (const auto differs = stream::difference(settings, stored)) {
    return {Health::kFail, "layout",
            fmt::format("the fleet has \"{}\", these settings \"{}\"", shown(stored, 64), stream::to_text(settings)),
            "give --config FILE or the environment of the fleet; a program with other settings refuses to start. To change it: hookfleet "
            "layout clear --help"};
  }
  return {Health::kFine, "layout", stored};
}

std::vector<Finding> judge_instance(const InstanceAnswers& answers, const greenapi::Wanted& wanted) {
  std::vector<Finding> findings;
  const auto refused = [&](std::string check, const greenapi::Failure& failure) {
    findings.push_back({Health::kFail, std::move(check), shown(failure.message, 300), std::string(greenapi::advice(failure.kind))});
  };
  if (!answers.state) {
    refused("instance.state", answers.state.error());
  } else if (*answers.state == "authorized") {
    findings.push_back({Health::kFine, "instance.state", *answers.state});
  } else {
    findings.push_back({Health::kFail, "instance.state", *answers.state,
                        "look at the instance in its console: until it is authorized nothing comes of it"});
  }
  const std::string mend = "hookfleet connect shows and sets what the fleet needs; a change takes up to 5 minutes to work";
  if (!answers.settings) {
    refused("instance.settings", answers.settings.error());
  } else {
    const auto differences = greenapi::differences(*answers.settings, wanted);
    std::vector<std::string> off;
    for (const greenapi::Difference& one : differences) {
      if (one.is_switch()) {
        off.push_back(one.name);
        continue;
      }
      findings.push_back({Health::kFail, "instance." + one.name,
                          fmt::format("{} instead of {}", shown(one.is_shown(), 200), shown(one.want_shown(), 200)), mend});
    }
    if (!off.empty()) {
      // Some may be off on purpose; with all of them off nothing ever comes.
      const bool all = std::none_of(wanted.switches.begin(), wanted.switches.end(), [&](const std::string& name) {
        const auto found = answers.settings->find(name);
        return found != answers.settings->end() && found->second == "yes";
      });
      findings.push_back({all ? Health::kFail : Health::kWarn, "instance.switches",
                          (all ? "all notifications are off: " : "off: ") + listed(off, off.size()), mend});
    }
    if (!wanted.webhook_url) {
      const auto url = answers.settings->find("webhookUrl");
      const bool none = url == answers.settings->end() || url->second.empty();
      findings.push_back({Health::kFine, "instance.webhookUrl", none ? "(none): the fleet has to poll" : shown(url->second, 200)});
    }
    if (differences.empty()) findings.push_back({Health::kFine, "instance.settings", "as the fleet needs them"});
  }
  if (!answers.count) {
    // With webhookUrl set the count may be refused; it says nothing then.
    if (answers.count.error().kind != greenapi::FailureKind::kWebhookSet) refused("instance.queue", answers.count.error());
  } else if (*answers.count >= kWaitingMany) {
    findings.push_back({Health::kWarn, "instance.queue", fmt::format("{} notifications wait at the service", *answers.count),
                        "they aren't fetched or not answered with 200: look at hookfleet_ingress_deliveries_total, and at the poller"});
  } else {
    findings.push_back({Health::kFine, "instance.queue", fmt::format("{} notifications wait at the service", *answers.count)});
  }
  return findings;
}

std::vector<Finding> judge_snapshot(const Snapshot& snapshot, std::chrono::milliseconds member_ttl) {
  std::vector<Finding> findings;
  std::vector<std::string> unowned, expired, held, dead;
  std::uint64_t dead_letters = 0;
  std::int64_t oldest = -1;
  for (const PartitionState& one : snapshot.partitions) {
    if (one.owner.empty()) unowned.push_back(std::to_string(one.partition));
    if (!one.owner.empty() && one.lease_ms <= 0) expired.push_back(std::to_string(one.partition));
    for (const HeldType& type : one.holds) {
      if (type.held()) held.push_back(fmt::format("{} in partition {}", shown(type.type), one.partition));
    }
    dead_letters += one.dead_letters;
    oldest = std::max(oldest, one.oldest_age_ms);
  }
  std::vector<std::string> silent;
  for (const MemberState& one : snapshot.members) {
    if (one.heartbeat_age_ms >= member_ttl.count()) silent.push_back(shown(one.name));
  }
  const std::size_t live = snapshot.members.size() - silent.size();
  if (live == 0) {
    findings.push_back({Health::kFail, "workers", "none lives", "start one: notifications are stored, but nobody handles them"});
  } else {
    findings.push_back({Health::kFine, "workers", fmt::format("{} live", live)});
  }
  if (!silent.empty())
    findings.push_back(
        {Health::kWarn, "workers.silent", listed(silent), "killed, frozen or cut off; their partitions are taken over within 12 s"});
  if (!unowned.empty())
    findings.push_back({Health::kFail, "partitions.unowned", listed(unowned, 40),
                        "workers take them within 12 s; if it stays so, start workers, or see their logs"});
  if (!expired.empty())
    findings.push_back(
        {Health::kFail, "partitions.expired", listed(expired, 40), "their owner is gone; another takes them within 12 s if one lives"});
  if (unowned.empty() && expired.empty())
    findings.push_back({Health::kFine, "partitions", fmt::format("all {} owned", snapshot.partitions.size())});
  if (!held.empty())
    findings.push_back(
        {Health::kFail, "holds", listed(held), "their notifications end their process: mend the cause, then hookfleet resume TYPE"});
  if (dead_letters > 0) {
    findings.push_back(
        {Health::kWarn, "dead_letters", std::to_string(dead_letters), "hookfleet dead-letters list; then redrive, or export and drop"});
  } else {
    findings.push_back({Health::kFine, "dead_letters", "none"});
  }
  if (oldest > kOldestWarnMs) {
    findings.push_back({Health::kWarn, "backlog", "the oldest entry waits for " + age_text(oldest),
                        "is its chat being retried (hookfleet status: RETRIES), or are there too few workers?"});
  } else {
    findings.push_back({Health::kFine, "backlog", oldest < 0 ? "none" : "the oldest entry waits for " + age_text(oldest)});
  }
  for (const std::string& problem : snapshot.problems) {
    findings.push_back(
        {Health::kFail, "keys.unreadable", problem, "rename the key away if it isn't the fleet's; the programs don't touch it"});
  }
  return findings;
}

std::vector<Finding> judge_pollers(const Pollers& pollers, std::chrono::milliseconds member_ttl) {
  std::vector<Finding> findings;
  if (!has_pollers(pollers)) return findings;  // none runs, and none is needed
  std::vector<std::string> silent, unowned;
  for (const PollerState& one : pollers.pollers) {
    if (one.heartbeat_age_ms >= member_ttl.count()) silent.push_back(shown(one.name));
  }
  std::map<std::string, std::vector<std::string>> troubles;  // by kind
  for (const PolledInstance& one : pollers.instances) {
    if (one.poller.empty()) unowned.push_back(std::to_string(one.id));
    if (!one.trouble) continue;
    troubles[one.trouble->kind].push_back(fmt::format("{} ({})", one.id, shown(one.trouble->message, 160)));
  }
  const std::size_t live = pollers.pollers.size() - silent.size();
  if (live == 0) {
    findings.push_back({Health::kFail, "pollers", fmt::format("none lives; {} instances are to be fetched for", pollers.instances.size()),
                        "start one (./fleet up --pollers 2): until then their notifications wait at the service"});
  } else {
    findings.push_back({Health::kFine, "pollers", fmt::format("{} live, {} instances", live, pollers.instances.size())});
  }
  if (!silent.empty()) {
    findings.push_back(
        {Health::kWarn, "pollers.silent", listed(silent), "killed, frozen or cut off; others take their instances within seconds"});
  }
  if (live > 0 && !unowned.empty()) {
    findings.push_back({Health::kFail, "pollers.unowned", listed(unowned),
                        "pollers take them within their lease (15 s); if it stays so: do all pollers have these settings? See their logs"});
  }
  for (const PolledInstance& one : pollers.instances) {
    if (!one.trouble) continue;
    const auto found = troubles.find(one.trouble->kind);
    if (found == troubles.end()) continue;  // said with another
    const auto kind = greenapi::failure_kind(one.trouble->kind);
    const bool passes = kind && greenapi::passes_by_itself(*kind);
    findings.push_back({passes ? Health::kWarn : Health::kFail, "pollers." + shown(one.trouble->kind, 40), listed(found->second),
                        kind ? std::string(greenapi::advice(*kind)) : "see the poller's log"});
    troubles.erase(found);
  }
  return findings;
}

}  // namespace hookfleet::cli
