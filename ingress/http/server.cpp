#include "ingress/http/server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <pistache/endpoint.h>
#include <pistache/http.h>
#include <pistache/http_headers.h>
#include <pistache/peer.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/ascii.hpp"
#include "common/base/gate.hpp"
#include "common/base/thread.hpp"
#include "common/log/rate_limit.hpp"
#include "common/metrics/address.hpp"
#include "common/metrics/listener.hpp"
#include "ingress/http/kick.hpp"
#include "ingress/http/tracing.hpp"

namespace hookfleet::http {
namespace {

using namespace std::chrono_literals;
namespace phttp = Pistache::Http;
namespace ptcp = Pistache::Tcp;

// The library's limits lie beyond ours, so that it never answers by itself.
constexpr std::size_t kHeadersMax = 64UL << 10;
constexpr auto kProbeEvery = 1s;
constexpr auto kProbeLogEvery = 10s;
constexpr auto kFlush = 10s;  // for the last answers to reach their sockets

bool same(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(), [](char a, char b) { return base::lower(a) == b; });
}

std::string_view name_of(phttp::Method method) {
  switch (method) {
    case phttp::Method::Post: return "POST";
    case phttp::Method::Get: return "GET";
    case phttp::Method::Head: return "HEAD";
    default: return "";
  }
}

// The library lets 128 connections wait to be accepted, whatever backlog() says, and drops what comes beyond; nginx then waits for its
// connect timeout (measured: of 500 clients at once 300 got 502). The socket is the library's own: it is the one that listens on our port.
void lengthen_backlog(int port) {
  for (int fd = 0; fd < 1024; ++fd) {  // a low one, this early in the process's life
    int listens = 0;
    socklen_t length = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0) continue;
    sockaddr_in6 address{};
    length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) continue;
    if (ntohs(address.sin6_port) == port) ::listen(fd, SOMAXCONN);  // IPv4's port stands at the same place
  }
}

// True on the event thread while a request is being handled: whoever sent it is there, and nobody else closes its connection.
thread_local bool handling = false;

// To a peer that may be gone meanwhile; false when it is. What is decided at once goes straight to its socket: the library queues answers
// by descriptor, and while one waits, a peer that resets its connection leaves it to the next one (measured: others got false 401s, and
// with answers shifted by one a 200 that wasn't theirs). What comes later goes through the peer's queue, without ResponseWriter's
// formatting; there nginx keeps the connection, whatever its client does.
bool write(const std::weak_ptr<ptcp::Peer>& to, std::string text) {
  const auto peer = to.lock();
  if (!peer) return false;
  peer->setIdle(true);  // as ResponseWriter::send() does: from now on keepaliveTimeout counts, not headerTimeout
  const std::size_t size = text.size();
  if (handling) return ::send(peer->fd(), text.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(size);
  peer->send(Pistache::RawBuffer(std::move(text), size));
  return true;
}

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(Options given, Hooks hooks, const Metrics& counters, log::Logger logger)
      : options(std::move(given)), with(std::move(hooks)), metrics(counters), log(std::move(logger)) {}

  void probe(const std::stop_token& stop);
  bool turned();

  const Options options;
  const Hooks with;
  const Metrics metrics;
  const log::Logger log;
  base::Gate gate;
  Kick kick;
  log::RateLimit probe_failed{kProbeLogEvery};
  std::string probe_address;
  int port = 0;
  std::optional<Drained> drained;
  std::atomic<std::uint64_t> taken = 0;  // requests that the event thread is through with, probes too
  base::Mutex mutex;
  base::CondVar ended;
  bool ending HOOKFLEET_GUARDED_BY(mutex) = false;
  std::jthread prober;
  std::unique_ptr<phttp::Endpoint> endpoint;  // last: its threads use all of the above
};

struct Reply::Open {
  std::shared_ptr<Server::State> server;  // shared: it must be there when the pass leaves its gate
  base::Gate::Pass pass;
  std::weak_ptr<ptcp::Peer> peer;
  Form form;
};

Reply::Reply(std::unique_ptr<Open> open) : open_(std::move(open)) {}
Reply::Reply(Reply&&) noexcept = default;
Reply::~Reply() {
  if (open_) answer(Outcome::kFailed);
}

