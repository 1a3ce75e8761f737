#include "common/web/client.hpp"

#include <curl/curl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>
#include <optional>

#include "common/base/ascii.hpp"
#include "common/base/check.hpp"
#include "common/base/clock.hpp"
#include "common/base/number.hpp"
#include "common/base/thread.hpp"
#include "common/web/address.hpp"
#include "common/web/url.hpp"

namespace hookfleet::web {
namespace {

constexpr std::size_t kHeaderBytesMax = 64UL << 10;     // of all answers to a request, interim ones (1xx) too
constexpr long kConnectionSecondsMax = 300;             // then a new one is made: a name may have moved to another address
constexpr std::chrono::milliseconds kSleepMax{60'000};  // when libcurl has no timer
constexpr std::size_t kHandlesKept = 512;

struct FreeEasy {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  HOOKFLEET_CHECK(longer != nullptr);
  static_cast<void>(list.release());
  list.reset(longer);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

List header_list(const Headers& headers) {
  List list;
  // libcurl would ask large bodies' receivers first (100-continue): a second of waiting where they don't know it.
  append(list, "Expect:");
  for (const auto& [name, value] : headers) {
    std::string clean = value;
    std::replace_if(clean.begin(), clean.end(), is_control, ' ');
    // "Name;" is how libcurl is told of a header without a value; "Name:" would take it away.
    std::string line = name;
    if (clean.find_first_not_of(' ') == std::string::npos) {
      line += ';';
    } else {
      line.append(": ").append(clean);
    }
    append(list, line);
  }
  return list;
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  HOOKFLEET_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

void init_libcurl() {
  static std::once_flag once;
  std::call_once(once, [] { HOOKFLEET_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

}  // namespace

std::string_view to_text(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kConnect: return "connect";
    case ErrorKind::kTimeout: return "timeout";
    case ErrorKind::kTls: return "tls";
    case ErrorKind::kRefusedAddress: return "refused_address";
    case ErrorKind::kNoRoom: return "no_room";
    case ErrorKind::kBrokenAnswer: return "broken_answer";
    case ErrorKind::kCancelled: return "cancelled";
  }
  return {};
}

std::string_view Answer::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

/// Where requests go whose names are being looked up.
struct Client::Origin {
  std::size_t lookups = 0;
  std::deque<Ticket> held;  // in the order they came; some may have ended
};

/// One request under way.
struct Client::Flight {
  Ticket ticket = 0;
  Origin* looking_up = nullptr;  // it counts there
  Request request;
  Callback callback;
  Easy easy;
  List headers;
  Answer answer;
  std::size_t header_bytes = 0;
  bool headers_too_long = false;
  bool address_refused = false;
  Client* client = nullptr;  // of a request whose answer is held
  std::size_t held = 0;
  bool waiting = false;  // for room
  std::array<char, CURL_ERROR_SIZE> message{};

  void prepare();
  void looked_up();
  Result result(CURLcode code);

  // What libcurl calls
  static std::size_t take_header(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t take_body(char* data, std::size_t, std::size_t bytes, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
  static int before_request(void* self, char* remote, char* local, int remote_port, int local_port);
};

std::size_t Client::Flight::take_header(char* data, std::size_t, std::size_t bytes, void* self) {
  Flight& flight = *static_cast<Flight*>(self);
  flight.header_bytes += bytes;
  if (flight.header_bytes > kHeaderBytesMax) {
    flight.headers_too_long = true;
    return 0;
  }
  std::string_view line(data, bytes);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.substr(0, 5) == "HTTP/") flight.answer.headers.clear();  // the one before was an interim answer
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name = base::lower(line.substr(0, colon));
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t", colon + 1)));
  flight.answer.headers.emplace_back(std::move(name), line);
  return bytes;
}

std::size_t Client::Flight::take_body(char* data, std::size_t, std::size_t bytes, void* self) {
  Flight& flight = *static_cast<Flight*>(self);
  std::string& body = flight.answer.body;
  if (flight.client != nullptr && flight.held == 0 && !flight.client->hold(flight)) return CURL_WRITEFUNC_PAUSE;
  const std::size_t taken = std::min(bytes, flight.request.answer_bytes_max - body.size());
  body.append(data, taken);
  flight.answer.cut = taken < bytes;
  return taken;  // less than what came ends the transfer
}

curl_socket_t Client::Flight::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  Flight& flight = *static_cast<Flight*>(self);
  flight.looked_up();
  if (flight.request.refuse_private_addresses && !is_public(address->addr)) {
    flight.address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// A kept connection may have been opened for a request that goes everywhere.
int Client::Flight::before_request(void* self, char* remote, char*, int, int) {
  Flight& flight = *static_cast<Flight*>(self);
  flight.looked_up();
  if (!flight.request.refuse_private_addresses || is_public(remote)) return CURL_PREREQFUNC_OK;
  flight.address_refused = true;
  return CURL_PREREQFUNC_ABORT;
}

// Its name is known, or wasn't needed, or it has ended.
void Client::Flight::looked_up() {
  if (looking_up != nullptr) --std::exchange(looking_up, nullptr)->lookups;
}

void Client::Flight::prepare() {
  CURL* curl = easy.get();
  headers = header_list(request.headers);
  set(curl, CURLOPT_URL, request.url.c_str());
  set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set(curl, CURLOPT_PROXY, "");  // whatever the environment says
  set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(curl, CURLOPT_HTTP09_ALLOWED, 0L);
  set(curl, CURLOPT_USERAGENT, "hookfleet");
  set(curl, CURLOPT_NOSIGNAL, 1L);
  set(curl, CURLOPT_QUICK_EXIT, 1L);  // a name look-up that hangs must not hold the thread when its request ends
  set(curl, CURLOPT_MAXLIFETIME_CONN, kConnectionSecondsMax);
  set(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  set(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!request.ca_file.empty()) {
    set(curl, CURLOPT_CAINFO, request.ca_file.c_str());
    set(curl, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(curl, CURLOPT_ERRORBUFFER, message.data());
  set(curl, CURLOPT_PRIVATE, this);
  set(curl, CURLOPT_HTTPHEADER, headers.get());
  set(curl, CURLOPT_HEADERFUNCTION, take_header);
  set(curl, CURLOPT_HEADERDATA, this);
  set(curl, CURLOPT_WRITEFUNCTION, take_body);
  set(curl, CURLOPT_WRITEDATA, this);
  set(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(curl, CURLOPT_OPENSOCKETDATA, this);
  set(curl, CURLOPT_PREREQFUNCTION, before_request);
  set(curl, CURLOPT_PREREQDATA, this);
  if (request.body) {
    set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    set(curl, CURLOPT_POSTFIELDS, request.body->data());
  } else if (request.method == "POST") {
    set(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
    set(curl, CURLOPT_POSTFIELDS, "");
  }
  if (request.method == "HEAD") set(curl, CURLOPT_NOBODY, 1L);
  if (request.method != "POST") set(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

Result Client::Flight::result(CURLcode code) {
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && answer.cut)) {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    return std::move(answer);
  }
  curl_off_t ready = 0;  // when the request could be sent
  curl_easy_getinfo(easy.get(), CURLINFO_PRETRANSFER_TIME_T, &ready);
  const auto kind = [&] {
    if (address_refused) return ErrorKind::kRefusedAddress;
    if (waiting && code == CURLE_OPERATION_TIMEDOUT) return ErrorKind::kNoRoom;
    switch (code) {
      case CURLE_URL_MALFORMAT:
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_CONNECT: return ErrorKind::kConnect;
      case CURLE_UNSUPPORTED_PROTOCOL: return ready > 0 ? ErrorKind::kBrokenAnswer : ErrorKind::kConnect;  // an answer of HTTP/0.9, too
      case CURLE_OPERATION_TIMEDOUT: return ready > 0 ? ErrorKind::kTimeout : ErrorKind::kConnect;
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_SSL_ENGINE_NOTFOUND:
      case CURLE_SSL_ENGINE_SETFAILED:
      case CURLE_SSL_CERTPROBLEM:
      case CURLE_SSL_CIPHER:
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_ENGINE_INITFAILED:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_CRL_BADFILE:
      case CURLE_SSL_ISSUER_ERROR:
      case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      case CURLE_SSL_INVALIDCERTSTATUS: return ErrorKind::kTls;
      default: return ErrorKind::kBrokenAnswer;  // libcurl has nearly a hundred codes, and new ones
    }
  }();
  if (address_refused) return tl::unexpected(Error{kind, "the address is not a public one"});
  if (headers_too_long) return tl::unexpected(Error{kind, "the answer's headers are too long"});
  return tl::unexpected(Error{kind, message[0] != '\0' ? message.data() : curl_easy_strerror(code)});
}

/// libcurl's multi handle and what it waits for.
class Client::Multi {
 public:
  explicit Multi(const Options& options) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), multi_(curl_multi_init()) {
    HOOKFLEET_CHECK(epoll_ >= 0 && multi_ != nullptr);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Multi::watch);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Multi::set_timer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options.idle_connections_max));
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  }
  ~Multi() {
    idle_.clear();
    multi_.reset();
    ::close(epoll_);
  }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  void watch_wakeup(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    HOOKFLEET_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
  }

  void start(Flight& flight) {
    if (idle_.empty()) {
      flight.easy.reset(curl_easy_init());
    } else {
      flight.easy = std::move(idle_.back());
      idle_.pop_back();
    }
    HOOKFLEET_CHECK(flight.easy != nullptr);
    flight.prepare();
    HOOKFLEET_CHECK(curl_multi_add_handle(multi_.get(), flight.easy.get()) == CURLM_OK);
  }

  /// Takes on a body that was to wait.
  static void resume(Flight& flight) { HOOKFLEET_CHECK(curl_easy_pause(flight.easy.get(), CURLPAUSE_CONT) != CURLE_BAD_FUNCTION_ARGUMENT); }

  void remove(Flight& flight) {
    curl_multi_remove_handle(multi_.get(), flight.easy.get());
    curl_easy_reset(flight.easy.get());
    if (idle_.size() < kHandlesKept) idle_.push_back(std::move(flight.easy));
    flight.easy.reset();
  }

  /// Waits for the sockets, the timer or the wake-up and lets libcurl act.
  void act(base::Wakeup& wakeup) {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), sleep_ms());
    int running = 0;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == wakeup.fd()) {
        wakeup.clear();
        continue;
      }
      const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) | ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                       ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_.get(), event.data.fd, what, &running);
    }
    if (timer_ && base::BootClock::now() >= *timer_) {
      timer_.reset();
      curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    }
  }

  /// The next request that ended.
  std::optional<std::pair<Flight*, CURLcode>> ended() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* flight = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
      return std::pair{reinterpret_cast<Flight*>(flight), message->data.result};
    }
    return std::nullopt;
  }

