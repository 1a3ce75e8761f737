#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/log/logger.hpp"
#include "common/web/client.hpp"
#include "worker/forward/breaker.hpp"
#include "worker/forward/metrics.hpp"
#include "worker/forward/options.hpp"
#include "worker/forward/outcome.hpp"
#include "worker/handlers/async_handler.hpp"

namespace hookfleet::forward {

/// A service of the user's that notifications are handed on to: one POST each, with the body as it was received. A target that is away is
/// left alone but for single probes (Breaker).
/// Threads: start() any; the rest is on the web client's. What is under way keeps the target alive.
class Target final : public handlers::AsyncHandler, public std::enable_shared_from_this<Target> {
 public:
  /// `name`: in logs and metrics. `options` have passed their checks. The references outlive the client's last callback.
  Target(std::string name, Options options, web::Client& client, const Metrics& metrics, const log::Logger& log, const base::Clock& clock);

  ~Target() override;

  const std::string& name() const { return name_; }
  const Options& options() const { return options_; }
  std::size_t concurrency() const override { return options_.concurrency; }
  void start(std::shared_ptr<const handlers::Notification> notification, const std::stop_token& cancel, Done done) override;

 private:
  struct Flight;
  web::Request request_for(const handlers::Notification& notification);
  void ended(const Flight& flight, const web::Result& result);
  void tell(Breaker::Change change, const std::string& reason);
  double random() HOOKFLEET_REQUIRES(mutex_) { return std::uniform_real_distribution<double>(0, 1)(random_); }

  // Set at construction
  const std::string name_;
  const Options options_;
  web::Headers extra_headers_;
  std::vector<std::string> signing_keys_;
  std::string origin_;
  web::Client& client_;
  const Metrics metrics_;
  const log::Logger& log_;
  const base::Clock& clock_;

  base::Mutex mutex_;
  Breaker breaker_ HOOKFLEET_GUARDED_BY(mutex_);
  std::mt19937_64 random_ HOOKFLEET_GUARDED_BY(mutex_);
};

}  // namespace hookfleet::forward
