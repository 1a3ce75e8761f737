#pragma once

#include <chrono>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/redis/connection.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::support {

/// A redis-server of the test's own: free port, own directory, as durable as Hookfleet asks for (appendonly yes, appendfsync always,
/// save "", noeviction, maxmemory 256 MB). Ends with the object, and with the test's thread.
class RedisServer {
 public:
  struct Options {
    std::vector<std::string> arguments = {};  ///< further ones, e.g. {"--requirepass", "x"}; they win over ours
    std::string password = {};                ///< sets requirepass; endpoint() carries it
    std::string user = {};                    ///< endpoint() names it with that password, and requirepass isn't set
    bool unix_socket = false;                 ///< endpoint() names the socket instead of the port
    bool started = true;                      ///< false: the test calls start() later
    bool faulty_disk = false;                 ///< slow_disk() and full_disk() work
    bool roles = false;                       ///< with the users of deploy/redis_roles.acl; the default user may still do everything
  };
  RedisServer();
  /// Starts it (unless told not to) and waits until it answers; aborts the test program when it doesn't.
  explicit RedisServer(Options options);

  redis::Endpoint endpoint() const;
  /// For settings: `redis://…`.
  std::string url() const;
  /// With Options::roles: `redis://ROLE:…`.
  std::string url_of(const std::string& role) const;
  /// With Options::roles: a failure for each command that was refused to a role since the server was started. Not for a server that is
  /// down.
  void expect_nothing_refused();
  int port() const { return port_; }
  std::string directory() const { return directory_.path(); }
  std::string log() const;
  /// The file that writes are appended to, as long as Redis has not rewritten it.
  std::string append_only_file() const;

  /// A new connection; aborts the test program when there is none.
  redis::Connection connect() const;
  /// One command on a connection that the object keeps and renews; aborts the test program when there is no reply. Error replies are
  /// replies.
  redis::Reply call(redis::Argv argv);
  redis::Reply call(std::initializer_list<std::string_view> argv) { return call(redis::Argv(argv.begin(), argv.size())); }
  /// As call(), the reply as text (an integer in decimal; nil empty).
  std::string text(std::initializer_list<std::string_view> argv);

  /// kill -9. start() brings it back on the same port and directory.
  void kill();
  /// SIGTERM, as ./fleet stops it; aborts the test program when it doesn't end by itself. start() brings it back.
  void stop();
  void start() {
    launch();
    await();
  }
  /// As start(), without waiting for the answer to PING; await() does.
  void launch();
  void await();
  void restart() {
    kill();
    start();
  }
  /// From the next start on, instead of Options::arguments.
  void set_arguments(std::vector<std::string> arguments) { options_.arguments = std::move(arguments); }
  /// After kill(): cuts the log within the last `command` that it holds, as a kill in the midst of writing it does.
  void tear_log(const std::string& command);
  /// SIGSTOP and SIGCONT: connections stay, nothing is answered.
  void freeze();
  void thaw();
  /// With Options::faulty_disk, also across starts: each fsync takes so long, 0: as long as it takes; writes of the log fail as on a full
  /// disk.
  void slow_disk(std::chrono::milliseconds each) const;
  void full_disk(bool full) const;
  /// CONFIG SET; aborts the test program when it is refused.
  void config_set(std::string_view name, std::string_view value);
  bool running();
  pid_t pid() const { return process_ ? process_->pid() : -1; }

 private:
  std::string disk_faults() const { return directory_ / "disk"; }
  std::string users() const { return directory_ / "users.acl"; }
  void write_users() const;

  Options options_;
  TempDir directory_;
  int port_;
  std::optional<Process> process_;
  std::optional<redis::Connection> connection_;
};

/// deploy/redis_acl: the users of these passwords by role into the file `output`. Answers its exit code. Without passwords `folder` is
/// given to it as it is: one without any, or an ACL file.
int make_redis_acl(const std::string& folder, const std::map<std::string, std::string>& passwords, const std::string& output,
                   const std::map<std::string, std::string>& environment = {});

}  // namespace hookfleet::support
