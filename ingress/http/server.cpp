#include "ingress/http/server.hpp"

#include <pistache/endpoint.h>
#include <pistache/http.h>
#include <pistache/http_headers.h>
#include <pistache/peer.h>

#include <atomic>
#include <exception>
#include <stop_token>
#include <utility>

#include "common/base/gate.hpp"
#include "common/base/thread.hpp"
#include "common/base/uuid.hpp"
#include "common/metrics/listener.hpp"
#include "common/notification/envelope.hpp"
#include "ingress/http/kick.hpp"
#include "ingress/http/tracing.hpp"

namespace hookfleet::http {
namespace {

using namespace std::chrono_literals;
namespace pistache = Pistache;
namespace phttp = Pistache::Http;

// The library's limits lie beyond ours, so that it never answers by itself (ARCHITECTURE.md, "Living with Pistache").
constexpr std::size_t kHeadersMax = 64UL << 10;
constexpr auto kLibraryTimeout = 120s;   // above any append deadline
constexpr auto kKeepaliveTimeout = 90s;  // above nginx's upstream keepalive_timeout (60 s): nginx closes first
constexpr auto kProbeEvery = 1s;

// What request threads, the appender's thread and the owner share. Lives as long as any of them.
struct Shared {
  Shared(const Options& given, std::shared_ptr<const accept::Acceptor> first, Server::Dependencies parts)
      : options(given), with(std::move(parts)), acceptor(std::move(first)) {}

  std::shared_ptr<const accept::Acceptor> current() {
    const base::MutexLock lock(mutex);
    return acceptor;
  }

  const Options options;
  const Server::Dependencies with;
  base::Gate gate;
  Kick kick;
  base::Mutex mutex;
  std::shared_ptr<const accept::Acceptor> acceptor HOOKFLEET_GUARDED_BY(mutex);  // shared: a request goes on with the one it began with
  std::size_t connections = 0;  // the event thread only: the greatest connection number seen
};

std::string header(const phttp::Request& request, const char* name) {
  const auto raw = request.headers().tryGetRaw(name);
  return raw ? raw->value() : std::string();
}

bool wants_close(const phttp::Request& request) {
  const auto connection = request.headers().tryGet<phttp::Header::Connection>();
  return connection && connection->control() == phttp::ConnectionControl::Close;
}

// A header of an answer by name and text: the library writes typed headers only, those given as Raw are dropped.
class TextHeader final : public phttp::Header::Header {
 public:
  TextHeader(const char* name, std::string text) : name_(name), text_(std::move(text)) {}
  const char* name() const override { return name_; }
  void write(std::ostream& out) const override { out << text_; }
#ifdef SAFE_HEADER_CAST
  std::uint64_t hash() const override { return 0; }  // for casts to a header's class: nobody casts to this one
#endif

 private:
  const char* name_;
  std::string text_;
};

void add_header(phttp::ResponseWriter& writer, const char* name, std::string text) {
  writer.headers().add(std::make_shared<TextHeader>(name, std::move(text)));
}

// 0.0.5 answers "Connection: Close" to a request without that header, and nginx then opens a connection for each request.
void set_connection(phttp::ResponseWriter& writer, bool close) {
  writer.headers().remove<phttp::Header::Connection>();
  writer.headers().add<phttp::Header::Connection>(close ? phttp::ConnectionControl::Close : phttp::ConnectionControl::KeepAlive);
}

// One request between its arrival and its answer.
struct Exchange {
  Exchange(std::shared_ptr<Shared> state, const phttp::Request& request, phttp::ResponseWriter response)
      : shared(std::move(state)), writer(std::move(response)), arrived(shared->with.clock.now()), close(wants_close(request)) {}

  void answer(Outcome outcome) {
    const Answer& row = http::answer(outcome);
    shared->with.metrics.deliveries[static_cast<std::size_t>(outcome)].add();
    if (outcome == Outcome::kStored) {
      shared->with.metrics.ack_seconds.observe(std::chrono::duration<double>(shared->with.clock.now() - arrived).count());
      shared->with.metrics.stored(type_webhook).add();
    }
    std::string body;
    if (row.error.empty()) {
      body.append(R"({"status":")").append(row.label).append(R"(","id":")").append(id).append("\"}");
    } else {
      body.append(R"({"error":")").append(row.error).append("\"}");
    }
    if (!row.header.empty()) add_header(writer, row.header.data(), std::string(row.value));
    if (shared->with.log.enabled(log::Level::kDebug)) {
      shared->with.log.debug("delivery", "delivery answered",
                             {{"outcome", row.label}, {"http.response.status_code", row.status}, {"id", id}, {"request_id", request_id}});
    }
    send(row.status, head ? std::string() : body);
  }

