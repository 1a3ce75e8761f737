// What a notification costs a worker: a backlog in a real Redis (`always`), log level WARN; where a row doesn't say otherwise without
// checks and with handlers that do nothing. All figures are CPU time, which other programs on the machine disturb little; walls are only
// for information.
//   bench_worker [ROWS…] [--entries N] [--repeat N]
// ROWS (default: all but memory, which takes minutes and 2 GB):
//   speed       notifications per core-second of one worker's own CPU, over kinds of backlogs; also with checks and handlers as shipped
//   mixed       the same over the documented bodies of all types, with and without checks, beside handlers that do nothing
//   pair        two workers with concurrency 1, each on a core of its own, beside one
//   backlog     cost of a notification with 10^3 … 10^5 waiting (10^6 with --entries 1000000)
//   partitions  cost of a notification with 1 … 32 partitions
//   forward     notifications a second to a local server that answers after 50 ms, 256 in flight, order of each chat kept
//   memory      RSS of a worker whose handlers stand still in front of 10^6 waiting
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/simulate/http_server.hpp"
#include "common/base/clock.hpp"
#include "common/base/uuid.hpp"
#include "common/notification/envelope.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "tests/bench/load.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace std::chrono_literals;
using namespace hookfleet;
using bench::cpu_us;

constexpr std::size_t kMemoryMax = 256UL << 20;  // worker.memory_max, its default

struct Flags {
  std::set<std::string> rows;
  std::size_t entries = 0;  // 0: the row's own
  unsigned repeat = 3;
};

/// A backlog and who drains it.
struct Case {
  bool mixed = false;  // the documented bodies in turn instead of text messages
  std::size_t entries = 200'000;
  unsigned chats = 2000;      // over 100 instances
  std::size_t padding = 600;  // bytes of text: a body of 1 kB
  unsigned partitions = 32;
  const char* fsync = "always";
  std::vector<std::vector<std::string>> workers = {{}};  // flags of each; "@<core>" pins it
  unsigned rounds = 1;                                   // so often the backlog is put there and drained
  const char* checks = "false";
  const char* program = "hookfleet-test-worker";
  std::map<std::string, std::string> environment = {{"HOOKFLEET_TEST_IDLE", "1"}};  // of the workers
};

struct Result {
  double entries = 0, seconds = 0, redis_us = 0, rss_mb = 0, dead = 0;
  std::vector<double> worker_us;  // of each
  double total_us() const {
    double sum = 0;
    for (const double one : worker_us) sum += one;
    return sum;
  }
  double us_each() const { return total_us() / entries; }
};

std::string body(std::uint64_t instance, const std::string& chat, std::size_t number, std::size_t padding) {
  return R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":)" + std::to_string(instance) +
         R"(,"wid":"79001234567@c.us","typeInstance":"whatsapp"},"timestamp":1750000000,"idMessage":"3EB0)" + std::to_string(number) +
         R"(","senderData":{"chatId":")" + chat + R"(","chatName":"Somebody","sender":")" + chat +
         R"(","senderName":"Somebody"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":")" +
         std::string(padding, 'x') + R"("}}})";
}

/// The documented bodies, each time as one that never came before: of its chat, and with an idMessage or event time of its own.
class Documented {
 public:
  Documented() {
    for (const auto& sample : support::samples()) bodies_.push_back(nlohmann::json::parse(sample.body));
  }
  std::string body(std::uint64_t instance, const std::string& chat, std::size_t number) {
    nlohmann::json& json = bodies_[number % bodies_.size()];
    json["instanceData"]["idInstance"] = instance;
    if (json.contains("idMessage")) json["idMessage"] = "3EB0" + std::to_string(number);
    json["timestamp"] = 1'750'000'000 + number;
    if (json.contains("senderData")) {
      json["senderData"]["chatId"] = chat;
    } else {
      for (const char* field : {"chatId", "from"}) {
        if (json.contains(field)) json[field] = chat;
      }
    }
    return json.dump();
  }

 private:
  std::vector<nlohmann::json> bodies_;
};

