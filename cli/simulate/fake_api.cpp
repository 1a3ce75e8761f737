#include "cli/simulate/fake_api.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/base/clock.hpp"
#include "common/base/number.hpp"

namespace hookfleet::simulate {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::minutes kBetweenClears{1};
constexpr int kReceiveTimeoutDefault = 5;
constexpr int kReceiveTimeoutMax = 60;

/// The part before the next '/', which is taken away with it.
std::string_view next_part(std::string_view& path) {
  const std::size_t slash = path.find('/');
  const std::string_view part = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return part;
}

/// "1": the receiveTimeout that a query gives; nothing when it isn't a number.
std::optional<int> receive_timeout(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    constexpr std::string_view kName = "receiveTimeout=";
    if (parameter.substr(0, kName.size()) == kName) return base::to_number<int>(parameter.substr(kName.size()));
  }
  return kReceiveTimeoutDefault;
}

Json new_settings() {
  Json settings = {{"webhookUrl", ""}, {"webhookUrlToken", ""}, {"delaySendMessagesMilliseconds", 500}};
  for (const char* name :
       {"incomingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "outgoingWebhook", "pollMessageWebhook",
        "editedMessageWebhook", "deletedMessageWebhook", "incomingCallWebhook", "outgoingCallWebhook", "stateWebhook", "deviceWebhook",
        "incomingBlockWebhook", "markIncomingMessagesReaded", "markIncomingMessagesReadedOnReply", "keepOnlineStatus"}) {
    settings[name] = "no";
  }
  return settings;
}

std::string text_of(const Json& settings, const char* name) {
  const auto found = settings.find(name);
  return found != settings.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Whether the service makes this notification with these settings. Those that no switch is documented for come always.
bool is_switched_on(const Json& settings, const std::string& body) {
  const auto on = [&](const char* name) { return text_of(settings, name) == "yes"; };
  const Json notification = Json::parse(body, nullptr, false);
  if (!notification.is_object()) return true;
  const std::string type = text_of(notification, "typeWebhook");
  // They come even when the switch is off: somebody has to know.
  if (type == "outgoingMessageStatus") {
    const std::string status = text_of(notification, "status");
    return status == "noAccount" || status == "failed" || on("outgoingWebhook");
  }
  if (type == "incomingCall") return on("incomingCallWebhook") && on("incomingWebhook");
  if (type == "outgoingCall") return on("outgoingCallWebhook");
  if (type == "stateInstanceChanged" || type == "statusInstanceChanged") return on("stateWebhook");
  if (type == "deviceInfo") return on("deviceWebhook");
  if (type == "incomingBlock") return on("incomingBlockWebhook");
  const std::pair<const char*, const char*> messages[] = {{"incomingMessageReceived", "incomingWebhook"},
                                                          {"outgoingMessageReceived", "outgoingMessageWebhook"},
                                                          {"outgoingAPIMessageReceived", "outgoingAPIMessageWebhook"}};
  const std::pair<const char*, const char*> kinds[] = {{"pollMessage", "pollMessageWebhook"},
                                                       {"pollUpdateMessage", "pollMessageWebhook"},
                                                       {"editedMessage", "editedMessageWebhook"},
                                                       {"deletedMessage", "deletedMessageWebhook"}};
  for (const auto& [message, name] : messages) {
    if (type != message) continue;
    if (!on(name)) return false;
    const auto data = notification.find("messageData");
    const std::string of_kind = data != notification.end() && data->is_object() ? text_of(*data, "typeMessage") : std::string();
    for (const auto& [kind, its_switch] : kinds) {
      if (of_kind == kind) return on(its_switch);
    }
  }
  return true;
}

/// How often within the second that began with the first.
struct Rate {
  std::chrono::steady_clock::time_point began{};
  int count = 0;

  bool exceeds(int per_second, std::chrono::steady_clock::time_point now) {
    if (per_second <= 0) return false;
    if (now - began >= std::chrono::seconds(1)) {
      began = now;
      count = 0;
    }
    return ++count > per_second;
  }
};

}  // namespace

