#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hookfleet::support {

/// Posts notifications as GREEN-API does: each instance one after another, waiting for the answer; what got no 200 is sent again after a
/// pause. Some are repeated on purpose. Each idMessage tells instance, chat and sequence, so that a checker can decide what was lost,
/// repeated or reordered.
class Sender {
 public:
  struct Options {
    int port = 0;
    std::string token;
    unsigned instances = 10;
    unsigned chats = 5;                                ///< per instance
    std::chrono::milliseconds pause{0};                ///< between two notifications of an instance
    std::chrono::milliseconds retry_pause{100};        ///< 60 s at the real one
    std::chrono::milliseconds answer_timeout{60'000};  ///< 180 s at the real one
    unsigned repeat_percent = 5;                       ///< share that is sent once more although it got 200
    std::size_t body_bytes = 600;                      ///< about
    std::uint64_t first_instance = 1'101'000'001;
    std::function<std::string(std::uint64_t sequence)> text = {};  ///< what each message says; else x's only
  };
  struct Tally {
    std::uint64_t posts = 0;                 ///< requests made
    std::map<int, std::uint64_t> by_status;  ///< 0: no answer
    std::uint64_t refused = 0;               ///< of those without an answer: nobody accepted the connection
    std::chrono::milliseconds slowest{0};    ///< longest wait for an answer
    std::vector<std::string> given_up;       ///< idMessages without a 200 after stop(): such a one may be handled all the same
  };

  explicit Sender(Options options);
  ~Sender() { stop(); }

  void start();
  /// No new notifications; each instance first gets its present one acknowledged (at most 60 s), then all threads are joined.
  void stop();
  /// From now on; returns when what was sent with the one before has its answer.
  void use_token(std::string token);

  std::uint64_t acknowledged_count() const { return acknowledged_count_.load(); }
  /// Every idMessage that was answered 200, per chat ("<idInstance>/<chatId>") in the order of sending. After stop().
  const std::map<std::string, std::vector<std::string>>& acknowledged() const { return acknowledged_; }
  Tally tally() const;  ///< so far; `given_up` after stop()

  /// The body of one notification as this sender writes it: `text`, and x's up to `bytes`.
  static std::string body(std::uint64_t instance, const std::string& chat, const std::string& id_message, std::size_t bytes,
                          const std::string& text = {});

 private:
  void run(std::uint64_t instance, const std::stop_token& stop);

  const Options options_;
  std::atomic<std::uint64_t> acknowledged_count_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const std::string> token_;  ///< shared by the requests that were made with it
  std::map<std::string, std::vector<std::string>> acknowledged_;
  Tally tally_;
  std::vector<std::jthread> threads_;
};

/// What the workers' logs say of the notifications that a Sender sent.
struct Handled {
  std::map<std::string, std::uint64_t> done;                 ///< idMessage → records with outcome done or ignored
  std::map<std::string, std::uint64_t> dead;                 ///< … outcome dead
  std::uint64_t repeats = 0;                                 ///< records with outcome repeat
  std::map<std::string, std::vector<std::string>> in_order;  ///< "<idInstance>/<chatId>" → idMessages, each at its first done record
};
/// Reads worker logs (JSON lines); records of several workers are merged by their time.
Handled read_worker_logs(const std::vector<std::string>& files);

/// Compares the two. All counts are 0 for a fleet that kept its word.
struct Verdict {
  std::uint64_t acknowledged = 0;
  std::vector<std::string> lost;       ///< acknowledged, neither handled nor dead
  std::vector<std::string> reordered;  ///< first handled after a later one of its chat
  std::uint64_t handled_twice = 0;     ///< lawful only for what was in flight at a crash
};
Verdict compare(const Sender& sender, const Handled& handled);

}  // namespace hookfleet::support
