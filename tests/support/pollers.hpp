#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/simulate/fake_api.hpp"
#include "common/stream/entry.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::support {

/// hookfleet-poller processes with a Redis of their own (a command that was refused to their role fails the test), one settings file, and
/// instances at a fake API.
class Pollers {
 public:
  /// `settings`: further lines of the section poller, by default such as make tests quick.
  explicit Pollers(simulate::FakeApi::Options api = quick_api(), std::string settings = kQuick);
  ~Pollers();

  /// Seconds of receiveTimeout last 100 ms.
  static simulate::FakeApi::Options quick_api();
  static constexpr const char* kQuick =
      "  retry_first: 50ms\n  retry_max: 200ms\n  refused_pause: 60s\n  heartbeat: 200ms\n  member_ttl: 1s\n  lease_ttl: 2s\n"
      "  lease_renew: 300ms\n  lease_validity: 1500ms\n  drain: 10s\n";

  simulate::FakeApi& api() { return *api_; }
  RedisServer& redis() { return redis_; }
  /// Adds instances with these ids to the API; write_settings() tells the pollers.
  void add(std::uint64_t first, std::uint64_t count);
  /// Further fields of the instance's item: "watch: true, receive: false".
  void say(std::uint64_t id, std::string fields) { fields_[id] = std::move(fields); }
  /// Names the instances, but those in `without`, in the settings file; `token` of instance `of` if it isn't the right one.
  void write_settings(const std::vector<std::uint64_t>& without = {}, std::uint64_t of = 0, const std::string& token = {},
                      const std::string& receive_timeout = "60s");

  /// Starts a poller, or the one of this number again.
  void start(std::size_t number = 0, const std::vector<std::string>& flags = {});
  Process& poller(std::size_t number = 0) { return *members_.at(number).process; }
  bool ready(std::size_t number = 0) const;
  /// A sample of /metrics, or -1.
  double metric(const std::string& series, std::size_t number = 0) const;
  std::string log(std::size_t number = 0) const;

  /// Every entry of the streams, in the order of their ids by partition.
  std::vector<stream::Entry> entries();
  /// Of each instance the bodies in the streams in the order of their addition, each where it stands first.
  std::map<std::uint64_t, std::vector<std::string>> stored();
  /// Nothing waits at the API.
  bool drained() const { return api_->waiting() == 0; }

  std::string directory() const { return dir_.path(); }

 private:
  struct Member {
    int metrics_port = 0;
    std::unique_ptr<Process> process;
  };
  const std::string settings_;
  TempDir dir_;
  RedisServer redis_;
  std::unique_ptr<simulate::FakeApi> api_;
  std::vector<std::uint64_t> ids_;
  std::map<std::uint64_t, std::string> fields_;
  std::vector<Member> members_;
};

/// A textMessage of this instance and chat, whose text and idMessage is `number`.
std::string text_message(std::uint64_t id_instance, const std::string& chat, std::uint64_t number);

}  // namespace hookfleet::support
