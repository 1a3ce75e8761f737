#include "common/durability/durability.hpp"

#include <utility>

#include "common/redis/info.hpp"

namespace hookfleet::durability {
namespace {

std::string shown(const std::optional<std::string>& value) { return value ? "is " + *value : "isn't told by the server"; }

}  // namespace

std::string_view to_text(Check check) {
  switch (check) {
    case Check::kInfo: return "info";
    case Check::kLoading: return "loading";
    case Check::kRole: return "role";
    case Check::kReplicas: return "replicas";
    case Check::kMaxmemory: return "maxmemory";
    case Check::kMaxmemoryPolicy: return "maxmemory-policy";
    case Check::kAppendonly: return "appendonly";
    case Check::kConfig: return "config";
    case Check::kAppendfsync: return "appendfsync";
    case Check::kNoAppendfsyncOnRewrite: return "no-appendfsync-on-rewrite";
    case Check::kAofLoadTruncated: return "aof-load-truncated";
    case Check::kAofLastWrite: return "aof_last_write_status";
    case Check::kAofUser: return "aof_user";
    case Check::kAofLive: return "aof_live";
    case Check::kLayout: return "layout";
  }
  return "";
}

void ServerFacts::read_info(std::string_view info) {
  redis::for_each_info(info, [this](std::string_view name, std::string_view value) {
    if (name == "run_id") run_id = value;
    if (name == "role") role = value;
    if (name == "connected_slaves") connected_replicas = redis::info_number(value);
    if (name == "used_memory") used_memory = redis::info_number(value);
    if (name == "maxmemory") maxmemory = redis::info_number(value);
    if (name == "maxmemory_policy") maxmemory_policy = value;
    if (name == "loading") loading = redis::info_flag(value);
    if (name == "aof_enabled") aof_enabled = redis::info_flag(value);
    if (name == "aof_rewrite_in_progress") rewrite_in_progress = redis::info_flag(value);
    if (name == "aof_rewrite_scheduled") rewrite_scheduled = redis::info_flag(value);
    if (name == "aof_last_write_status") aof_last_write_status = value;
    if (name == "cmdstat_config|set") config_sets = redis::info_number(redis::info_part(value, "calls").value_or(""));
  });
}

void ServerFacts::read_config(std::string_view name, std::string_view value) {
  if (name == "appendfsync") appendfsync = value;
  if (name == "no-appendfsync-on-rewrite") no_appendfsync_on_rewrite = value;
  if (name == "aof-load-truncated") aof_load_truncated = value;
}

void ServerFacts::read_dry_run(std::string_view said) {
  if (said != "OK") default_user_lacks = said;
}

std::vector<std::vector<std::string>> dry_runs_of_the_log(const std::string& key) {
  return {{"ACL", "DRYRUN", "default", "XADD", key, "*", "f", "v"},
          {"ACL", "DRYRUN", "default", "XDEL", key, "0-1"},
          {"ACL", "DRYRUN", "default", "HINCRBY", key, "f", "1"},
          {"ACL", "DRYRUN", "default", "SET", key, "v"}};
}

bool AofHistory::live(const ServerFacts& facts) {
  if (!facts.aof_enabled.value_or(false) || facts.role != "master") {
    run_id_.clear();  // what comes after it has to show a complete AOF again
    return true;      // other checks have their say
  }
  const bool rewriting = facts.rewrite_in_progress.value_or(true) || facts.rewrite_scheduled.value_or(true);
  const bool known = !run_id_.empty() && run_id_ == facts.run_id && config_sets_ == facts.config_sets;
  if (!known && rewriting) return false;
  run_id_ = facts.run_id.value_or("");
  config_sets_ = facts.config_sets;
  return true;
}

std::string Judgement::text() const {
  std::string text;
  for (const Failing& one : failing) {
    if (!text.empty()) text += "; ";
    text += std::string(to_text(one.check)) + ": " + one.why;
  }
  return text;
}

Judgement judge(const ServerFacts& facts, const Requirements& requirements, AofHistory& history) {
  Judgement judgement;
  const auto require = [&judgement](Check check, bool holds, std::string why) {
    if (!holds) judgement.failing.push_back({check, std::move(why)});
  };
  const bool live = history.live(facts);
  if (!facts.run_id && !facts.role) {
    require(Check::kInfo, false, "INFO is refused, so nothing is known about this server");
    return judgement;
  }
  if (facts.loading.value_or(false)) {
    require(Check::kLoading, false, "it still reads its data after a start");
    return judgement;
  }
  require(Check::kRole, facts.role == "master", shown(facts.role) + ", must be master");
  if (requirements.wait_replicas > 0) {
    const std::uint64_t replicas = facts.connected_replicas.value_or(0);
    require(Check::kReplicas, replicas >= requirements.wait_replicas,
            std::to_string(replicas) + " connected, redis.wait_replicas asks for " + std::to_string(requirements.wait_replicas));
  }
  const bool bounded = facts.maxmemory.value_or(0) > 0;
  const bool disk = requirements.required != Required::kNone;
  if (disk) require(Check::kMaxmemory, bounded, "is 0, must be set so that the backlog can be bounded");
  if (disk || bounded) {
    require(Check::kMaxmemoryPolicy, facts.maxmemory_policy == "noeviction",
            shown(facts.maxmemory_policy) + ", must be noeviction: anything else deletes what was acknowledged");
  }
  if (!disk) return judgement;

  judgement.assumed = !facts.config_readable && requirements.assume != Assumption::kNothing;
  if (judgement.assumed) {
    require(Check::kAppendfsync, requirements.assume == Assumption::kAlways || requirements.required == Required::kEverysec,
            "durability.assume says everysec, durability.required always");
  } else {
    require(Check::kAppendonly, facts.aof_enabled == true, facts.aof_enabled ? "is no, must be yes" : "isn't told by the server");
    require(Check::kConfig, facts.config_readable, "CONFIG GET is refused: allow it, or say what holds by durability.assume");
    if (facts.config_readable) {
      const bool enough =
          facts.appendfsync == "always" || (facts.appendfsync == "everysec" && requirements.required == Required::kEverysec);
      require(
          Check::kAppendfsync, enough,
          shown(facts.appendfsync) + (requirements.required == Required::kAlways ? ", must be always" : ", must be everysec or always"));
      require(Check::kNoAppendfsyncOnRewrite, facts.no_appendfsync_on_rewrite == "no",
              shown(facts.no_appendfsync_on_rewrite) + ", must be no: with yes nothing is synced during a rewrite");
      require(
          Check::kAofLoadTruncated, facts.aof_load_truncated == "no",
          shown(facts.aof_load_truncated) +
              ", must be no, and redis-check-aof --fix run before each start: else a transaction torn by a crash stays open in the log");
    }
  }
  if (facts.aof_enabled == true) {
    require(Check::kAofLastWrite, facts.aof_last_write_status == "ok", shown(facts.aof_last_write_status) + ", must be ok");
    require(Check::kAofUser, !facts.default_user_lacks,
            facts.default_user_lacks.value_or("") +
                ": Redis reads its log as the user default and leaves out transactions that it may not run; give it all permissions "
                "(ACL SETUSER default off resetpass ~* &* +@all lets nobody in)");
    require(Check::kAofLive, live, "the first AOF rewrite seen on this server has not ended: until then a crash loses what comes in");
  }
  return judgement;
}

}  // namespace hookfleet::durability
