#include "tests/support/sender.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "tests/support/http.hpp"

namespace hookfleet::support {
namespace {

using Clock = std::chrono::steady_clock;

// "1101000001/c3/000042" in a form that GREEN-API's ids have: no blanks, no meaning to anybody but us.
std::string make_id(std::uint64_t instance, unsigned chat, std::uint64_t sequence) {
  std::string number = std::to_string(sequence);
  number.insert(0, number.size() < 8 ? 8 - number.size() : 0, '0');
  return "I" + std::to_string(instance) + "C" + std::to_string(chat) + "S" + number;
}

std::string chat_id(unsigned chat) { return std::to_string(79'000'000'000ULL + chat) + "@c.us"; }

}  // namespace

Sender::Sender(Options options) : options_(std::move(options)), token_(std::make_shared<const std::string>(options_.token)) {}

void Sender::start() {
  for (unsigned i = 0; i < options_.instances; ++i) {
    threads_.emplace_back([this, instance = options_.first_instance + i](const std::stop_token& stop) { run(instance, stop); });
  }
}

void Sender::stop() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Sender::use_token(std::string token) {
  auto fresh = std::make_shared<const std::string>(std::move(token));
  std::weak_ptr<const std::string> before;
  {
    const std::lock_guard lock(mutex_);
    before = token_;
    token_.swap(fresh);
  }
  fresh.reset();
  while (!before.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

Sender::Tally Sender::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

std::string Sender::body(std::uint64_t instance, const std::string& chat, const std::string& id_message, std::size_t bytes,
                         const std::string& text) {
  std::string body =
      R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":)" + std::to_string(instance) +
      R"(,"wid":"79001234567@c.us","typeInstance":"whatsapp"},"timestamp":1700000000,"idMessage":")" + id_message +
      R"(","senderData":{"chatId":")" + chat + R"(","sender":")" + chat +
      R"(","chatName":"Анна","senderName":"Анна"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":")" + text;
  const std::string end = R"("}}})";
  if (body.size() + end.size() < bytes) body.append(bytes - body.size() - end.size(), 'x');
  return body + end;
}

void Sender::run(std::uint64_t instance, const std::stop_token& stop) {
  HttpClient client(options_.port, options_.answer_timeout);
  std::map<std::string, std::vector<std::string>> acknowledged;
  std::optional<Clock::time_point> give_up;
  std::uint64_t random = instance * 2654435761U;

  const auto post = [&](const std::string& body) {
    const auto token = [this] {
      const std::lock_guard lock(mutex_);
      return token_;
    }();
    const auto before = Clock::now();
    const auto response = client.post("/webhook", *token, body);
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - before);
    const std::lock_guard lock(mutex_);
    tally_.slowest = std::max(tally_.slowest, waited);
    ++tally_.posts;
    ++tally_.by_status[response ? response->status : 0];
    if (client.refused()) ++tally_.refused;
    return response && response->status == 200;
  };
  for (std::uint64_t sequence = 0; !stop.stop_requested(); ++sequence) {
    const auto chat = static_cast<unsigned>(sequence % options_.chats);
    const std::string id = make_id(instance, chat, sequence);
    const std::string text = options_.text ? options_.text(sequence) : std::string();
    const std::string body = Sender::body(instance, chat_id(chat), id, options_.body_bytes, text);
    bool stored = false;
    while (!(stored = post(body))) {
      if (stop.stop_requested()) {
        if (!give_up) give_up = Clock::now() + std::chrono::seconds(60);
        if (Clock::now() > *give_up) break;
      }
      std::this_thread::sleep_for(options_.retry_pause);
    }
    if (!stored) {
      const std::lock_guard lock(mutex_);
      tally_.given_up.push_back(id);
      break;
    }
    acknowledged[std::to_string(instance) + "/" + chat_id(chat)].push_back(id);
    ++acknowledged_count_;
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    if ((random >> 33) % 100 < options_.repeat_percent) post(body);
    if (options_.pause.count() > 0) std::this_thread::sleep_for(options_.pause);
  }
  const std::lock_guard lock(mutex_);
  acknowledged_.merge(acknowledged);
}

Handled read_worker_logs(const std::vector<std::string>& files) {
  std::vector<std::tuple<std::string, std::string, std::string, std::string>> records;  // time, chat, idMessage, outcome
  for (const auto& file : files) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      const auto record = nlohmann::json::parse(line, nullptr, false);
      if (!record.is_object() || record.value("event", "") != "notification") continue;
      const std::string chat = std::to_string(record.value("idInstance", std::uint64_t{0})) + "/" + record.value("chatId", "");
      records.emplace_back(record.value("time", ""), chat, record.value("idMessage", ""), record.value("outcome", ""));
    }
  }
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return std::get<0>(a) < std::get<0>(b); });
  Handled handled;
  for (const auto& [time, chat, id, outcome] : records) {
    if (outcome == "repeat") ++handled.repeats;
    if (outcome == "dead") ++handled.dead[id];
    if (outcome != "done" && outcome != "ignored") continue;
    if (++handled.done[id] == 1) handled.in_order[chat].push_back(id);
  }
  return handled;
}

Verdict compare(const Sender& sender, const Handled& handled) {
  Verdict verdict;
  for (const auto& [chat, ids] : sender.acknowledged()) {
    verdict.acknowledged += ids.size();
    for (const auto& id : ids) {
      if (!handled.done.contains(id) && !handled.dead.contains(id)) verdict.lost.push_back(id);
    }
  }
  for (const auto& [chat, ids] : handled.in_order) {
    std::string highest;
    for (const auto& id : ids) {  // ids of one chat sort by their sequence
      if (id < highest) verdict.reordered.push_back(id);
      highest = std::max(highest, id);
    }
  }
  for (const auto& [id, times] : handled.done) verdict.handled_twice += times - 1;
  return verdict;
}

}  // namespace hookfleet::support