struct FakeApi::Call {
  std::uint64_t instance = 0;
  std::string_view method, token, rest, query, path;
};

struct FakeApi::Queue {
  struct Waiting {
    HttpServer::RequestId request = 0;
    Fault fault = Fault::kNone;
  };

  std::uint64_t id = 0;
  std::string token;
  std::string state = "authorized";
  Json settings = new_settings();  // what getSettings tells
  Json works = settings;           // what works of them
  std::uint64_t settling = 0;      // changes that don't work yet: the newest one's number
  int refused_status = 0;
  std::string refused_message;
  std::deque<std::pair<Time, Notification>> notifications;
  std::vector<Waiting> waiting;
  std::optional<Time> counted, cleared;
  std::size_t count = 0;
  Rate receives, removes, reads, writes;
  Record record;
};

FakeApi::FakeApi(Options options, WebhookHook webhook)
    : options_(options), webhook_(std::move(webhook)), faults_(options.faults), random_(options.seed) {
  server_ = std::make_unique<HttpServer>([this](const HttpServer::Request& request) { return handle(request); }, options_.port,
                                         [this](HttpServer::RequestId request) { ended(request); });
  server_->forget_requests();
}

FakeApi::~FakeApi() { server_.reset(); }

void FakeApi::add_instance(Instance instance) {
  auto queue = std::make_shared<Queue>();
  queue->id = instance.id;
  queue->token = std::move(instance.token);
  base::MutexLock lock(mutex_);
  queues_[instance.id] = std::move(queue);
}

void FakeApi::remove_instance(std::uint64_t id) {
  base::MutexLock lock(mutex_);
  queues_.erase(id);
}

void FakeApi::set_token(std::uint64_t id, std::string token) {
  base::MutexLock lock(mutex_);
  if (Queue* queue = find(id)) queue->token = std::move(token);
}

void FakeApi::set_settings(std::uint64_t id, std::string_view json) {
  {
    base::MutexLock lock(mutex_);
    Queue* queue = find(id);
    if (queue == nullptr) return;
    queue->settings.update(Json::parse(json));
    ++queue->settling;
  }
  work(id);
}

std::string FakeApi::settings(std::uint64_t id) const {
  base::MutexLock lock(mutex_);
  const Queue* queue = find(id);
  return queue == nullptr ? "{}" : queue->settings.dump();
}

void FakeApi::set_state(std::uint64_t id, std::string state) {
  base::MutexLock lock(mutex_);
  if (Queue* queue = find(id)) queue->state = std::move(state);
}

void FakeApi::refuse(std::uint64_t id, int status, std::string message) {
  base::MutexLock lock(mutex_);
  Queue* queue = find(id);
  if (queue == nullptr) return;
  queue->refused_status = status;
  queue->refused_message = std::move(message);
}

void FakeApi::set_faults(const Faults& faults) {
  base::MutexLock lock(mutex_);
  faults_ = faults;
}

std::int64_t FakeApi::enqueue(std::uint64_t id, std::string body) {
  base::MutexLock lock(mutex_);
  Queue* queue = find(id);
  if (queue == nullptr || (options_.switches && !is_switched_on(queue->works, body))) return 0;
  const std::int64_t receipt = ++last_receipt_;
  queue->notifications.emplace_back(std::chrono::steady_clock::now(), Notification{receipt, std::move(body)});
  ++queue->record.enqueued;
  for (const Queue::Waiting& waiting : std::exchange(queue->waiting, {})) server_->finish(waiting.request, deliver(*queue, waiting.fault));
  return receipt;
}

std::optional<FakeApi::Notification> FakeApi::front(std::uint64_t id) const {
  base::MutexLock lock(mutex_);
  Queue* queue = find(id);
  if (queue == nullptr) return std::nullopt;
  forget_old(*queue);
  if (queue->notifications.empty()) return std::nullopt;
  return queue->notifications.front().second;
}