  // Never throws: a peer that is gone is counted. The promise of send() isn't waited for: it may settle neither way.
  void send(int status, const std::string& body) noexcept {
    try {
      set_connection(writer, close);
      if (!request_id.empty()) add_header(writer, "X-Request-Id", request_id);
      if (!body.empty()) writer.setMime(MIME(Application, Json));
      writer.send(static_cast<phttp::Code>(status), body);
      shared->kick.after_send();
    } catch (...) {
      shared->with.metrics.answers_dropped.add();
    }
  }

  std::shared_ptr<Shared> shared;        // shared: the gate must be there when the pass leaves it
  std::optional<base::Gate::Pass> pass;  // left after everything below is gone: then the owner may end
  phttp::ResponseWriter writer;
  base::BootTime arrived;
  bool close;
  bool head = false;
  std::string id;  // the entry's; empty before there is one
  std::string request_id;
  std::string type_webhook;
};

class WebhookHandler final : public phttp::Handler {
 public:
  HTTP_PROTOTYPE(WebhookHandler)
  explicit WebhookHandler(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  void onRequest(const phttp::Request& request, phttp::ResponseWriter response) override {
    shared_->kick.through(transport());
    count_connection(response);
    auto exchange = std::make_unique<Exchange>(shared_, request, std::move(response));
    // Nothing may leave: the library sends exception texts to the client, and dies of what isn't a std::exception.
    Exchange* const unanswered = exchange.get();
    try {
      handle(request, exchange);
    } catch (const std::exception& error) {
      shared_->with.log.error("delivery.failed", "handling a request threw", {{"error", error.what()}});
      if (exchange) unanswered->send(500, R"({"error":"internal error"})");
    } catch (...) {
      shared_->with.log.error("delivery.failed", "handling a request threw", {{"error", "not a std::exception"}});
      if (exchange) unanswered->send(500, R"({"error":"internal error"})");
    }
  }

 private:
  // Numbers of connections grow, and one event thread serves them all.
  void count_connection(const phttp::ResponseWriter& response) {
    const auto peer = response.getPeer();
    if (!peer || peer->getID() <= shared_->connections) return;
    shared_->connections = peer->getID();
    shared_->with.metrics.connections.add();
  }

  // Takes the exchange when it has answered it or handed it on.
  void handle(const phttp::Request& request, std::unique_ptr<Exchange>& exchange) {
    Shared& shared = *shared_;
    const std::string& path = request.resource();
    exchange->head = request.method() == phttp::Method::Head;
    if (request.method() == phttp::Method::Get && (path == "/healthz" || path == "/livez")) {
      const bool ok = path == "/livez" || shared.with.ready();
      std::exchange(exchange, nullptr)->send(ok ? 200 : 503, ok ? R"({"status":"ok"})" : R"({"status":"unready"})");
      return;
    }
    exchange->request_id = header(request, "X-Request-Id");
    if (!is_request_id(exchange->request_id)) exchange->request_id.clear();

    const std::string authorization = header(request, "Authorization");
    const std::string forwarded_for = header(request, "X-Forwarded-For");
    const std::string refused = header(request, "X-Hookfleet-Refused");
    const std::string peer = request.address().host();
    const auto acceptor = shared.current();
    const auto verdict = acceptor->judge({.method = request.method() == phttp::Method::Post ? "POST" : "",
                                          .path = path,
                                          .peer = peer,
                                          .authorization = authorization,
                                          .forwarded_for = forwarded_for,
                                          .refused = refused});
    if (!verdict) return refuse(exchange, verdict.error());
    if (verdict->token_index) shared.with.metrics.token_match(*verdict->token_index).add();
    if (!verdict->listed) shared.with.metrics.unlisted.add();
    exchange->pass = shared.gate.enter();
    if (!exchange->pass) {
      exchange->close = true;
      std::exchange(exchange, nullptr)->answer(Outcome::kDraining);
      return;
    }

    notification::Envelope envelope = notification::read_envelope(request.body());
    const auto instance = acceptor->admit(*verdict, envelope.id_instance);
    if (!instance) return refuse(exchange, instance.error());
    shared.with.metrics.body_bytes.observe(static_cast<double>(request.body().size()));
    if (envelope.malformed != notification::Malformed::kNo) shared.with.metrics.malformed.add();

    const auto arrived = shared.with.clock.wall();
    stream::Entry entry;
    entry.id = base::make_uuid_v7(arrived);
    entry.id_instance = *instance;
    entry.chat = std::move(envelope.chat);
    entry.type_webhook = std::move(envelope.type_webhook);
    entry.received_ms = base::unix_ms(arrived);
    entry.source = stream::Source::kWebhook;
    exchange->id = entry.id;
    exchange->type_webhook = entry.type_webhook;
    if (exchange->request_id.empty()) exchange->request_id = entry.id;
    entry.trace = header(request, "traceparent");
    if (!is_traceparent(entry.trace)) entry.trace = exchange->request_id;
    entry.body = request.body();

    shared.with.metrics.in_flight.add(1);
    const auto deadline = exchange->arrived + shared.options.deadline;
    // The appender calls back exactly once; a bare pointer fits into its function without an allocation.
    shared.with.appender.submit(std::move(entry), deadline, [waiting = exchange.release()](append::Outcome outcome) {
      const std::unique_ptr<Exchange> answered(waiting);
      answered->shared->with.metrics.in_flight.add(-1);
      answered->answer(from(outcome));
    });
  }

  static void refuse(std::unique_ptr<Exchange>& exchange, accept::Refusal refusal) {
    const auto outcome = [refusal] {
      switch (refusal) {
        case accept::Refusal::kNotFound: return Outcome::kNotFound;
        case accept::Refusal::kMethod: return Outcome::kMethod;
        case accept::Refusal::kUnauthorized: return Outcome::kUnauthorized;
        case accept::Refusal::kAddress: return Outcome::kForbiddenAddress;
        case accept::Refusal::kInstance: return Outcome::kForbiddenInstance;
        case accept::Refusal::kTooLarge: return Outcome::kTooLarge;
      }
      return Outcome::kNotFound;  // unreachable while the switch is exhaustive
    }();
    std::exchange(exchange, nullptr)->answer(outcome);
  }

  std::shared_ptr<Shared> shared_;  // shared: the library clones the handler for each of its threads
};

}  // namespace

