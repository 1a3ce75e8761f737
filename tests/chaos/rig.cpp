#include "tests/chaos/rig.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "common/base/uuid.hpp"
#include "common/notification/identity.hpp"
#include "common/stream/scripts.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::chaos {
namespace {

using namespace std::chrono_literals;
using support::Fleet;
using support::Sender;

constexpr std::uint64_t kInstance = 1'101'000'001;
const std::string kType = "incomingMessageReceived";

}  // namespace

std::vector<std::string> quick() {
  return {"--worker.heartbeat",   "200ms", "--worker.member_ttl",     "1500ms", "--worker.lease_ttl", "2s",
          "--worker.lease_renew", "300ms", "--worker.lease_validity", "1500ms", "--worker.drain",     "5s",
          "--worker.concurrency", "4",     "--retry.attempts",        "3",      "--retry.first",      "50ms",
          "--retry.max",          "200ms"};
}

std::vector<std::string> quick_and(const std::vector<std::string>& flags) {
  std::vector<std::string> all = quick();
  for (std::size_t i = 0; i + 1 < flags.size(); i += 2) {
    const auto known = std::find(all.begin(), all.end(), flags[i]);
    if (known != all.end()) {
      *(known + 1) = flags[i + 1];
    } else {
      all.insert(all.end(), {flags[i], flags[i + 1]});
    }
  }
  return all;
}

// --- Journal

std::vector<Handling> Journal::of(const std::string& id) const {
  std::vector<Handling> found;
  std::copy_if(handlings.begin(), handlings.end(), std::back_inserter(found), [&](const Handling& one) { return one.id == id; });
  return found;
}

std::size_t Journal::begun_by(pid_t worker) const {
  return static_cast<std::size_t>(
      std::count_if(handlings.begin(), handlings.end(), [&](const Handling& one) { return one.worker == worker; }));
}

std::uint64_t Journal::handled_again() const {
  std::set<std::string> ids;
  for (const Handling& one : handlings) ids.insert(one.id);
  return handlings.size() - ids.size();
}

std::vector<std::string> Journal::out_of_order() const {
  std::vector<std::string> late;
  std::set<std::string> seen;
  std::map<std::string, std::string> highest;
  for (const Handling& one : handlings) {
    if (!seen.insert(one.id).second) continue;
    std::string& before = highest[one.chat];
    if (one.id < before) late.push_back(one.id);
    before = std::max(before, one.id);
  }
  return late;
}

// --- Rig

Rig::Rig(Options options) {
  Fleet::Options fleet;
  fleet.ingresses = options.ingresses;
  fleet.workers = options.workers;
  fleet.nginx = false;
  fleet.worker_flags = options.worker_flags;
  fleet.redis_flags = options.redis_flags;
  fleet.worker_program = "hookfleet-test-worker";
  fleet.worker_environment = {{"HOOKFLEET_TEST_JOURNAL", file("journal")},
                              {"HOOKFLEET_TEST_WORK_MS", std::to_string(options.work.count())}};
  fleet_ = std::make_unique<Fleet>(fleet);
}

unsigned Rig::partition_of(const std::string& chat) { return stream::partition_of(kInstance, chat, stream::Layout{}.partitions); }

unsigned Rig::add(const std::string& chat, const std::string& id, const std::string& text) {
  stream::Entry entry;
  const auto now = std::chrono::system_clock::now();
  entry.id = base::make_uuid_v7(now);
  entry.id_instance = kInstance;
  entry.chat = chat;
  entry.type_webhook = kType;
  entry.received_ms = base::unix_ms(now);
  entry.body = Sender::body(kInstance, chat, id, 0, text);
  const unsigned partition = partition_of(chat);
  const auto reply = redis().call(stream::XaddCommand(keys().stream(partition), entry).argv());
  if (reply.view().is_error()) ADD_FAILURE() << "XADD: " << reply.view().text();
  return partition;
}

void Rig::add_others(std::size_t count, std::size_t chats) {
  for (const std::size_t end = others_ + count; others_ < end; ++others_) {
    std::string id = std::to_string(others_);
    id.insert(0, id.size() < 8 ? 8 - id.size() : 0, '0');
    add("o" + std::to_string(others_ % chats) + "@c.us", "o" + id);
  }
}