bool FakeApi::remove(std::uint64_t id, std::int64_t receipt_id) {
  base::MutexLock lock(mutex_);
  Queue* queue = find(id);
  return queue != nullptr && take(*queue, receipt_id);
}

FakeApi::Record FakeApi::record(std::uint64_t id) const {
  base::MutexLock lock(mutex_);
  const Queue* queue = find(id);
  if (queue == nullptr) return {};
  Record record = queue->record;
  record.waiting = queue->notifications.size();
  return record;
}

std::size_t FakeApi::waiting() const {
  base::MutexLock lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [id, queue] : queues_) sum += queue->notifications.size();
  return sum;
}

std::size_t FakeApi::receives_now() const {
  base::MutexLock lock(mutex_);
  return under_way_.size();
}

std::uint64_t FakeApi::receives() const {
  base::MutexLock lock(mutex_);
  return receives_;
}

std::uint64_t FakeApi::deleted() const {
  base::MutexLock lock(mutex_);
  return deleted_;
}

std::vector<std::string> FakeApi::take_deleted() {
  base::MutexLock lock(mutex_);
  return std::exchange(handed_out_, {});
}

FakeApi::Queue* FakeApi::find(std::uint64_t id) const {
  const auto found = queues_.find(id);
  return found == queues_.end() ? nullptr : found->second.get();
}

FakeApi::Fault FakeApi::roll() {
  double dice = std::uniform_real_distribution<double>(0, 1)(random_);
  const std::pair<double, Fault> faults[] = {{faults_.error_500, Fault::kError500},  {faults_.error_502, Fault::kError502},
                                             {faults_.throttled, Fault::kThrottled}, {faults_.cut_before, Fault::kCutBefore},
                                             {faults_.cut_after, Fault::kCutAfter},  {faults_.late, Fault::kLate}};
  for (const auto& [probability, fault] : faults) {
    if (dice < probability) return fault;
    dice -= probability;
  }
  return Fault::kNone;
}

FakeApi::Reply FakeApi::answer(int status, std::string body) const {
  Reply reply = Reply::of(status, {{"Content-Type", "application/json; charset=utf-8"}});
  reply.body = std::move(body);
  reply.delay = options_.latency;
  return reply;
}

