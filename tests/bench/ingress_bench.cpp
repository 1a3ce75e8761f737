// CPU and latency of the accept path beside a bare Pistache, in one run:
//   bench_ingress [--seconds N] [--rounds N] [--connections N] [--appendfsync always|everysec]
// Prints a table per appendfsync policy: acknowledged/s, p50, p99, CPU µs of front, Redis and nginx per acknowledged notification, and the
// ratios that matter. The order of the contenders rotates from round to round; medians over the rounds are printed.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/load.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"

namespace {

using namespace std::chrono_literals;
using hookfleet::bench::Load;
using hookfleet::bench::LoadResult;
using hookfleet::bench::median;
using hookfleet::support::Fleet;
using hookfleet::support::Process;

struct Row {
  double per_second = 0, p50 = 0, p99 = 0, front_us = 0, redis_us = 0, nginx_us = 0;
  std::uint64_t refused = 0;
};

Row median(const std::vector<Row>& rows) {
  const auto of = [&](double Row::*member) {
    std::vector<double> values;
    for (const auto& row : rows) values.push_back(row.*member);
    return median(values);
  };
  Row row{of(&Row::per_second), of(&Row::p50), of(&Row::p99), of(&Row::front_us), of(&Row::redis_us), of(&Row::nginx_us), 0};
  for (const auto& one : rows) row.refused += one.refused;
  return row;
}

Row measure(const Load& load, pid_t front, pid_t redis, pid_t nginx) {
  double front_us = 0, redis_us = 0, nginx_us = 0;
  const auto account = [&](double sign) {
    front_us += sign * hookfleet::bench::cpu_us(front);
    if (redis > 0) redis_us += sign * hookfleet::bench::cpu_us(redis);
    if (nginx > 0) nginx_us += sign * hookfleet::bench::cpu_us_with_children(nginx);
  };
  const LoadResult result = hookfleet::bench::run(
      load, [&] { account(-1); }, [&] { account(+1); });
  const double each = result.answered == 0 ? 1 : static_cast<double>(result.answered);
  return {static_cast<double>(result.answered) / result.seconds,
          result.percentile(0.5),
          result.percentile(0.99),
          front_us / each,
          redis_us / each,
          nginx_us / each,
          result.refused};
}

// What one sender alone waits for, beside the parts that no receiver can do without, ms. One of each in turn and compared within the turn:
// a disk's fsync wanders more in a second than the difference is wide.
struct Lone {
  std::vector<double> ack, xadd, bare, difference;