std::string Rig::mark(const std::string& chat, const std::string& id) const {
  const std::string body = Sender::body(kInstance, chat, id, 0);
  const auto identity = notification::identity_of(kInstance, kType, chat, notification::read_envelope(body), body);
  return keys().mark(partition_of(chat), {reinterpret_cast<const char*>(identity.data()), identity.size()});
}

void Rig::mend(const std::string& name) const { std::ofstream(file(name)) << "mended\n"; }

Journal Rig::journal() const {
  Journal journal;
  std::map<std::pair<pid_t, std::string>, std::size_t> running;
  std::ifstream lines(file("journal"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what;
    Handling one;
    words >> what >> one.worker >> one.begin_ms >> one.chat >> one.id;
    const std::pair key(one.worker, one.id);
    if (what == "begin") {
      running[key] = journal.handlings.size();
      journal.handlings.push_back(one);
    } else if (const auto begun = running.find(key); begun != running.end()) {
      journal.handlings[begun->second].end_ms = one.begin_ms;
    }
  }
  return journal;
}

std::vector<stream::DeadLetter> Rig::dead_letters() {
  std::vector<stream::DeadLetter> letters;
  for (unsigned p = 0; p < keys().partitions(); ++p) {
    const auto reply = redis().call({"XRANGE", keys().dlq(p), "-", "+"});
    for (std::size_t i = 0; i < reply.view().size(); ++i) {
      auto letter = stream::decode_dead_letter(reply.view()[i][1]);
      if (letter) {
        letters.push_back(*std::move(letter));
      } else {
        ADD_FAILURE() << letter.error();
      }
    }
  }
  return letters;
}

std::size_t Rig::redrive() {
  const stream::Scripts scripts;
  std::size_t redriven = 0;
  redis().call({"SCRIPT", "LOAD", scripts.redrive.source});
  for (unsigned p = 0; p < keys().partitions(); ++p) {
    std::vector<stream::StreamId> ids;
    const auto listed = redis().call({"XRANGE", keys().dlq(p), "-", "+"});
    for (std::size_t i = 0; i < listed.view().size(); ++i) {
      if (const auto id = stream::StreamId::parse(listed.view()[i][0].text())) ids.push_back(*id);
    }
    if (ids.empty()) continue;
    redis::Command command;
    stream::redrive(command, scripts, keys(), p, ids);
    const auto reply = redis().call(command.argv());
    const auto answer = stream::decode_redriven(reply.view());
    if (!answer) {
      ADD_FAILURE() << reply.view().text();
      continue;
    }
    redriven += static_cast<std::size_t>(std::count_if(answer->begin(), answer->end(), [](const auto& id) { return id.has_value(); }));
  }
  return redriven;
}

double Rig::metric(std::size_t worker, const std::string& series) const {
  const auto text = fleet_->worker_metrics(worker);
  const auto at = text ? text->find("\n" + series + " ") : std::string::npos;
  return at == std::string::npos ? -1 : std::atof(text->c_str() + at + series.size() + 2);
}

double Rig::owned() const {
  double sum = 0;
  for (std::size_t i = 0; i < fleet_->workers(); ++i) sum += std::max(metric(i, "hookfleet_worker_partitions_owned"), 0.0);
  return sum;
}

bool Rig::all_owned(std::chrono::milliseconds deadline) const {
  return support::wait_until(deadline, [&] { return owned() == static_cast<double>(keys().partitions()); });
}

std::size_t Rig::log_lines(std::size_t worker, const std::string& part) const {
  std::ifstream lines(fleet_->worker_logs().at(worker));
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(part) != std::string::npos ? 1U : 0U;
  return count;
}

Rig::Effort Rig::effort(std::size_t worker, std::chrono::milliseconds window) {
  const pid_t pid = fleet_->worker_pid(worker);
  const double cpu = cpu_seconds(pid);
  // What was handled before may still be on its way to the file.
  const auto complaints = [&] { return log_lines(worker) - log_lines(worker, R"("event":"notification")"); };
  const std::size_t lines = complaints();
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(window);  // what is measured is a rate
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {(cpu_seconds(pid) - cpu) / seconds, static_cast<double>(complaints() - lines) / seconds};
}

double cpu_seconds(pid_t pid) {
  const std::string text = support::read_file("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace hookfleet::chaos