struct Server::Parts {
  Parts(const Options& options, std::shared_ptr<const accept::Acceptor> acceptor, Dependencies dependencies)
      : shared(std::make_shared<Shared>(options, std::move(acceptor), std::move(dependencies))) {}

  std::string probe_address() const {
    const std::string& listen = shared->options.listen;
    return listen.substr(0, listen.rfind(':') + 1) + std::to_string(port);
  }

  // A new connection each time: it proves that the event thread turns, and wakes an accept that the library has lost.
  void probe(const std::stop_token& stop) {
    base::Mutex mutex;
    base::CondVar stopping;
    const std::stop_callback wake(stop, [&] { stopping.notify_all(); });
    std::string detail;
    while (!stop.stop_requested()) {
      if (metrics::healthcheck(probe_address(), "/livez", detail)) {
        shared->with.beat();
      } else if (!stop.stop_requested()) {
        shared->with.metrics.probe_failures.add();
        shared->with.log.warn("probe.failed", "the webhook port does not answer its own process", {{"error", detail}});
      }
      const base::MutexLock lock(mutex);
      if (!stop.stop_requested()) stopping.wait_for(mutex, kProbeEvery);
    }
  }

  std::shared_ptr<Shared> shared;  // shared: exchanges hold it too
  std::unique_ptr<pistache::Http::Endpoint> endpoint;
  int port = 0;
  bool stopped = false;
  std::jthread prober;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() { drain(0ms); }

tl::expected<std::unique_ptr<Server>, std::string> Server::start(const Options& options, std::shared_ptr<const accept::Acceptor> acceptor,
                                                                 Dependencies dependencies) {
  auto parts = std::make_unique<Parts>(options, std::move(acceptor), std::move(dependencies));
  try {
    parts->endpoint = std::make_unique<pistache::Http::Endpoint>(pistache::Address(options.listen));
    parts->endpoint->init(
        pistache::Http::Endpoint::options()
            .threads(1)
            .threadsName("http")
            .flags(pistache::Flags<pistache::Tcp::Options>(pistache::Tcp::Options::ReuseAddr) | pistache::Tcp::Options::NoDelay)
            .maxRequestSize(options.body_max + kHeadersMax)
            .headerTimeout(kLibraryTimeout)
            .bodyTimeout(kLibraryTimeout)
            .keepaliveTimeout(kKeepaliveTimeout));
    parts->endpoint->setHandler(phttp::make_handler<WebhookHandler>(parts->shared));
    parts->endpoint->serveThreaded();
    parts->port = static_cast<int>(static_cast<std::uint16_t>(parts->endpoint->getPort()));
  } catch (const std::exception& error) {
    return tl::unexpected("cannot listen on " + options.listen + ": " + error.what() +
                          "; choose another address with server.listen, or end what holds this one");
  }
  parts->prober = base::start_thread("probe", [raw = parts.get()](const std::stop_token& stop) { raw->probe(stop); });
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

int Server::port() const { return parts_->port; }

void Server::set_acceptor(std::shared_ptr<const accept::Acceptor> acceptor) {
  const base::MutexLock lock(parts_->shared->mutex);
  parts_->shared->acceptor = std::move(acceptor);
}

bool Server::drain(std::chrono::milliseconds timeout) {
  if (std::exchange(parts_->stopped, true)) return true;
  Shared& shared = *parts_->shared;
  shared.gate.close();
  const bool empty = shared.gate.wait_empty(timeout);
  parts_->prober = {};
  // Answers leave through one queue in order: when this one has come, those before it are on their way.
  std::string detail;
  metrics::healthcheck(parts_->probe_address(), "/livez", detail);
  shared.kick.stop();
  parts_->endpoint->shutdown();
  return empty;
}

}  // namespace hookfleet::http