// The service's errors name the path, and so the token: a client's logs must stand that.
FakeApi::Reply FakeApi::error(int status, const Call& call, std::string_view message) const {
  const Json body = {{"statusCode", status},
                     {"timestamp", base::rfc3339(std::chrono::system_clock::now())},
                     {"path", std::string(call.path)},
                     {"message", std::string(message)}};
  return answer(status, body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

FakeApi::Reply FakeApi::handle(const HttpServer::Request& request) {
  Call call;
  call.path = request.target;
  std::string_view rest = call.path;
  if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
    call.query = rest.substr(query + 1);
    rest = rest.substr(0, query);
  }
  constexpr std::string_view kPrefix = "/waInstance";
  if (rest.substr(0, kPrefix.size()) != kPrefix) return error(404, call, "Not Found");
  rest.remove_prefix(kPrefix.size());
  const auto id = base::to_number<std::uint64_t>(next_part(rest));
  call.method = next_part(rest);
  call.token = next_part(rest);
  call.rest = rest;

  base::MutexLock lock(mutex_);
  Queue* queue = id ? find(*id) : nullptr;
  if (queue == nullptr) return error(403, call, "Forbidden");
  call.instance = *id;
  if (call.token != queue->token) {
    ++queue->record.refused;
    return error(401, call, "Unauthorized");
  }
  if (queue->refused_status != 0) {
    ++queue->record.refused;
    return error(queue->refused_status, call, queue->refused_message);
  }
  const Fault fault = roll();
  if (fault != Fault::kNone) ++queue->record.faults;
  switch (fault) {
    case Fault::kError500: return error(500, call, "Internal Server Error");
    case Fault::kError502: {
      Reply reply = answer(502, "<html><head><title>502 Bad Gateway</title></head></html>");
      reply.headers = {{"Content-Type", "text/html"}};
      return reply;
    }
    case Fault::kThrottled: return error(429, call, "Too Many Requests");
    case Fault::kCutBefore: return Reply::close();
    case Fault::kNone:
    case Fault::kCutAfter:
    case Fault::kLate: break;
  }
  return perform(request, call, *queue, fault);
}

FakeApi::Reply FakeApi::perform(const HttpServer::Request& request, const Call& call, Queue& queue, Fault fault) {
  const Time now = std::chrono::steady_clock::now();
  const auto throttled = [&](Rate& rate, int per_second) {
    if (!rate.exceeds(per_second, now)) return false;
    ++queue.record.refused;
    return true;
  };
  const auto is = [&](std::string_view method, std::string_view name) { return request.method == method && call.method == name; };
  const auto too_many = [&] { return error(429, call, "Too Many Requests"); };

  if (is("GET", "receiveNotification")) {
    if (throttled(queue.receives, options_.rates.receive)) return too_many();
    return receive(request, call, queue, fault);
  }
  if (is("DELETE", "deleteNotification")) {
    if (throttled(queue.removes, options_.rates.remove)) return too_many();
    const auto receipt = base::to_number<std::int64_t>(call.rest);
    if (!receipt) return error(400, call, "Validation failed. Details: 'receiptId' must be a number");
    const bool taken = take(queue, *receipt);
    return delayed(answer(200, taken ? R"({"result":true,"reason":""})" : R"({"result":false,"reason":"no such receipt"})"), fault);
  }
  if (is("GET", "getWebhooksCount")) {
    forget_old(queue);
    if (!queue.counted || now - *queue.counted >= options_.count_refresh) {
      queue.counted = now;
      queue.count = queue.notifications.size();
    }
    return delayed(answer(200, R"({"count":)" + std::to_string(queue.count) + "}"), fault);
  }
  if (is("DELETE", "clearWebhooksQueue")) {
    if (queue.cleared && now - *queue.cleared < kBetweenClears) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(kBetweenClears - (now - *queue.cleared)).count();
      return delayed(answer(200, R"({"isCleared":false,"reason":"once a minute at most","leftTime":)" + std::to_string(left) + "}"), fault);
    }
    queue.cleared = now;
    queue.record.cleared += queue.notifications.size();
    queue.notifications.clear();
    return delayed(answer(200, R"({"isCleared":true,"reason":"","leftTime":0})"), fault);
  }
  if (is("GET", "getStateInstance")) return delayed(answer(200, Json({{"stateInstance", queue.state}}).dump()), fault);
  if (is("GET", "getSettings")) {
    if (throttled(queue.reads, options_.rates.settings)) return too_many();
    return delayed(answer(200, queue.settings.dump()), fault);
  }
  if (is("POST", "setSettings")) {
    if (throttled(queue.writes, options_.rates.settings)) return too_many();
    return delayed(change_settings(request, call, queue), fault);
  }
  return error(404, call, "Not Found");
}

FakeApi::Reply FakeApi::receive(const HttpServer::Request& request, const Call& call, Queue& queue, Fault fault) {
  const std::optional<int> seconds = receive_timeout(call.query);
  if (!seconds || *seconds < kReceiveTimeoutDefault || *seconds > kReceiveTimeoutMax) {
    return error(400, call, "Validation failed. Details: 'receiveTimeout' must be between 5 and 60");
  }
  if (!text_of(queue.works, "webhookUrl").empty()) return error(400, call, "custom webhook url is set");
  Record& record = queue.record;
  ++record.receives;
  ++receives_;
  record.receives_at_once_max = std::max(record.receives_at_once_max, ++record.receives_now);
  under_way_.emplace(request.id, queues_.at(queue.id));
  forget_old(queue);
  if (!queue.notifications.empty()) return deliver(queue, fault);
  queue.waiting.push_back({request.id, fault});
  Reply reply = delayed(answer(200, "null"), fault);
  reply.delay += *seconds * options_.second;
  return reply;
}

