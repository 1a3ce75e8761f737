#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cli/simulate/http_server.hpp"
#include "common/base/mutex.hpp"

namespace hookfleet::simulate {

/// GREEN-API's HTTP side on 127.0.0.1, as its documents describe it: instances with a queue each, receiveNotification that waits,
/// deleteNotification, getWebhooksCount, clearWebhooksQueue, getStateInstance, getSettings and setSettings; the service's errors, rates
/// and, if wanted, faults. It keeps a record by which a test proves what became of each notification.
///
/// Threads: one of its own for all requests; the methods any.
/// Errors:  the constructor throws std::system_error when the port can't be had.
/// Cost:    a waiting receive is a connection and a timer: thousands of instances need no thread more.
class FakeApi {
 public:
  /// Each a probability from 0 to 1, tried for every request in this order; at most one happens.
  struct Faults {
    double error_500 = 0;
    double error_502 = 0;
    double throttled = 0;   ///< 429
    double cut_before = 0;  ///< the connection ends, nothing was done
    double cut_after = 0;   ///< what was asked for is done, then the connection ends
    double late = 0;        ///< done at once, answered `late_by` later
    std::chrono::milliseconds late_by{500};
  };
  /// Requests a second and instance; above it 429. 0: any number.
  struct Rates {
    int receive = 100;
    int remove = 100;
    int settings = 1;  ///< getSettings and setSettings, each
  };
  struct Options {
    int port = 0;                            ///< 0: a free one
    std::chrono::milliseconds latency{0};    ///< of every answer
    std::chrono::milliseconds settling{0};   ///< until what setSettings said works; the service says up to 5 minutes
    std::chrono::milliseconds second{1000};  ///< what a second of receiveTimeout lasts; less, so that tests needn't wait
    std::chrono::milliseconds count_refresh{10'000};
    std::chrono::milliseconds keep = std::chrono::hours(24);  ///< a notification that is older is gone
    std::size_t record_max = 1'000'000;  ///< notifications kept in `received` and `deleted` of an instance's record, each
    bool switches = false;               ///< enqueue() takes only what the instance's settings have switched on; else everything
    bool hand_out_deleted = false;       ///< for take_deleted(), which must be called then: until it is they are kept
    Rates rates;
    Faults faults;
    std::uint64_t seed = 1;  ///< of the faults
  };
  struct Instance {
    std::uint64_t id = 0;
    std::string token;
  };
  struct Notification {
    std::int64_t receipt_id = 0;
    std::string body;
  };
  /// What happened to one instance so far.
  struct Record {
    std::vector<std::int64_t> received;  ///< receipts that were answered to a receive (also if cut), in order, with repeats
    std::vector<Notification> deleted;   ///< by deleteNotification or remove(), in order
    std::size_t enqueued = 0;
    std::size_t waiting = 0;               ///< still in the queue
    std::size_t expired = 0;               ///< gone after `keep`
    std::size_t cleared = 0;               ///< gone by clearWebhooksQueue
    std::size_t receives = 0;              ///< requests that reached the queue
    std::size_t receives_now = 0;          ///< under way
    std::size_t receives_at_once_max = 0;  ///< under way at the same time, at most
    std::size_t refused = 0;               ///< requests with a wrong token, beyond the rates, or refused as refuse() said
    std::size_t faults = 0;
  };
  /// An instance's settings work now with this webhookUrl and webhookUrlToken, other than before. On the API's thread.
  using WebhookHook = std::function<void(std::uint64_t instance, const std::string& url, const std::string& token)>;

  explicit FakeApi(Options options, WebhookHook webhook = nullptr);
  FakeApi() : FakeApi(Options{}) {}
  ~FakeApi();
  FakeApi(const FakeApi&) = delete;
  FakeApi& operator=(const FakeApi&) = delete;

  int port() const { return server_->port(); }
  /// What an account's api_url has to be.
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