/// Puts entries number `from` … into `prefix` + the streams' names.
void fill(support::RedisServer& redis, const stream::Keys& keys, const Case& row, const std::string& prefix, std::size_t from) {
  redis::Pipeline pipeline(redis.connect());
  Documented documented;
  const auto now = std::chrono::system_clock::now();
  for (std::size_t i = 0; i < row.entries;) {
    for (const std::size_t end = std::min(row.entries, i + 500); i < end; ++i) {
      const std::size_t c = i % row.chats;
      stream::Entry entry;
      entry.id = base::make_uuid_v7(now);
      entry.id_instance = 1'101'000'000 + c % 100;
      entry.chat = std::to_string(79'000'000'000 + c) + "@c.us";
      entry.type_webhook = "incomingMessageReceived";
      entry.received_ms = base::unix_ms(now);
      if (row.mixed) {
        entry.body = documented.body(entry.id_instance, entry.chat, from + i);
        auto envelope = notification::read_envelope(entry.body);
        entry.chat = std::move(envelope.chat);
        entry.type_webhook = std::move(envelope.type_webhook);
      } else {
        entry.body = body(entry.id_instance, entry.chat, from + i, row.padding);
      }
      const unsigned partition =
          stream::partition_of(entry.id_instance, stream::order_key({}, entry.id_instance, entry.chat), keys.partitions());
      const std::string key = prefix + keys.stream(partition);
      pipeline.append(stream::XaddCommand(key, entry).argv());
    }
    while (pipeline.unanswered() > 0) {
      if (!pipeline.io(1s, nullptr)) std::abort();
      for (auto reply = pipeline.next(); reply && *reply; reply = pipeline.next()) {
        if ((*reply)->view().is_error()) std::abort();
      }
    }
  }
}

double rss_mb(pid_t pid, const char* field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field, 0) == 0) return std::strtod(line.c_str() + std::strlen(field), nullptr) / 1024;
  }
  return 0;
}

/// A Redis and workers that own all partitions and have nothing to do yet: what they cost from here on is the backlog's.
class Bench {
 public:
  explicit Bench(const Case& row) : row_(row), keys_(stream::Layout{.prefix = "hf", .partitions = row.partitions}), redis_(options(row)) {
    for (const auto& flags : row.workers) {
      std::vector<std::string> argv;
      if (!flags.empty() && flags[0][0] == '@') argv = {"/usr/bin/taskset", "-c", flags[0].substr(1)};
      argv.insert(argv.end(), {std::string(HOOKFLEET_BIN_DIR) + "/" + row.program, "--redis.url", redis_.url(), "--stream.partitions",
                               std::to_string(row.partitions), "--server.metrics_listen",
                               "127.0.0.1:" + std::to_string(support::free_port()), "--log.level", "warn", "--worker.checks", row.checks});
      for (const std::string& flag : flags) {
        if (flag[0] != '@') argv.push_back(flag);
      }
      workers_.push_back(std::make_unique<support::Process>(
          support::Process::Options{.argv = argv, .environment = row.environment, .output = dir_ / "workers.log"}));
    }
    while (!shared()) std::this_thread::sleep_for(50ms);
  }

  Result drain() {
    Result result;
    result.worker_us.resize(workers_.size());
    for (unsigned round = 0; round < row_.rounds; ++round) {
      fill(redis_, keys_, row_, "fill:", round * row_.entries);
      const double redis_before = cpu_us(redis_.pid());
      for (std::size_t i = 0; i < workers_.size(); ++i) result.worker_us[i] -= cpu_us(workers_[i]->pid());
      const auto begin = std::chrono::steady_clock::now();
      appear();
      while (backlog() > 0) std::this_thread::sleep_for(5ms);
      result.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      for (std::size_t i = 0; i < workers_.size(); ++i) result.worker_us[i] += cpu_us(workers_[i]->pid());
      result.redis_us += cpu_us(redis_.pid()) - redis_before;
      result.entries += static_cast<double>(row_.entries);
    }
    result.dead = static_cast<double>(sum(&stream::Keys::dlq));
    for (const auto& worker : workers_) result.rss_mb = std::max(result.rss_mb, rss_mb(worker->pid(), "VmHWM:"));
    return result;
  }

  /// The most RSS of the first worker, once it has stopped growing in front of the backlog.
  double standing_rss_mb() {
    fill(redis_, keys_, row_, "fill:", 0);
    appear();
    double last = 0;
    for (int still = 0; still < 20;) {
      std::this_thread::sleep_for(500ms);
      const double now = rss_mb(workers_[0]->pid(), "VmRSS:");
      still = now > last + 1 ? 0 : still + 1;
      last = std::max(last, now);
    }
    for (const auto& worker : workers_) worker->kill();
    return last;
  }

