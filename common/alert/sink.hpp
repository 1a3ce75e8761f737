#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/alert/notice.hpp"
#include "common/alert/options.hpp"
#include "common/web/client.hpp"

namespace hookfleet::alert {

enum class Delivered : std::uint8_t {
  kYes,
  kLater,  ///< it may take it another time
  kNever,  ///< it will never take this one: 400 (but of GREEN-API), 413, 415, 422
};
/// What a sink's answer comes to. `why`: for people; without secrets.
struct Judgement {
  Delivered delivered;
  std::string why;
};

/// One place where alerts go: what is sent there, and what its answers mean. Immutable; any thread.
class Sink {
 public:
  /// `name`: for logs, metrics and people. `window`: how long an alert fires that says nothing of its end.
  Sink(SinkOptions options, std::string name, std::chrono::milliseconds window);

  const std::string& name() const { return name_; }
  /// Names it in Redis: the same wherever it stands in the settings, another with another URL or token. Tells nothing of its secrets.
  const std::string& key() const { return key_; }
  /// scheme://host:port
  std::string origin() const;

  /// The POST that tells `notice`. Idempotency-Key is its number.
  web::Request request(const Notice& notice, base::WallTime now) const;

  Judgement judge(const web::Result& result) const;

  /// True for an outgoing notification of the instance and chat that this sink writes to: what we cause by telling the operator must not
  /// make us tell the operator.
  bool causes(const Alert& alert) const;

 private:
  const SinkOptions options_;
  const std::string name_;
  const std::chrono::milliseconds window_;
  std::string url_, key_;
};

/// In the order of the settings; several of one kind are called slack, slack-2 …
std::vector<Sink> make_sinks(const Options& options);

/// Pause before try number `tries` + 1 of a notice: 1 s, 2 s, 4 s … 5 min.
std::chrono::milliseconds pause_after(unsigned tries);

}  // namespace hookfleet::alert
