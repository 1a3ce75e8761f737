#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Whether a Redis keeps what it acknowledges: a judgement over what INFO and CONFIG GET say. Pure.
namespace hookfleet::durability {

/// What a 200 promises about Redis' disk: `durability.required`.
enum class Required {
  kAlways,    ///< fsync before the reply
  kEverysec,  ///< written before the reply, on disk about a second later: a kill during a slow fsync, or a power cut, loses acknowledged
              ///< entries
  kNone,      ///< nothing about the disk is asked
};

/// What the operator vouches for where CONFIG is forbidden (managed Redis): `durability.assume`. Facts that can be read win.
enum class Assumption { kNothing, kAlways, kEverysec };

/// The preflight's checks, by the names that logs, metrics and readiness use.
enum class Check {
  kInfo,                    ///< INFO could be read
  kLoading,                 ///< the data has been read after a start. Until then nothing else is judged: aof_enabled says 0 (7.0.15)
  kRole,                    ///< role:master
  kReplicas,                ///< at least redis.wait_replicas are connected
  kMaxmemory,               ///< maxmemory > 0
  kMaxmemoryPolicy,         ///< noeviction
  kAppendonly,              ///< appendonly yes
  kConfig,                  ///< CONFIG GET is allowed, or durability.assume stands in
  kAppendfsync,             ///< appendfsync always (or everysec, where that is enough)
  kNoAppendfsyncOnRewrite,  ///< no-appendfsync-on-rewrite no: with yes, 50 XADDs during a rewrite had 0 fsyncs
  kAofLoadTruncated,        ///< aof-load-truncated no: with yes, a log torn within a transaction makes Redis forget what it acknowledges
                            ///< after the restart (measured, 7.0.15: all of it, up to the next EXEC, when it was killed once more)
  kAofLastWrite,            ///< aof_last_write_status ok
  kAofUser,  ///< the user `default`, as whom Redis reads its AOF, may run what stands in it: transactions that it may not run are
             ///< left out at a restart, which is all that scripts and large batches wrote (measured, 7.0.15). Unknown: fine
  kAofLive,  ///< the AOF on disk holds what is written now; see AofHistory
  kLayout,   ///< hf:meta holds our layout (stream::difference)
};
inline constexpr std::array kChecks{Check::kInfo,
                                    Check::kLoading,
                                    Check::kRole,
                                    Check::kReplicas,
                                    Check::kMaxmemory,
                                    Check::kMaxmemoryPolicy,
                                    Check::kAppendonly,
                                    Check::kConfig,
                                    Check::kAppendfsync,
                                    Check::kNoAppendfsyncOnRewrite,
                                    Check::kAofLoadTruncated,
                                    Check::kAofLastWrite,
                                    Check::kAofUser,
                                    Check::kAofLive,
                                    Check::kLayout};
std::string_view to_text(Check check);

/// The settings that a judgement needs, each to be asked by a CONFIG GET of its own: Redis before 7 takes no more.
inline constexpr std::array<const char*, 3> kConfigNames{"appendfsync", "aof-load-truncated", "no-appendfsync-on-rewrite"};

/// Whether the user `default` may run what the log holds: an ACL DRYRUN for each kind of command, with `key` for the key.
std::vector<std::vector<std::string>> dry_runs_of_the_log(const std::string& key);

/// What a server said about itself. What it didn't say is absent, and fails the check that needs it.
struct ServerFacts {
  std::optional<std::string> run_id, role, maxmemory_policy, aof_last_write_status;
  std::optional<std::uint64_t> connected_replicas, used_memory, maxmemory;
  std::optional<std::uint64_t> config_sets;  ///< CONFIG SETs since the server's start (commandstats; Redis 7)
  std::optional<bool> loading, aof_enabled, rewrite_in_progress, rewrite_scheduled;
  bool config_readable = false;
  std::optional<std::string> appendfsync, no_appendfsync_on_rewrite, aof_load_truncated;
  std::optional<std::string> default_user_lacks;  ///< what ACL DRYRUN said of a command that `default` may not run

  /// Takes over what a reply of INFO (whole, or of some sections) says.
  void read_info(std::string_view info);
  /// One pair of a CONFIG GET reply.
  void read_config(std::string_view name, std::string_view value);
  /// A reply of ACL DRYRUN that is no error: "OK", or why not.
  void read_dry_run(std::string_view said);
};

/// A failing check and why, for people: what is, and what is wanted.
struct Failing {
  Check check;
  std::string why;
  bool operator==(const Failing&) const = default;
};

/// Remembers which server's AOF has been seen complete. After CONFIG SET appendonly yes, and on a fresh master, the AOF lacks everything
/// until its first rewrite has ended (measured: a kill lost all that was acknowledged meanwhile). So: on a server whose run_id or role is
/// new to us, that said appendonly no before, or that had a CONFIG SET since, a rewrite in progress or scheduled means "not live yet".
/// aof_base_size tells nothing (measured, 7.0.15): it is 0 until the first ordinary rewrite of a server that started empty, and keeps its
/// old value when appendonly is switched off and on.
class AofHistory {
 public:
  /// True when the AOF is live. To be asked for each preflight, in order.
  bool live(const ServerFacts& facts);

 private:
  std::string run_id_;  ///< of the master that was seen with a complete AOF
  std::optional<std::uint64_t> config_sets_;
};

struct Requirements {
  Required required = Required::kAlways;
  Assumption assume = Assumption::kNothing;
  unsigned wait_replicas = 0;
};

struct Judgement {
  std::vector<Failing> failing;  ///< in the order of kChecks; empty: appends may go
  bool assumed = false;          ///< durability.assume stood in for CONFIG
  bool ok() const { return failing.empty(); }
  /// The server has only just started: it is to be asked again, and nothing needs mending.
  bool loading() const { return !failing.empty() && failing.front().check == Check::kLoading; }
  /// "appendfsync: is everysec, must be always; role: …"
  std::string text() const;
};

/// With `none` only the role counts, and that nothing is evicted.
Judgement judge(const ServerFacts& facts, const Requirements& requirements, AofHistory& history);

}  // namespace hookfleet::durability