 private:
  static support::RedisServer::Options options(const Case& row) {
    support::RedisServer::Options options;
    // No rewrite of the log: its child would take a core from what is measured, in the long rows only.
    options.arguments = {"--appendfsync", row.fsync, "--maxmemory", "6gb", "--auto-aof-rewrite-percentage", "0"};
    return options;
  }
  bool shared() {
    std::map<std::string, std::size_t> owners;
    for (unsigned p = 0; p < keys_.partitions(); ++p) ++owners[redis_.text({"HGET", keys_.ctl(p), "owner"})];
    return !owners.contains("") && owners.size() == std::min<std::size_t>(workers_.size(), keys_.partitions());
  }
  /// The backlog is there, all at once.
  void appear() {
    std::vector<unsigned> filled;
    for (unsigned p = 0; p < keys_.partitions(); ++p) {
      if (redis_.call({"EXISTS", "fill:" + keys_.stream(p)}).view().integer() == 1) filled.push_back(p);
    }
    redis_.call({"MULTI"});
    for (const unsigned p : filled) redis_.call({"RENAME", "fill:" + keys_.stream(p), keys_.stream(p)});
    redis_.call({"EXEC"});
  }
  std::int64_t sum(const std::string& (stream::Keys::*key)(unsigned) const) {
    std::int64_t entries = 0;
    for (unsigned p = 0; p < keys_.partitions(); ++p) entries += redis_.call({"XLEN", (keys_.*key)(p)}).view().integer();
    return entries;
  }
  std::int64_t backlog() { return sum(&stream::Keys::stream); }

  const Case row_;
  const stream::Keys keys_;
  support::TempDir dir_;
  support::RedisServer redis_;
  std::vector<std::unique_ptr<support::Process>> workers_;
};

/// Of each the cheapest of some runs: what disturbs only adds. They take turns, so that a busy minute of the machine meets them all.
std::vector<Result> best(const std::vector<Case>& rows, unsigned repeat) {
  std::vector<Result> best(rows.size());
  for (unsigned i = 0; i < repeat; ++i) {
    for (std::size_t row = 0; row < rows.size(); ++row) {
      Result one = Bench(rows[row]).drain();
      if (i == 0 || one.us_each() < best[row].us_each()) best[row] = std::move(one);
    }
  }
  return best;
}

const char* verdict(bool holds) { return holds ? "holds" : "MISSED"; }

void as_shipped(Case& row) {
  row.checks = "true";
  row.program = "hookfleet-worker";
  row.environment = {};
}

