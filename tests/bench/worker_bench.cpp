// Drain rate of hookfleet-worker: a backlog in a real Redis, one worker at log level WARN with the shipped handlers; notifications per
// second of the worker's own CPU.
//   bench_worker [ENTRIES…]      default 20000 100000
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/uuid.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace std::chrono_literals;
using namespace hookfleet;

struct Case {
  const char* label;
  const char* fsync;
  std::size_t entries;
  unsigned chats;       // over 100 instances
  std::size_t padding;  // bytes of text
};

std::string body(std::uint64_t instance, const std::string& chat, std::size_t number, std::size_t padding) {
  return R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":)" + std::to_string(instance) +
         R"(,"wid":"79001234567@c.us","typeInstance":"whatsapp"},"timestamp":1750000000,"idMessage":"3EB0)" + std::to_string(number) +
         R"(","senderData":{"chatId":")" + chat + R"(","chatName":"Somebody","sender":")" + chat +
         R"(","senderName":"Somebody"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":")" +
         std::string(padding, 'x') + R"("}}})";
}

void fill(support::RedisServer& redis, const stream::Keys& keys, const Case& row) {
  redis::Pipeline pipeline(redis.connect());
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
      entry.body = body(entry.id_instance, entry.chat, i, row.padding);
      const unsigned partition = stream::partition_of(entry.id_instance, entry.chat, keys.partitions());
      pipeline.append(stream::XaddCommand(keys.stream(partition), entry).argv());
    }
    while (pipeline.unanswered() > 0) {
      if (!pipeline.io(1s, nullptr)) std::abort();
      for (auto reply = pipeline.next(); reply && *reply; reply = pipeline.next()) {
        if ((*reply)->view().is_error()) std::abort();
      }
    }
  }
}

double cpu_seconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double rss_mb(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

void measure(const Case& row) {
  support::RedisServer::Options options;
  options.arguments = {"--appendfsync", row.fsync, "--maxmemory", "2gb"};
  support::RedisServer redis(options);
  const stream::Keys keys{stream::Layout{}};
  fill(redis, keys, row);
  auto connection = redis.connect();
  const auto backlog = [&] {
    std::int64_t sum = 0;
    for (unsigned p = 0; p < keys.partitions(); ++p) sum += connection.call({"XLEN", keys.stream(p)})->view().integer();
    return sum;
  };
  const support::TempDir dir;
  const double redis_before = cpu_seconds(redis.pid());
  const auto begin = std::chrono::steady_clock::now();
  support::Process worker({.argv = {std::string(HOOKFLEET_BIN_DIR) + "/hookfleet-worker", "--redis.url", redis.url(),
                                    "--server.metrics_listen", "127.0.0.1:" + std::to_string(support::free_port()), "--log.level", "warn"},
                           .environment = {},
                           .output = dir / "worker.log"});
  while (backlog() > 0) std::this_thread::sleep_for(20ms);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double worker_cpu = cpu_seconds(worker.pid());
  const double redis_cpu = cpu_seconds(redis.pid()) - redis_before;
  const double entries = static_cast<double>(row.entries);
  std::printf("| %-28s | %-8s | %7zu | %9.0f | %13.0f | %9.1f | %8.1f | %6.0f |\n", row.label, row.fsync, row.entries, entries / seconds,
              entries / worker_cpu, worker_cpu / entries * 1e6, redis_cpu / entries * 1e6, rss_mb(worker.pid()));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::size_t> sizes{20'000, 100'000};
  if (argc > 1) sizes.clear();
  for (int i = 1; i < argc; ++i) sizes.push_back(std::strtoul(argv[i], nullptr, 10));
  std::printf("| backlog                      | fsync    | entries |     per s | per core-s    | worker µs | redis µs | RSS MB |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  for (const std::size_t entries : sizes) {
    measure({"1 kB, 2,000 chats", "always", entries, 2000, 600});
    measure({"1 kB, 2,000 chats", "everysec", entries, 2000, 600});
    measure({"1 kB, 50,000 chats", "always", entries, 50'000, 600});
    measure({"0.4 kB, 20 chats", "always", entries, 20, 10});
  }
}