void Reply::answer(Outcome outcome, std::string_view request_id, std::string_view id) noexcept {
  const std::unique_ptr<Open> open = std::move(open_);
  if (!open) return;
  Server::State& server = *open->server;
  const Answer& row = http::answer(outcome);
  server.metrics.deliveries[static_cast<std::size_t>(outcome)].add();
  server.metrics.in_flight.add(-1);
  try {
    // In flight or not never hangs on the promise of a write: it may settle neither way.
    if (!write(open->peer, response(row.status, row.header, row.value, request_id, body_of(outcome, id), open->form))) {
      server.metrics.answers_dropped.add();
    }
    server.kick.after_send();
  } catch (...) {
    server.metrics.answers_dropped.add();
  }
}

// The library makes a copy for each of its threads; there is one.
class Server::Endpoint final : public phttp::Handler {
 public:
  HTTP_PROTOTYPE(Endpoint)
  explicit Endpoint(State* server) : server_(server) {}

  // Nothing may be thrown out of here: the library sends exception texts to the client, and dies of what isn't a std::exception.
  void onRequest(const phttp::Request& request, phttp::ResponseWriter response) override {
    handling = true;
    try {
      handle(request, response);
    } catch (const std::exception& error) {
      server_->log.error("delivery.failed", "handling a request threw", {{"error", error.what()}});
    } catch (...) {
      server_->log.error("delivery.failed", "handling a request threw", {{"error", "not a std::exception"}});
    }
    handling = false;
    ++server_->taken;
  }

 private:
  void handle(const phttp::Request& received, const phttp::ResponseWriter& writer) {
    server_->kick.through(transport());
    const auto peer = writer.getPeer();
    if (!peer) return;
    Request request{.method = name_of(received.method()),
                    .path = received.resource(),
                    .peer = {},
                    .authorization = {},
                    .forwarded_for = {},
                    .refused = {},
                    .request_id = {},
                    .traceparent = {},
                    .body = received.body()};
    Form form{.head = request.method == "HEAD", .close = received.version() == phttp::Version::Http10};
    if (request.path == "/healthz" || request.path == "/livez") return answer_health(request, peer, form);
    for (const auto& [name, raw] : received.headers().rawList()) {
      if (same(name, "authorization")) {
        request.authorization = raw.value();
      } else if (same(name, "x-forwarded-for")) {
        request.forwarded_for = raw.value();
      } else if (same(name, "x-request-id")) {
        request.request_id = raw.value();
      } else if (same(name, "traceparent")) {
        request.traceparent = raw.value();
      } else if (same(name, "x-hookfleet-refused")) {
        request.refused = raw.value();
      } else if (same(name, "connection")) {
        form.close = same(raw.value(), "close");
      }
    }
    request.peer = connection_of(received, *peer).address;

    auto pass = server_->gate.enter();
    if (!pass) {
      form.close = true;  // nginx needn't keep it
      const Answer& row = answer(Outcome::kDraining);
      server_->metrics.deliveries[static_cast<std::size_t>(Outcome::kDraining)].add();
      const std::string_view id = is_request_id(request.request_id) ? request.request_id : std::string_view();
      write(peer, response(row.status, row.header, row.value, id, body_of(Outcome::kDraining, {}), form));
      return;
    }
    server_->metrics.in_flight.add(1);
    server_->with.handle(request,
                         Reply(std::make_unique<Reply::Open>(Reply::Open{server_->shared_from_this(), std::move(*pass), peer, form})));
  }

  void answer_health(const Request& request, const std::shared_ptr<ptcp::Peer>& peer, Form form) {
    if (request.method != "GET" && request.method != "HEAD") {
      write(peer, response(405, "Allow", "GET, HEAD", {}, body_of(Outcome::kMethod, {}), form));
      return;
    }
    const bool ok = request.path == "/livez" || server_->with.ready();
    write(peer, response(ok ? 200 : 503, {}, {}, {}, ok ? R"({"status":"ok"})" : R"({"status":"unready"})", form));
  }

  struct Connection {
    std::size_t peer = ~std::size_t{0};  // its number
    std::string address;                 // kept: writing it costs the library a printf
  };
  // Counts those that brought a delivery: neither the self-probe's nor health checks. Descriptors are reused, numbers of peers aren't.
  const Connection& connection_of(const phttp::Request& received, const ptcp::Peer& peer) {
    const auto fd = static_cast<std::size_t>(peer.fd());
    if (fd >= connections_.size()) connections_.resize(fd + 64);
    Connection& connection = connections_[fd];
    if (std::exchange(connection.peer, peer.getID()) != peer.getID()) {
      connection.address = received.address().host();
      server_->metrics.connections.add();
    }
    return connection;
  }

  State* server_;
  std::vector<Connection> connections_;  // by descriptor
};