  /// Its settings are those of a new instance: no webhookUrl, everything off.
  void add_instance(Instance instance);
  /// From now on 403.
  void remove_instance(std::uint64_t id);
  void set_token(std::uint64_t id, std::string token);
  /// As setSettings would, without its settling time. `json`: an object.
  void set_settings(std::uint64_t id, std::string_view json);
  std::string settings(std::uint64_t id) const;
  void set_state(std::uint64_t id, std::string state);  ///< "authorized" at first
  /// Answers everything about this instance with this status and message; 0: as usual again.
  void refuse(std::uint64_t id, int status, std::string message);
  void set_faults(const Faults& faults);

  /// Puts a notification at the end of the instance's queue and answers who waits. Returns its receipt; 0: no such instance, or its type is
  /// switched off (options.switches).
  std::int64_t enqueue(std::uint64_t id, std::string body);
  /// For a side that pushes: the queue's first notification, and its removal once it is acknowledged (false: gone already).
  std::optional<Notification> front(std::uint64_t id) const;
  bool remove(std::uint64_t id, std::int64_t receipt_id);

  /// Of an unknown instance: all zero.
  Record record(std::uint64_t id) const;
  std::size_t waiting() const;       ///< notifications in all queues
  std::size_t receives_now() const;  ///< receives under way
  std::uint64_t receives() const;    ///< that reached a queue so far, of all instances
  std::uint64_t deleted() const;     ///< notifications so far, of all instances
  /// The bodies deleted since the last call, of all instances (options.hand_out_deleted).
  std::vector<std::string> take_deleted();

 private:
  struct Queue;
  struct Call;
  enum class Fault { kNone, kError500, kError502, kThrottled, kCutBefore, kCutAfter, kLate };
  using Time = std::chrono::steady_clock::time_point;
  using Reply = HttpServer::Reply;

  Reply handle(const HttpServer::Request& request);
  Reply perform(const HttpServer::Request& request, const Call& call, Queue& queue, Fault fault) HOOKFLEET_REQUIRES(mutex_);
  Reply receive(const HttpServer::Request& request, const Call& call, Queue& queue, Fault fault) HOOKFLEET_REQUIRES(mutex_);
  Reply change_settings(const HttpServer::Request& request, const Call& call, Queue& queue) HOOKFLEET_REQUIRES(mutex_);
  Reply answer(int status, std::string body) const;
  Reply error(int status, const Call& call, std::string_view message) const;
  Reply deliver(Queue& queue, Fault fault) HOOKFLEET_REQUIRES(mutex_);
  Reply delayed(Reply reply, Fault fault) const HOOKFLEET_REQUIRES(mutex_);
  Fault roll() HOOKFLEET_REQUIRES(mutex_);
  void forget_old(Queue& queue) const HOOKFLEET_REQUIRES(mutex_);
  bool take(Queue& queue, std::int64_t receipt_id) HOOKFLEET_REQUIRES(mutex_);
  void work(std::uint64_t id);
  void ended(HttpServer::RequestId request);
  Queue* find(std::uint64_t id) const HOOKFLEET_REQUIRES(mutex_);

  const Options options_;
  const WebhookHook webhook_;
  mutable base::Mutex mutex_;
  Faults faults_ HOOKFLEET_GUARDED_BY(mutex_);
  std::mt19937_64 random_ HOOKFLEET_GUARDED_BY(mutex_);
  std::int64_t last_receipt_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::uint64_t receives_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::uint64_t deleted_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> handed_out_ HOOKFLEET_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, std::shared_ptr<Queue>> queues_ HOOKFLEET_GUARDED_BY(mutex_);
  std::unordered_map<HttpServer::RequestId, std::shared_ptr<Queue>> under_way_
      HOOKFLEET_GUARDED_BY(mutex_);  // receives; shared: the instance may be removed

  std::unique_ptr<HttpServer> server_;  // last: its thread uses the above
};

}  // namespace hookfleet::simulate
