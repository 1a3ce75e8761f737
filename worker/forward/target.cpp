#include "worker/forward/target.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "common/web/url.hpp"
#include "worker/forward/headers.hpp"
#include "worker/forward/signature.hpp"

namespace hookfleet::forward {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{5000};

}  // namespace

/// One request under way.
struct Target::Flight {
  std::shared_ptr<Target> target;
  Done done;
  base::BootTime began;
  bool probe = false;
  std::optional<std::stop_callback<std::function<void()>>> on_cancel;
};

Target::Target(std::string name, Options options, web::Client& client, const Metrics& metrics, const log::Logger& log,
               const base::Clock& clock)
    : name_(std::move(name)),
      options_(std::move(options)),
      origin_(web::origin_of(options_.url.reveal())),
      client_(client),
      metrics_(metrics),
      log_(log),
      clock_(clock),
      breaker_({options_.breaker_failures, options_.breaker_pause_max}),
      random_(std::random_device{}()) {
  for (const config::Secret& header : options_.headers) {
    const std::string& text = header.reveal();
    const std::size_t colon = text.find(':');
    const std::size_t value = text.find_first_not_of(" \t", colon + 1);
    extra_headers_.emplace_back(text.substr(0, colon), value == std::string::npos ? "" : text.substr(value));
  }
  for (const config::Secret& secret : options_.signing_secrets) {
    if (auto key = signing_key(secret.reveal())) signing_keys_.push_back(*std::move(key));
  }
}

Target::~Target() {
  base::MutexLock lock(mutex_);
  if (breaker_.state() != Breaker::State::kClosed) metrics_.breaker_open.add(-1);
}

web::Request Target::request_for(const handlers::Notification& notification) {
  std::uint64_t span = 0;
  {
    base::MutexLock lock(mutex_);
    span = random_();
  }
  web::Request request;
  request.url = options_.url.reveal();
  request.headers = headers_of(notification, span);
  request.headers.insert(request.headers.end(), extra_headers_.begin(), extra_headers_.end());
  if (!signing_keys_.empty()) sign(request.headers, notification, signing_keys_, base::unix_ms(clock_.wall()) / 1000);
  request.body = notification.body;
  request.timeout = options_.timeout;
  request.connect_timeout = std::min(kConnectTimeout, options_.timeout);
  request.refuse_private_addresses = options_.refuse_private_addresses;
  request.ca_file = options_.ca_file;
  return request;
}

void Target::start(std::shared_ptr<const handlers::Notification> notification, const std::stop_token& cancel, Done done) {
  Breaker::Permit permit;
  {
    base::MutexLock lock(mutex_);
    permit = breaker_.ask(clock_.now());
  }
  if (permit == Breaker::Permit::kNone) {
    metrics_.requests[static_cast<std::size_t>(Outcome::kHeldBack)].add();
    done(handlers::Handled::unavailable("the target has been away: left alone but for single probes"));
    return;
  }
  const auto flight = std::make_shared<Flight>();
  flight->target = shared_from_this();
  flight->done = std::move(done);
  flight->began = clock_.now();
  flight->probe = permit == Breaker::Permit::kProbe;
  metrics_.in_flight.add(1);
  const auto ticket =
      client_.send(request_for(*notification), [flight](const web::Result& result) { flight->target->ended(*flight, result); });
  // May be too late: the client ignores what has ended. The callback doesn't touch this, so nothing races.
  flight->on_cancel.emplace(cancel, [&client = client_, ticket] { client.cancel(ticket); });
}

void Target::ended(const Flight& flight, const web::Result& result) {
  metrics_.in_flight.add(-1);
  const base::BootTime now = clock_.now();
  metrics_.seconds.observe(std::chrono::duration<double>(now - flight.began).count());
  Verdict verdict = judge(result, clock_.wall());
  metrics_.requests[static_cast<std::size_t>(verdict.outcome)].add();
  Breaker::Change change = Breaker::Change::kNone;
  {
    base::MutexLock lock(mutex_);
    switch (verdict.outcome) {
      case Outcome::kDone:
      case Outcome::kFailed:
      case Outcome::kRejected: change = breaker_.succeeded(flight.probe); break;
      case Outcome::kUnavailable: change = breaker_.failed(flight.probe, now, random()); break;
      case Outcome::kHeldBack:
      case Outcome::kCancelled: breaker_.abandoned(flight.probe, now); break;
    }
  }
  tell(change, verdict.handled.reason);
  flight.done(std::move(verdict.handled));
}

void Target::tell(Breaker::Change change, const std::string& reason) {
  switch (change) {
    case Breaker::Change::kNone: return;
    case Breaker::Change::kOpened:
      metrics_.breaker_open.add(1);
      log_.warn("forward.breaker_opened", "a target was away too often in a row: it is left alone but for single probes, its chats wait",
                {{"target", name_}, {"url", origin_}, {"reason", reason}});
      return;
    case Breaker::Change::kClosed:
      metrics_.breaker_open.add(-1);
      log_.info("forward.breaker_closed", "a target is there again", {{"target", name_}, {"url", origin_}});
      return;
  }
}

}  // namespace hookfleet::forward
