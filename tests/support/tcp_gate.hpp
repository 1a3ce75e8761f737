#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"

namespace hookfleet::support {

/// A TCP proxy between the test's subject and a server on 127.0.0.1 that fails on demand. It starts letting everything through.
/// Threads: its own; the methods from the test's.
class TcpGate {
 public:
  explicit TcpGate(int server_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  int port() const { return port_; }

  /// New connections are reset and open ones cut.
  void refuse();
  /// New connections are accepted and, like the open ones, carry nothing any more; what comes meanwhile is kept.
  void stall();
  /// Only what the server says is held back: requests still reach it.
  void stall_replies();
  /// Everything flows again, also what was held back.
  void open();
  /// Cuts all open connections now (RST).
  void cut();
  /// Cuts a connection as soon as `bytes` more have come from the server, or from the client; the rest isn't handed on.
  void cut_after_from_server(std::uint64_t bytes);
  void cut_after_from_client(std::uint64_t bytes);
  /// New connections are answered with these bytes, whatever they ask; the server isn't asked.
  void answer(std::string bytes);

  /// New connections lead to another server of 127.0.0.1; cut() ends those to the old one.
  void redirect(int server_port) { server_port_ = server_port; }

  /// Connections accepted so far.
  std::uint64_t accepted() const { return accepted_; }

 private:
  enum class Mode { kOpen, kRefuse, kStall, kStallReplies, kAnswer };
  struct Pair;
  void run(const std::stop_token& stop);
  void accept_one();
  bool pump(Pair& pair);
  void set(Mode mode);

  std::atomic<int> server_port_;
  int port_ = 0;
  int listener_ = -1;
  base::Wakeup wakeup_;
  std::atomic<std::uint64_t> accepted_{0};
  base::Mutex mutex_;
  Mode mode_ HOOKFLEET_GUARDED_BY(mutex_) = Mode::kOpen;
  bool cut_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  std::uint64_t left_from_server_ HOOKFLEET_GUARDED_BY(mutex_);
  std::uint64_t left_from_client_ HOOKFLEET_GUARDED_BY(mutex_);
  std::string answer_ HOOKFLEET_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Pair>> pairs_;  ///< the gate's thread only
  std::jthread thread_;                       ///< last: stops before anything above goes
};

}  // namespace hookfleet::support