// A new connection each time: it proves that the event thread turns, and frees connections and answers whose wake-up the library lost.
bool Server::State::turned() {
  std::string detail;
  if (metrics::healthcheck(probe_address, "/livez", detail)) return true;
  if (const auto suppressed = probe_failed.pass(base::BootClock::now())) {
    log.warn("probe.failed", "the webhook port does not answer its own process", {{"error", detail}, {"suppressed", *suppressed}});
  }
  metrics.probe_failures.add();  // what is counted is logged
  return false;
}

void Server::State::probe(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    // Without a descriptor for a probe (or for its other end) the requests of others tell as much.
    const std::uint64_t before = taken;
    if ((turned() || taken != before) && with.beat) with.beat();
    const base::MutexLock lock(mutex);
    if (!ending) ended.wait_for(mutex, kProbeEvery);
  }
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { drain(0ms); }

tl::expected<std::unique_ptr<Server>, std::string> Server::start(const Options& options, Hooks hooks, const Metrics& metrics,
                                                                 log::Logger log) {
  auto state = std::make_shared<State>(options, std::move(hooks), metrics, std::move(log));
  const auto failed = [&](const std::string& why) {
    return tl::unexpected("server.listen: " + options.listen + ": " + why + "; choose another address, or end what holds this one");
  };
  auto address = metrics::parse_address(options.listen);
  if (!address) return failed(address.error());
  try {
    state->endpoint = std::make_unique<phttp::Endpoint>(Pistache::Address(address->text()));
    state->endpoint->init(phttp::Endpoint::options()
                              .threads(1)
                              .threadsName("http")
                              .flags(Pistache::Flags<ptcp::Options>(ptcp::Options::ReuseAddr) | ptcp::Options::NoDelay)
                              .maxRequestSize(options.body_max + kHeadersMax)
                              .headerTimeout(kRequestTimeout)
                              .bodyTimeout(kRequestTimeout)
                              .keepaliveTimeout(kKeepaliveTimeout));
    state->endpoint->setHandler(phttp::make_handler<Endpoint>(state.get()));
    state->endpoint->serveThreaded();
    state->port = static_cast<int>(static_cast<std::uint16_t>(state->endpoint->getPort()));
  } catch (const std::exception& error) {
    return failed(error.what());
  }
  lengthen_backlog(state->port);
  const std::string host = address->reachable().text();
  state->probe_address = host.substr(0, host.rfind(':') + 1) + std::to_string(state->port);
  state->prober = base::start_thread("probe", [raw = state.get()](const std::stop_token& stop) { raw->probe(stop); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

int Server::port() const { return state_->port; }

Server::Drained Server::drain(std::chrono::milliseconds timeout) {
  if (state_->drained) return *state_->drained;
  state_->gate.close();
  const bool empty = state_->gate.wait_empty(timeout);
  state_->prober.request_stop();
  {
    const base::MutexLock lock(state_->mutex);
    state_->ending = true;
    state_->ended.notify_one();
  }
  state_->prober.join();
  // Answers leave by one queue, in order: when the second has come, those before the first are in their sockets.
  const auto deadline = base::BootClock::now() + kFlush;
  bool turns = state_->turned();
  while (!turns && base::BootClock::now() < deadline) turns = state_->turned();
  if (turns) state_->turned();
  state_->kick.stop();
  if (!turns) return state_->drained.emplace(Drained::kHung);  // shutdown() would wait for it
  state_->endpoint->shutdown();
  return state_->drained.emplace(empty ? Drained::kAll : Drained::kCutOff);
}

}  // namespace hookfleet::http

#ifdef __SANITIZE_THREAD__
// Debian's libpistache isn't instrumented: the sanitizer sees neither the atomics of its queue nor its reference counts, and takes what it
// hands between threads for races. So what an uninstrumented library touches by itself doesn't count, memory it frees neither: where a
// connection ends at once, the accepting thread is the last to hold what an event thread made. What our code touches counts.
// NOLINTBEGIN(bugprone-reserved-identifier): the names that the sanitizer looks for
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }

extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:Pistache::Queue<\n"
         "race:Pistache::Async::\n"
         "race:Pistache::Http::Private::ParserImpl\n"
         "race:Pistache::Tcp::Transport::asyncWriteImpl\n"
         "race:Pistache::Tcp::Transport::handleWriteQueue\n"
         "race:Pistache::Tcp::Transport::removePeer\n";
}
// NOLINTEND(bugprone-reserved-identifier)
#endif