  void measure(Fleet& fleet, int bare_port, std::chrono::milliseconds duration) {
    const std::string target = "/webhook", payload(1024, 'x');
    hookfleet::support::HttpClient bare_client(bare_port), ingress(fleet.ingress_port(0));
    auto redis = fleet.redis().connect();
    const auto timed = [](const auto& what) {
      const auto before = std::chrono::steady_clock::now();
      const bool well = what();
      const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count();
      if (!well) {
        std::fprintf(stderr, "bench_ingress: the lone sender was refused\n");
        std::exit(1);
      }
      return ms;
    };
    const auto post = [&](hookfleet::support::HttpClient& client, const std::string& body) {
      const auto response = client.post(target, fleet.token(), body);
      return response && response->status == 200;
    };
    const auto end = std::chrono::steady_clock::now() + duration;
    for (unsigned number = 0; std::chrono::steady_clock::now() < end; ++number) {
      const std::string body =
          hookfleet::support::Sender::body(1'101'000'001, "79000000000@c.us", "L" + std::to_string(ack.size()), payload.size());
      double xadd_ms = 0, bare_ms = 0, ack_ms = 0;
      for (unsigned turn = 0; turn < 3; ++turn) {
        switch ((number + turn) % 3) {
          case 0: xadd_ms = timed([&] { return redis.call({"XADD", "bench:xadd", "*", "b", payload}).has_value(); }); break;
          case 1: bare_ms = timed([&] { return post(bare_client, body); }); break;
          case 2: ack_ms = timed([&] { return post(ingress, body); }); break;
        }
      }
      xadd.push_back(xadd_ms);
      bare.push_back(bare_ms);
      ack.push_back(ack_ms);
      difference.push_back(ack_ms - xadd_ms - bare_ms);
    }
  }
};

void print(const char* name, const Row& row) {
  std::printf("| %-28s | %9.0f | %8.3f | %8.3f | %8.1f | %8.1f | %8.1f | %7llu |\n", name, row.per_second, row.p50, row.p99, row.front_us,
              row.redis_us, row.nginx_us, static_cast<unsigned long long>(row.refused));
}

}  // namespace

int main(int argc, char** argv) {
  unsigned seconds = 5, rounds = 3, connections = 64;
  std::vector<std::string> policies{"always", "everysec"};
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--appendfsync") == 0) policies = {argv[i + 1]};
    const auto value = static_cast<unsigned>(std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = value;
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = value;
    if (std::strcmp(argv[i], "--connections") == 0) connections = value;
  }
  const int bare_port = hookfleet::support::free_port();
  Process bare(
      {.argv = {std::string(HOOKFLEET_BIN_DIR) + "/bench_bare_pistache", std::to_string(bare_port)}, .environment = {}, .output = {}});

  for (const std::string& fsync : policies) {
    Fleet fleet({.ingresses = 1,
                 .workers = 0,
                 .appendfsync = fsync,
                 .log_level = "warn",
                 .ingress_flags = {"--durability.required", fsync},
                 .redis_flags = {"--maxmemory", "4gb"}});
    Load load;
    load.connections = connections;
    load.duration = std::chrono::seconds(seconds);
    load.token = fleet.token();
    std::map<std::string, std::vector<Row>> rows;
    Lone lone;
    for (unsigned round = 0; round < rounds; ++round) {
      for (unsigned turn = 0; turn < 3; ++turn) {
        fleet.flush_streams();
        switch ((turn + round) % 3) {
          case 0:
            load.port = bare_port;
            rows["bare"].push_back(measure(load, bare.pid(), 0, 0));
            break;
          case 1:
            load.port = fleet.ingress_port(0);
            rows["direct"].push_back(measure(load, fleet.ingress_pid(0), fleet.redis_pid(), 0));
            break;
          case 2:
            load.port = fleet.nginx_port();
            rows["nginx"].push_back(measure(load, fleet.ingress_pid(0), fleet.redis_pid(), fleet.nginx_pid()));
            break;
        }
      }
      fleet.flush_streams();
      lone.measure(fleet, bare_port, 2s);
    }
    const Row bare_row = median(rows["bare"]), direct = median(rows["direct"]), nginx = median(rows["nginx"]);
    std::printf("\nappendfsync %s, %u connections, 1 kB bodies, median of %u rounds of %u s\n\n", fsync.c_str(), connections, rounds,
                seconds);
    std::printf("| %-28s | %9s | %8s | %8s | %8s | %8s | %8s | %7s |\n", "contender", "ack/s", "p50 ms", "p99 ms", "front us", "redis us",
                "nginx us", "not 200");
    std::printf("|------------------------------|-----------|----------|----------|----------|----------|----------|---------|\n");
    print("bare Pistache, stores nothing", bare_row);
    print("ingress, direct", direct);
    print("ingress behind nginx", nginx);
    std::printf("\n(ingress + Redis) CPU / bare Pistache CPU:          %.2f\n", (direct.front_us + direct.redis_us) / bare_row.front_us);
    std::printf("(nginx + ingress + Redis) / (ingress + Redis) CPU:  %.2f\n",
                (nginx.front_us + nginx.redis_us + nginx.nginx_us) / (nginx.front_us + nginx.redis_us));
    std::printf("(nginx + ingress + Redis) / (ingress + Redis direct): %.2f\n",
                (nginx.front_us + nginx.redis_us + nginx.nginx_us) / (direct.front_us + direct.redis_us));
    std::printf("lone sender p50: ack %.3f ms; one XADD %.3f ms; one bare round trip %.3f ms; median of ack - XADD - bare %+.3f ms\n",
                median(lone.ack), median(lone.xadd), median(lone.bare), median(lone.difference));
    std::fflush(stdout);
  }
}