 private:
  static int watch(CURL*, curl_socket_t fd, int what, void* self, void*) {
    const int epoll = static_cast<Multi*>(self)->epoll_;
    if (what == CURL_POLL_REMOVE) {
      ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
      return 0;
    }
    epoll_event event{};
    event.data.fd = fd;
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    // A descriptor that was closed and is there again is a new one to epoll.
    if (::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0) ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    return 0;
  }

  static int set_timer(CURLM*, long timeout_ms, void* self) {
    auto& timer = static_cast<Multi*>(self)->timer_;
    timer.reset();
    if (timeout_ms >= 0) timer = base::BootClock::now() + std::chrono::milliseconds(timeout_ms);
    return 0;
  }

  int sleep_ms() const {
    if (!timer_) return static_cast<int>(kSleepMax.count());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*timer_ - base::BootClock::now());
    return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kSleepMax).count());
  }

  int epoll_;
  std::optional<base::BootTime> timer_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::vector<Easy> idle_;  // handles to use again: making one costs more than a request's own work
};

Client::Client(const Options& options) : lookups_max_(options.lookups_max), held_bytes_max_(options.held_bytes_max) {
  init_libcurl();
  multi_ = std::make_unique<Multi>(options);
  multi_->watch_wakeup(wakeup_.fd());
  thread_ = base::start_thread("web", [this](const std::stop_token& stop) { run(stop); });
}

