#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/stream/keys.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/sender.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::support {

/// A whole fleet of real processes on free ports of 127.0.0.1: Redis, ingresses, nginx with our template, workers. Each program has the
/// role of its own in Redis (deploy/redis_roles.acl); a command that was refused to one fails the test. Everything is ended and deleted
/// with the object; when the current test has failed, the logs are printed first.
class Fleet {
 public:
  struct Options {
    unsigned ingresses = 2;
    unsigned workers = 2;
    bool nginx = true;
    bool start_redis = true;  ///< false: redis().start() later
    std::string appendfsync = "always";
    std::string log_level = "info";
    std::vector<std::string> ingress_flags = {};  ///< added to every ingress
    std::vector<std::string> worker_flags = {};   ///< added to every worker
    std::vector<std::string> redis_flags = {};    ///< added to redis-server's
    std::string worker_program = "hookfleet-worker";
    std::map<std::string, std::string> worker_environment = {};
    std::map<std::string, std::string> nginx_environment = {};  ///< added to nginx/render's
    /// Parts of nginx's configuration and what stands in their place, e.g. shorter timeouts; one that isn't there is a failure.
    std::vector<std::pair<std::string, std::string>> nginx_changes = {};
  };

  explicit Fleet(Options options);
  /// All that the options name, 2 ingresses and 2 workers behind nginx.
  Fleet() : Fleet(Options{}) {}
  ~Fleet();

  const std::string& token() const { return token_; }
  /// Where senders post: nginx, or the first ingress without nginx.
  int port() const { return nginx_ ? nginx_port_ : ingresses_.at(0).port; }
  int nginx_port() const { return nginx_port_; }
  int ingress_port(std::size_t index) const { return ingresses_.at(index).port; }
  pid_t ingress_pid(std::size_t index) const { return ingresses_.at(index).process->pid(); }
  pid_t redis_pid() const { return redis_->pid(); }
  pid_t nginx_pid() const { return nginx_->pid(); }
  std::vector<pid_t> nginx_workers() const;
  pid_t worker_pid(std::size_t index) const { return workers_.at(index).process->pid(); }

  RedisServer& redis() { return *redis_; }
  Process& ingress(std::size_t index) { return *ingresses_.at(index).process; }
  Process& worker(std::size_t index) { return *workers_.at(index).process; }
  Process& nginx() { return *nginx_; }
  /// Starts the process again that stood at `index`, on the same ports and with the same log.
  void restart_ingress(std::size_t index);
  void restart_worker(std::size_t index);
  /// SIGHUP, as after a change of its configuration: new nginx workers, the old ones end. Returns when they have.
  void reload_nginx();
  /// SIGQUIT, as ./fleet stops it (what is under way is answered), then a new one on the same port. Returns when it answers.
  void restart_nginx();
  /// One more, as the others; its index is workers() - 1.
  void add_worker();
  std::size_t workers() const { return workers_.size(); }

  /// The answers of a process's own listener: /readyz, /metrics.
  std::optional<std::string> ingress_metrics(std::size_t index) const;
  std::optional<std::string> worker_metrics(std::size_t index) const;
  bool ingress_ready(std::size_t index) const;
  bool worker_ready(std::size_t index) const;
  std::vector<std::string> worker_logs() const;
  std::vector<std::string> ingress_logs() const;
  /// Where nginx's error log goes, and its configuration.
  std::string nginx_log() const { return dir_ / "nginx.log"; }
  std::string nginx_configuration() const { return dir_ / "nginx.conf"; }

  const stream::Keys& keys() const { return keys_; }
  /// Entries in all partitions' streams, dead letters in all partitions.
  std::uint64_t backlog();
  std::uint64_t dead_letters();
  /// The bodies in all dead letters.
  std::set<std::string> dead_bodies();
  /// Waits until nothing is left in the streams; false when `timeout` passed first.
  bool drained(std::chrono::milliseconds timeout);
  /// Sum of a field of hf:{t}:cnt over all partitions: what was counted exactly once.
  std::uint64_t counted(const std::string& field);

  /// Deletes everything in Redis but hf:meta (benches between two rounds).
  void flush_streams();

 private:
  struct Member {
    int port = 0;
    int metrics_port = 0;
    std::string log;
    std::vector<std::string> argv;
    std::map<std::string, std::string> environment;
    std::unique_ptr<Process> process;
  };
  Member make_member(const std::string& program, const std::string& name, const std::vector<std::string>& flags) const;
  void start(Member& member);
  void configure_nginx();
  void start_nginx();

  const Options options_;
  TempDir dir_;
  const std::string token_ = "e2e-token";
  stream::Keys keys_{stream::Layout{}};
  std::unique_ptr<RedisServer> redis_;
  std::vector<Member> ingresses_, workers_;
  int nginx_port_ = 0;
  std::unique_ptr<Process> nginx_;
};

}  // namespace hookfleet::support