void speed(const Flags& flags) {
  const std::size_t entries = flags.entries != 0 ? flags.entries : 200'000;
  std::printf("\nspeed: %zu waiting, one worker; goal 20,000 per core-second, final 30,000\n", entries);
  Case shipped{.entries = entries};
  as_shipped(shipped);
  std::printf("| %-22s | %-8s | per core-s | worker µs | redis µs | per s (wall) | RSS MB | goal   |\n|---|---|---|---|---|---|---|---|\n",
              "backlog", "fsync");
  const struct {
    const char* label;
    Case row;
  } rows[] = {{"1 kB, 2,000 chats", {.entries = entries}},
              {"1 kB, 2,000 chats", {.entries = entries, .fsync = "everysec"}},
              {"1 kB, 50,000 chats", {.entries = entries, .chats = 50'000}},
              {"0.4 kB, 20 chats", {.entries = entries, .chats = 20, .padding = 10}},
              {"1 kB, as shipped", shipped}};
  for (const auto& [label, row] : rows) {
    const Result result = best({row}, flags.repeat)[0];
    const double per_core_second = 1e6 / result.us_each();
    std::printf("| %-22s | %-8s | %10.0f | %9.1f | %8.1f | %12.0f | %6.0f | %-6s |\n", label, row.fsync, per_core_second, result.us_each(),
                result.redis_us / result.entries, result.entries / result.seconds, result.rss_mb, verdict(per_core_second >= 20'000));
    std::fflush(stdout);
  }
}

void mixed(const Flags& flags) {
  const std::size_t entries = flags.entries != 0 ? flags.entries : 200'000;
  std::printf("\nmixed: %zu waiting, the documented bodies in turn, one worker, handlers that do nothing; goal 15,000 per core-second\n",
              entries);
  const Case unchecked{.mixed = true, .entries = entries};
  Case checked = unchecked;
  checked.checks = "true";
  const std::vector<Result> results = best({checked, unchecked}, flags.repeat);
  std::printf("| checks | per core-s | worker µs | redis µs | per s (wall) | dead | goal   |\n|---|---|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double per_core_second = 1e6 / results[i].us_each();
    std::printf("| %-6s | %10.0f | %9.1f | %8.1f | %12.0f | %4.0f | %-6s |\n", i == 0 ? "on" : "off", per_core_second, results[i].us_each(),
                results[i].redis_us / results[i].entries, results[i].entries / results[i].seconds, results[i].dead,
                verdict(per_core_second >= 15'000 && results[i].dead == 0));
  }
  std::fflush(stdout);
}

void pair(const Flags& flags) {
  Case row{.entries = flags.entries != 0 ? flags.entries : 100'000};
  std::printf("\npair: %zu waiting, concurrency 1, each worker on a core of its own; goal 1.7\n", row.entries);
  row.workers = {{"@0", "--worker.concurrency", "1"}};
  Case both = row;
  both.workers.push_back({"@1", "--worker.concurrency", "1"});
  const std::vector<Result> results = best({row, both}, flags.repeat);
  const Result& one = results[0];
  const Result& two = results[1];
  // What a core of its own would take: Redis and other programs don't count. The busier of two is the one that is waited for.
  const double busier = *std::max_element(two.worker_us.begin(), two.worker_us.end());
  const double ratio = one.total_us() / busier;
  std::printf("| workers | µs each | busier worker's s | redis µs | per s (wall) | ratio | goal   |\n|---|---|---|---|---|---|---|\n");
  std::printf("| one     | %7.1f | %17.2f | %8.1f | %12.0f |       |        |\n", one.us_each(), one.total_us() / 1e6,
              one.redis_us / one.entries, one.entries / one.seconds);
  std::printf("| two     | %7.1f | %17.2f | %8.1f | %12.0f | %5.2f | %-6s |\n", two.us_each(), busier / 1e6, two.redis_us / two.entries,
              two.entries / two.seconds, ratio, verdict(ratio >= 1.7));
  std::fflush(stdout);
}

/// Costs beside the cheapest of them.
void flat(const char* what, const std::vector<std::string>& labels, const std::vector<Result>& results) {
  double cheapest = results[0].us_each();
  for (const Result& result : results) cheapest = std::min(cheapest, result.us_each());
  std::printf("| %-10s | worker µs | redis µs | of cheapest | goal   |\n|---|---|---|---|---|\n", what);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double ratio = results[i].us_each() / cheapest;
    std::printf("| %-10s | %9.1f | %8.1f | %11.2f | %-6s |\n", labels[i].c_str(), results[i].us_each(),
                results[i].redis_us / results[i].entries, ratio, verdict(ratio <= 1.15));
  }
  std::fflush(stdout);
}

void backlog(const Flags& flags) {
  const std::size_t largest = flags.entries != 0 ? flags.entries : 100'000;
  std::printf("\nbacklog: one worker on a core of its own, 0.4 kB, 2,000 chats; goal within 1.15\n");
  std::vector<std::string> labels;
  std::vector<Case> rows;
  for (std::size_t entries = 1000; entries <= largest; entries *= 10) {
    labels.push_back(std::to_string(entries));
    // Small ones several times, so that there is something to measure.
    rows.push_back({.entries = entries,
                    .padding = 10,
                    .workers = {{"@0"}},
                    .rounds = static_cast<unsigned>(std::max<std::size_t>(1, 20'000 / entries))});
  }
  flat("waiting", labels, best(rows, flags.repeat));
}

void partitions(const Flags& flags) {
  const std::size_t entries = flags.entries != 0 ? flags.entries : 100'000;
  std::printf("\npartitions: %zu waiting, one worker on a core of its own, 0.4 kB, 2,000 chats; goal within 1.15\n", entries);
  std::vector<std::string> labels;
  std::vector<Case> rows;
  for (const unsigned count : {1U, 4U, 16U, 32U}) {
    labels.push_back(std::to_string(count));
    rows.push_back({.entries = entries, .padding = 10, .partitions = count, .workers = {{"@0"}}});
  }
  flat("partitions", labels, best(rows, flags.repeat));
}

/// Takes forwards after 50 ms and looks at their order: message numbers of a chat must grow.
class OrderedReceiver {
 public:
  OrderedReceiver() { server_.forget_requests(); }
  const simulate::HttpServer& server() const { return server_; }
  std::size_t late() const { return late_; }

 private:
  simulate::HttpServer::Reply take(const simulate::HttpServer::Request& request) {
    const auto text = [&](std::string_view key) {
      const auto at = request.body.find(key) + key.size();
      return request.body.substr(at, request.body.find('"', at) - at);
    };
    const std::size_t number = std::strtoul(text(R"("idMessage":"3EB0)").c_str(), nullptr, 10) + 1;
    std::size_t& last = last_[text(R"("chatId":")")];
    if (number <= last) ++late_;
    last = number;
    simulate::HttpServer::Reply reply;
    reply.delay = 50ms;
    return reply;
  }
  std::map<std::string, std::size_t> last_;  // the server's thread
  std::atomic<std::size_t> late_ = 0;
  simulate::HttpServer server_{[this](const simulate::HttpServer::Request& request) { return take(request); }};
};

void forward(const Flags& flags) {
  const std::size_t entries = flags.entries != 0 ? flags.entries : 50'000;
  constexpr std::size_t kInFlight = 256;
  std::printf(
      "\nforward: %zu waiting of 1 kB over 2,000 chats, one worker, a server that answers after 50 ms, %zu in flight; goal 2,000 a "
      "second\n",
      entries, kInFlight);
  std::printf(
      "| per s (wall) | worker µs | redis µs | most in flight | connections | out of order | goal   |\n|---|---|---|---|---|---|---|\n");
  for (unsigned i = 0; i < flags.repeat; ++i) {
    OrderedReceiver receiver;
    support::TempDir dir;
    const std::string file = dir / "hookfleet.yaml";
    std::ofstream(file) << "routes:\n  - {match: {}, actions: [{forward: {url: \"" << receiver.server().url("/in")
                        << "\", concurrency: " << kInFlight << "}}]}\n";
    Case row{.entries = entries};
    as_shipped(row);
    row.workers = {{"--config", file}};
    const Result result = Bench(row).drain();
    const double per_second = result.entries / result.seconds;
    std::printf("| %12.0f | %9.1f | %8.1f | %14zu | %11zu | %12zu | %-6s |\n", per_second, result.us_each(),
                result.redis_us / result.entries, receiver.server().most_at_once(), receiver.server().connections(), receiver.late(),
                verdict(per_second >= 2000 && receiver.late() == 0 && receiver.server().count() == entries));
    std::fflush(stdout);
  }
}

void memory(const Flags& flags) {
  // Its handlers take longer than this lasts.
  const Case row{.entries = flags.entries != 0 ? flags.entries : 1'000'000,
                 .chats = 100'000,
                 .fsync = "everysec",
                 .environment = {{"HOOKFLEET_TEST_WORK_MS", "3600000"}, {"HOOKFLEET_WORKER__HANDLER_TIMEOUT", "3600s"}}};
  const double goal = 150 + static_cast<double>(kMemoryMax >> 20);
  std::printf("\nmemory: %zu waiting of 1 kB over 100,000 chats, handlers stand still; goal %.0f MB = 150 + worker.memory_max\n",
              row.entries, goal);
  const double rss = Bench(row).standing_rss_mb();
  std::printf("| RSS MB | goal   |\n|---|---|\n| %6.0f | %-6s |\n", rss, verdict(rss < goal));
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  const std::map<std::string, void (*)(const Flags&)> rows{{"speed", speed},          {"mixed", mixed},     {"pair", pair},
                                                           {"backlog", backlog},      {"forward", forward}, {"memory", memory},
                                                           {"partitions", partitions}};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--entries" && has_value) {
      flags.entries = std::strtoul(argv[++i], nullptr, 10);
    } else if (argument == "--repeat" && has_value) {
      flags.repeat = static_cast<unsigned>(std::max(1UL, std::strtoul(argv[++i], nullptr, 10)));
    } else if (rows.contains(argument)) {
      flags.rows.insert(argument);
    } else {
      std::fprintf(
          stderr,
          "bench_worker: %s is neither a row (speed, mixed, pair, backlog, partitions, forward, memory) nor --entries N or --repeat N\n",
          argument.c_str());
      return 2;
    }
  }
  if (flags.rows.empty()) flags.rows = {"speed", "mixed", "pair", "backlog", "partitions", "forward"};
  for (const char* row : {"speed", "mixed", "pair", "backlog", "partitions", "forward", "memory"}) {
    if (flags.rows.contains(row)) rows.at(row)(flags);
  }
}