Client::~Client() {
  thread_.request_stop();
  wakeup_.signal();
}

Client::Ticket Client::send(Request request, Callback callback) {
  auto flight = std::make_unique<Flight>();
  flight->request = std::move(request);
  flight->callback = std::move(callback);
  if (flight->request.held) flight->client = this;
  bool first = false;
  Ticket ticket = 0;
  {
    base::MutexLock lock(mutex_);
    ticket = flight->ticket = ++last_ticket_;
    first = sent_.empty();
    sent_.push_back(std::move(flight));
  }
  if (first) wakeup_.signal();
  return ticket;
}

void Client::cancel(Ticket ticket) {
  {
    base::MutexLock lock(mutex_);
    cancelled_.push_back(ticket);
  }
  wakeup_.signal();
}

void Client::give_back(std::size_t bytes) {
  held_bytes_ -= bytes;
  if (answers_waiting_ > 0) wakeup_.signal();
}

// Its body's room is taken at once, all of it: with a part each, many could wait for one another.
bool Client::hold(Flight& flight) {
  const std::size_t most = flight.request.answer_bytes_max;
  const auto length = base::to_number<std::uint64_t>(flight.answer.header("content-length"));
  const std::size_t bytes = std::max<std::size_t>(1, length ? std::min<std::uint64_t>(*length, most) : most);
  const std::size_t held = held_bytes_;
  const bool first = waiting_.empty() || flight.waiting;
  if (!first || (held_bytes_max_ > 0 && held > 0 && (bytes > held_bytes_max_ || held > held_bytes_max_ - bytes))) {
    if (!std::exchange(flight.waiting, true)) {
      waiting_.push_back(flight.ticket);
      ++answers_waiting_;
    }
    return false;
  }
  flight.held = bytes;
  held_bytes_ += bytes;
  return true;
}

