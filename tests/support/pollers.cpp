#include "tests/support/pollers.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>
#include <utility>

#include "common/stream/keys.hpp"
#include "tests/support/http.hpp"
#include "tests/support/sender.hpp"

namespace hookfleet::support {
namespace {

using namespace std::chrono_literals;

RedisServer::Options with_roles() {
  RedisServer::Options options;
  options.roles = true;
  return options;
}

std::string token_of(std::uint64_t id) { return "token-" + std::to_string(id); }

}  // namespace

Pollers::Pollers(simulate::FakeApi::Options api, std::string settings)
    : settings_(std::move(settings)), redis_(with_roles()), api_(std::make_unique<simulate::FakeApi>(api)) {}

Pollers::~Pollers() {
  if (redis_.running()) redis_.expect_nothing_refused();
  for (Member& member : members_) {
    if (member.process) member.process->signal(SIGTERM);
  }
}

simulate::FakeApi::Options Pollers::quick_api() {
  simulate::FakeApi::Options options;
  options.second = 100ms;
  return options;
}

void Pollers::add(std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t id = first; id < first + count; ++id) {
    api_->add_instance({id, token_of(id)});
    ids_.push_back(id);
  }
}

void Pollers::write_settings(const std::vector<std::uint64_t>& without, std::uint64_t of, const std::string& token,
                             const std::string& receive_timeout) {
  std::string text = "redis: {url: \"" + redis_.url_of("poller") + "\"}\npoller:\n" + settings_ + "  instances:\n";
  for (const std::uint64_t id : ids_) {
    if (std::find(without.begin(), without.end(), id) != without.end()) continue;
    text += "    - {id: " + std::to_string(id) + ", api_url: \"" + api_->url() + "\", token: " + (id == of ? token : token_of(id)) +
            ", receive_timeout: " + receive_timeout + (fields_.contains(id) ? ", " + fields_[id] : "") + "}\n";
  }
  replace_file(dir_ / "hookfleet.yaml", text);
}

void Pollers::start(std::size_t number, const std::vector<std::string>& flags) {
  if (members_.size() <= number) members_.resize(number + 1);
  Member& member = members_[number];
  if (member.metrics_port == 0) member.metrics_port = free_port();
  std::vector<std::string> argv{HOOKFLEET_BIN_DIR "/hookfleet-poller", "--config", dir_ / "hookfleet.yaml", "--server.metrics_listen",
                                "127.0.0.1:" + std::to_string(member.metrics_port)};
  argv.insert(argv.end(), flags.begin(), flags.end());
  member.process = std::make_unique<Process>(
      Process::Options{.argv = argv, .environment = {}, .output = dir_ / ("poller-" + std::to_string(number) + ".log")});
}

bool Pollers::ready(std::size_t number) const {
  const auto answer = HttpClient(members_.at(number).metrics_port, 2s).get("/readyz");
  return answer && answer->status == 200;
}

double Pollers::metric(const std::string& series, std::size_t number) const {
  const auto answer = HttpClient(members_.at(number).metrics_port, 2s).get("/metrics");
  if (!answer) return -1;
  const auto at = answer->body.find('\n' + series + ' ');
  return at == std::string::npos ? -1 : std::stod(answer->body.substr(at + series.size() + 2));
}

std::string Pollers::log(std::size_t number) const { return read_file(dir_ / ("poller-" + std::to_string(number) + ".log")); }

std::vector<stream::Entry> Pollers::entries() {
  const stream::Keys keys(stream::Layout{});
  std::vector<stream::Entry> all;
  for (unsigned partition = 0; partition < keys.partitions(); ++partition) {
    const redis::Reply reply = redis_.call({"XRANGE", keys.stream(partition), "-", "+"});
    const redis::ReplyView entries = reply.view();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (auto entry = stream::decode(entries[i][1])) all.push_back(*std::move(entry));
    }
  }
  return all;
}

std::map<std::uint64_t, std::vector<std::string>> Pollers::stored() {
  std::map<std::uint64_t, std::vector<std::string>> bodies;
  std::set<std::string> seen;
  for (stream::Entry& entry : entries()) {
    if (seen.insert(entry.body).second) bodies[entry.id_instance].push_back(std::move(entry.body));
  }
  return bodies;
}

std::string text_message(std::uint64_t id_instance, const std::string& chat, std::uint64_t number) {
  return Sender::body(id_instance, chat, std::to_string(id_instance) + '-' + std::to_string(number), 300);
}

}  // namespace hookfleet::support
