#include "ingress/http/webhook.hpp"

#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "common/base/uuid.hpp"
#include "common/notification/envelope.hpp"
#include "common/notification/trace.hpp"
#include "ingress/http/tracing.hpp"

namespace hookfleet::http {
namespace {

Outcome from(accept::Refusal refusal) {
  switch (refusal) {
    case accept::Refusal::kNotFound: return Outcome::kNotFound;
    case accept::Refusal::kMethod: return Outcome::kMethod;
    case accept::Refusal::kAddress: return Outcome::kForbiddenAddress;
    case accept::Refusal::kUnauthorized: return Outcome::kUnauthorized;
    case accept::Refusal::kInstance: return Outcome::kForbiddenInstance;
    case accept::Refusal::kTooLarge: return Outcome::kTooLarge;
  }
  return Outcome::kNotFound;  // unreachable while the switch is exhaustive
}

// Nobody has to do anything about these: strangers ask for anything, and another ingress takes over.
bool is_noise(Outcome outcome) {
  return outcome == Outcome::kStored || outcome == Outcome::kNotFound || outcome == Outcome::kMethod || outcome == Outcome::kDraining;
}

/// Of the path, or whose token it is, if that is one alone; 0: unknown.
std::uint64_t instance_of(const accept::Verdict& verdict) {
  if (verdict.path_instance) return *verdict.path_instance;
  return verdict.instances.size() == 1 ? verdict.instances.front() : 0;
}

std::string text_of(const std::optional<accept::Address>& client) { return client ? client->text() : "an unknown address"; }

}  // namespace

// A delivery with the appender.
struct Webhook::Exchange {
  Webhook& webhook;
  Reply reply;
  base::BootTime arrived;
  std::string id, request_id, trace_id;
  std::uint64_t id_instance;
  const metrics::Counter& stored;  // by its type
  std::optional<accept::Address> client;
};

Webhook::Webhook(const Limits& limits, std::shared_ptr<const accept::Acceptor> acceptor, append::Appender& appender, const Metrics& metrics,
                 const base::Clock& clock, log::Logger log, alert::Operator& operators)
    : limits_(limits),
      appender_(appender),
      metrics_(metrics),
      clock_(clock),
      log_(std::move(log)),
      operators_(operators),
      acceptor_(std::move(acceptor)) {}

std::shared_ptr<const accept::Acceptor> Webhook::acceptor() const {
  const base::MutexLock lock(mutex_);
  return acceptor_;
}

void Webhook::set_acceptor(std::shared_ptr<const accept::Acceptor> acceptor) {
  const base::MutexLock lock(mutex_);
  acceptor_ = std::move(acceptor);
}

void Webhook::receive(const Request& request, Reply reply) {
  accept::Verdict verdict;
  try {
    take(request, reply, verdict);
  } catch (...) {
    tell_operator(Outcome::kFailed, verdict);  // what becomes of a reply without an answer
    throw;
  }
}

void Webhook::take(const Request& request, Reply& reply, accept::Verdict& verdict) {
  const base::BootTime arrived = clock_.now();
  const auto acceptor = this->acceptor();
  verdict = acceptor->judge({.method = request.method,
                             .path = request.path,
                             .peer = request.peer,
                             .authorization = request.authorization,
                             .forwarded_for = request.forwarded_for,
                             .refused = request.refused});
  const base::WallTime received = clock_.wall();
  if (verdict.only_asked && !verdict.refusal) return reply.answer(Outcome::kContinue);  // what counts is the delivery itself
  if (verdict.token_index) metrics_.token_match(*verdict.token_index).add();
  if (verdict.right_token && !verdict.listed) {
    metrics_.unlisted.add();
    const bool ours = verdict.client && verdict.client->is_loopback();  // who tries it on this machine
    if (!ours && unlisted_quiet_.pass(clock_.now())) tell_unlisted(verdict);
  }
  if (verdict.refusal) return refuse(from(*verdict.refusal), request, verdict, std::move(reply));
  if (request.body.size() > limits_.body_max) return refuse(Outcome::kTooLarge, request, verdict, std::move(reply));

  // What is malformed is kept as it is: the worker records it, the sender mustn't repeat it.
  notification::Envelope envelope = notification::read_envelope(request.body);
  const auto instance = acceptor->admit(verdict, envelope.id_instance);
  if (!instance) return refuse(from(instance.error()), request, verdict, std::move(reply));
  metrics_.body_bytes.observe(static_cast<double>(request.body.size()));
  if (envelope.malformed != notification::Malformed::kNo) metrics_.malformed.add();

  stream::Entry entry;
  entry.id = base::make_uuid_v7(received);
  entry.id_instance = *instance;
  entry.chat = std::move(envelope.chat);
  entry.type_webhook = std::move(envelope.type_webhook);
  entry.received_ms = base::unix_ms(received);
  entry.source = stream::Source::kWebhook;
  const std::string& request_id = is_request_id(request.request_id) ? request.request_id : entry.id;
  entry.trace = notification::is_traceparent(request.traceparent) ? request.traceparent : request_id;
  entry.body = request.body;

  auto exchange = std::make_unique<Exchange>(Exchange{*this, std::move(reply), arrived, entry.id, request_id,
                                                      std::string(notification::trace_id(entry.trace)), *instance,
                                                      metrics_.stored.of(entry.type_webhook), verdict.client});
  // The appender calls back exactly once; a bare pointer fits into its function without an allocation.
  appender_.submit(std::move(entry), arrived + limits_.deadline, [waiting = exchange.release()](append::Outcome outcome) {
    const std::unique_ptr<Exchange> finished(waiting);
    finished->webhook.finish(*finished, outcome);
  });
}

void Webhook::finish(Exchange& exchange, append::Outcome appended) {
  const Outcome outcome = http::from(appended);
  // Whoever has the answer finds it counted and logged; only the time of the answer itself is known after it.
  if (outcome == Outcome::kStored) exchange.stored.add();
  tell(outcome, {exchange.id, exchange.request_id, exchange.trace_id}, exchange.client);
  if (answer(outcome).told == Told::kRightToken) tell_refused(outcome, exchange.id_instance, exchange.client);
  exchange.reply.answer(outcome, exchange.request_id, exchange.id);
  if (outcome == Outcome::kStored) metrics_.ack_seconds.observe(std::chrono::duration<double>(clock_.now() - exchange.arrived).count());
}

void Webhook::refuse(Outcome outcome, const Request& request, const accept::Verdict& verdict, Reply reply) {
  const std::string request_id = is_request_id(request.request_id) ? request.request_id : base::make_uuid_v7(clock_.wall());
  tell(outcome, {{}, request_id, notification::trace_id(request.traceparent)}, verdict.client);
  tell_operator(outcome, verdict);
  reply.answer(outcome, request_id);
}

void Webhook::tell_unlisted(const accept::Verdict& verdict) {
  operators_.tell({.kind = alert::Kind::kUnlistedAddress,
                   .id_instance = instance_of(verdict),
                   .text = "a right token came from " + text_of(verdict.client) +
                           ", which is not among auth.allowlist.addresses: a new address of the sender, or a token in wrong hands"});
}

void Webhook::tell_operator(Outcome outcome, const accept::Verdict& verdict) {
  switch (answer(outcome).told) {
    case Told::kNo: return;
    case Told::kRightToken:
      // Where no token is needed anybody may be wrong.
      if (verdict.token_index) tell_refused(outcome, instance_of(verdict), verdict.client);
      return;
    case Told::kListedAddress:
      if (!verdict.on_list) return;
      operators_.tell({.kind = alert::Kind::kTokenRefused,
                       .id_instance = instance_of(verdict),
                       .text = "a delivery from the listed address " + text_of(verdict.client) +
                               " had no right token and got 401: webhookUrlToken of an instance differs from the settings"});
      return;
  }
}

void Webhook::tell_refused(Outcome outcome, std::uint64_t id_instance, const std::optional<accept::Address>& client) {
  const Answer& row = answer(outcome);
  operators_.tell({.kind = alert::Kind::kDeliveryRefused,
                   .id_instance = id_instance,
                   .text = "a delivery with a right token from " + text_of(client) + " got " + std::to_string(row.status) + " (" +
                           std::string(row.label) + "): its sender repeats it for 24 h and holds back what follows"});
}

void Webhook::tell(Outcome outcome, const Names& names, const std::optional<accept::Address>& client) {
  const bool debug = log_.enabled(log::Level::kDebug);
  if (!debug && is_noise(outcome)) return;
  const auto suppressed = is_noise(outcome) ? std::nullopt : quiet_[static_cast<std::size_t>(outcome)].pass(clock_.now());
  if (!debug && !suppressed) return;
  const Answer& row = answer(outcome);
  const std::string address = client ? client->text() : std::string();
  const log::Field fields[] = {{"outcome", row.label},
                               {"http.response.status_code", row.status},
                               {"id", names.id},
                               {"request_id", names.request_id},
                               {"trace_id", names.trace_id},
                               {"client.address", address},
                               {"suppressed", suppressed.value_or(0)}};
  if (suppressed) {
    log_.write(log::Level::kWarn, "delivery.refused", "a delivery was not acknowledged", fields);
  } else {
    log_.write(log::Level::kDebug, "delivery", "delivery answered", std::span(fields).first(std::size(fields) - 1));
  }
}

}  // namespace hookfleet::http