void Client::resume_waiting() {
  while (!waiting_.empty()) {
    Flight& flight = *flights_.at(waiting_.front());
    if (!hold(flight)) return;
    flight.waiting = false;
    waiting_.pop_front();
    --answers_waiting_;
    Multi::resume(flight);
  }
}

void Client::take_in() {
  std::vector<std::unique_ptr<Flight>> sent;
  std::vector<Ticket> cancelled;
  {
    base::MutexLock lock(mutex_);
    sent.swap(sent_);
    cancelled.swap(cancelled_);
  }
  for (auto& flight : sent) {
    Flight& begun = *flight;
    flights_.emplace(begun.ticket, std::move(flight));
    start(begun);
  }
  for (const Ticket ticket : cancelled) end(ticket, tl::unexpected(Error{ErrorKind::kCancelled, "cancelled"}));
}

void Client::start(Flight& flight) {
  if (lookups_max_ > 0) {
    std::unique_ptr<Origin>& origin = origins_[origin_of(flight.request.url)];
    if (!origin) origin = std::make_unique<Origin>();
    if (origin->lookups >= lookups_max_) return origin->held.push_back(flight.ticket);
    ++origin->lookups;
    flight.looking_up = origin.get();
  }
  multi_->start(flight);
}

void Client::start_held() {
  for (auto at = origins_.begin(); at != origins_.end();) {
    Origin& origin = *at->second;
    while (!origin.held.empty() && origin.lookups < lookups_max_) {
      const auto flight = flights_.find(origin.held.front());
      origin.held.pop_front();
      if (flight == flights_.end()) continue;  // cancelled meanwhile
      ++origin.lookups;
      flight->second->looking_up = &origin;
      multi_->start(*flight->second);
    }
    at = origin.held.empty() && origin.lookups == 0 ? origins_.erase(at) : std::next(at);
  }
}

void Client::end(Ticket ticket, Result result) {
  const auto found = flights_.find(ticket);
  if (found == flights_.end()) return;
  const std::unique_ptr<Flight> flight = std::move(found->second);
  flights_.erase(found);
  flight->looked_up();
  if (flight->easy) multi_->remove(*flight);
  if (flight->waiting) {
    std::erase(waiting_, ticket);
    --answers_waiting_;
  }
  if (flight->held > 0) {
    if (result) result->held = std::min(flight->held, result->body.size());
    held_bytes_ -= flight->held - (result ? result->held : 0);
  }
  flight->callback(std::move(result));
}

void Client::run(const std::stop_token& stop) {
  // Writing to a connection that the peer has closed is an error to be told, never a signal.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  while (!stop.stop_requested()) {
    multi_->act(wakeup_);
    while (const auto ended = multi_->ended()) {
      Flight& flight = *ended->first;
      end(flight.ticket, flight.result(ended->second));
    }
    take_in();
    start_held();
    resume_waiting();
  }
  for (take_in(); !flights_.empty(); take_in()) {  // callbacks may send: that is answered too
    while (!flights_.empty()) end(flights_.begin()->first, tl::unexpected(Error{ErrorKind::kCancelled, "the client ends"}));
  }
}

}  // namespace hookfleet::web