FakeApi::Reply FakeApi::deliver(Queue& queue, Fault fault) {
  const Notification& first = queue.notifications.front().second;
  if (queue.record.received.size() < options_.record_max) queue.record.received.push_back(first.receipt_id);
  return delayed(answer(200, R"({"receiptId":)" + std::to_string(first.receipt_id) + R"(,"body":)" + first.body + "}"), fault);
}

FakeApi::Reply FakeApi::delayed(Reply reply, Fault fault) const {
  if (fault == Fault::kLate) reply.delay += faults_.late_by;
  if (fault == Fault::kCutAfter) reply.way = Reply::Way::kClose;
  return reply;
}

FakeApi::Reply FakeApi::change_settings(const HttpServer::Request& request, const Call& call, Queue& queue) {
  const Json changes = Json::parse(request.body, nullptr, false);
  if (!changes.is_object()) return error(400, call, "bad request data");
  queue.settings.update(changes);
  server_->later(options_.settling, [this, id = queue.id, change = ++queue.settling] {
    {
      base::MutexLock lock(mutex_);
      const Queue* still = find(id);
      if (still == nullptr || still->settling != change) return;  // changed again meanwhile: that one's time counts
    }
    work(id);
  });
  return answer(200, R"({"saveSettings":true})");
}

// Lets the settings of an instance work.
void FakeApi::work(std::uint64_t id) {
  std::string url, token;
  {
    base::MutexLock lock(mutex_);
    Queue* queue = find(id);
    if (queue == nullptr) return;
    url = text_of(queue->settings, "webhookUrl");
    token = text_of(queue->settings, "webhookUrlToken");
    const bool elsewhere = url != text_of(queue->works, "webhookUrl") || token != text_of(queue->works, "webhookUrlToken");
    queue->works = queue->settings;
    if (!elsewhere) return;
    if (!url.empty()) {
      Call call;
      call.path = "receiveNotification";
      for (const Queue::Waiting& waiting : std::exchange(queue->waiting, {})) {
        server_->finish(waiting.request, error(400, call, "custom webhook url is set"));
      }
    }
  }
  if (webhook_) webhook_(id, url, token);
}

void FakeApi::ended(HttpServer::RequestId request) {
  base::MutexLock lock(mutex_);
  const auto found = under_way_.find(request);
  if (found == under_way_.end()) return;
  Queue& queue = *found->second;
  --queue.record.receives_now;
  queue.waiting.erase(std::remove_if(queue.waiting.begin(), queue.waiting.end(), [&](const auto& one) { return one.request == request; }),
                      queue.waiting.end());
  under_way_.erase(found);
}

void FakeApi::forget_old(Queue& queue) const {
  const Time now = std::chrono::steady_clock::now();
  while (!queue.notifications.empty() && now - queue.notifications.front().first > options_.keep) {
    queue.notifications.pop_front();
    ++queue.record.expired;
  }
}

bool FakeApi::take(Queue& queue, std::int64_t receipt_id) {
  const auto found = std::find_if(queue.notifications.begin(), queue.notifications.end(),
                                  [&](const auto& notification) { return notification.second.receipt_id == receipt_id; });
  if (found == queue.notifications.end()) return false;
  if (options_.hand_out_deleted) handed_out_.push_back(found->second.body);
  if (queue.record.deleted.size() < options_.record_max) queue.record.deleted.push_back(std::move(found->second));
  queue.notifications.erase(found);
  ++deleted_;
  return true;
}

}  // namespace hookfleet::simulate
