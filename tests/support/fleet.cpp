#include "tests/support/fleet.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "common/stream/dead_letter.hpp"
#include "tests/support/http.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::support {
namespace {

using namespace std::chrono_literals;

const std::string kPrograms = HOOKFLEET_BIN_DIR;
const std::string kSources = HOOKFLEET_SOURCE_DIR;

std::optional<std::string> get(int port, const char* path) {
  HttpClient client(port, 2s);
  const auto response = client.get(path);
  if (!response || response->status != 200) return std::nullopt;
  return response->body;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::istringstream list(read_file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children"));
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

void print_log(const std::string& name, const std::string& file) {
  constexpr std::size_t kTail = 20'000;
  const std::string text = read_file(file);
  std::fprintf(stderr, "--- %s\n%s\n", name.c_str(), text.substr(text.size() > kTail ? text.size() - kTail : 0).c_str());
}

}  // namespace

Fleet::Fleet(Options options) : options_(std::move(options)) {
  RedisServer::Options redis;
  redis.arguments = {"--appendfsync", options_.appendfsync};
  redis.roles = true;
  redis.arguments.insert(redis.arguments.end(), options_.redis_flags.begin(), options_.redis_flags.end());
  redis.started = options_.start_redis;
  redis_ = std::make_unique<RedisServer>(std::move(redis));
  for (unsigned i = 0; i < options_.ingresses; ++i) {
    Member made = make_member("hookfleet-ingress", "ingress-" + std::to_string(i), options_.ingress_flags);
    made.argv.insert(made.argv.end(), {"--server.listen", "127.0.0.1:" + std::to_string(made.port)});
    start(ingresses_.emplace_back(std::move(made)));
  }
  for (unsigned i = 0; i < options_.workers; ++i) add_worker();
  if (options_.nginx) {
    configure_nginx();
    start_nginx();
  }
  if (!options_.start_redis) return;
  const bool ready = wait_until(kSoon, [&] {
    for (std::size_t i = 0; i < ingresses_.size(); ++i) {
      if (!ingress_ready(i)) return false;
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (!worker_ready(i)) return false;
    }
    return !options_.nginx || get(nginx_port_, "/healthz").has_value();
  });
  if (!ready) ADD_FAILURE() << "the fleet did not become ready within 30 s";
}

Fleet::~Fleet() {
  nginx_.reset();
  for (auto* members : {&ingresses_, &workers_}) {
    for (auto& member : *members) member.process->signal(SIGTERM);
  }
  for (auto* members : {&ingresses_, &workers_}) {
    for (auto& member : *members) member.process.reset();
  }
  if (redis_->running()) redis_->expect_nothing_refused();
  if (!testing::Test::HasFailure()) return;
  for (const auto* members : {&ingresses_, &workers_}) {
    for (const auto& member : *members) print_log(member.log, member.log);
  }
  if (options_.nginx) print_log("nginx", nginx_log());
  print_log("redis", redis_->log());
}

Fleet::Member Fleet::make_member(const std::string& program, const std::string& name, const std::vector<std::string>& flags) const {
  Member made;
  made.port = free_port();
  made.metrics_port = free_port();
  made.log = dir_ / (name + ".log");
  made.argv = {kPrograms + "/" + program,
               "--redis.url",
               redis_->url_of(program == "hookfleet-ingress" ? "ingress" : "worker"),
               "--server.metrics_listen",
               "127.0.0.1:" + std::to_string(made.metrics_port),
               "--log.level",
               options_.log_level};
  made.argv.insert(made.argv.end(), flags.begin(), flags.end());
  made.environment = {{"HOOKFLEET_AUTH__TOKENS", token_}};
  return made;
}

void Fleet::start(Member& member) {
  member.process =
      std::make_unique<Process>(Process::Options{.argv = member.argv, .environment = member.environment, .output = member.log});
}

void Fleet::add_worker() {
  Member made = make_member(options_.worker_program, "worker-" + std::to_string(workers_.size()), options_.worker_flags);
  made.environment.insert(options_.worker_environment.begin(), options_.worker_environment.end());
  start(workers_.emplace_back(std::move(made)));
}

void Fleet::configure_nginx() {
  nginx_port_ = free_port();
  std::string upstream;
  for (const auto& ingress : ingresses_) upstream += "127.0.0.1:" + std::to_string(ingress.port) + " ";
  const std::string configuration = nginx_configuration();
  std::map<std::string, std::string> environment{{"NGINX_LISTEN", "127.0.0.1:" + std::to_string(nginx_port_)},
                                                 {"NGINX_INGRESSES", upstream.substr(0, upstream.size() - 1)},
                                                 {"NGINX_PID", dir_ / "nginx.pid"},
                                                 {"NGINX_TEMP", dir_.path()},
                                                 {"NGINX_WORKERS", "1"},
                                                 {"NGINX_USER", ::getuid() == 0 ? "root" : ""}};
  for (const auto& [name, value] : options_.nginx_environment) environment[name] = value;
  Process render({.argv = {kSources + "/nginx/render"}, .environment = environment, .output = configuration});
  if (render.wait(kSoon) != 0) {
    ADD_FAILURE() << "nginx/render: " << read_file(configuration);
    return;
  }
  if (!options_.nginx_changes.empty()) {
    std::string text = read_file(configuration);
    for (const auto& [part, change] : options_.nginx_changes) {
      const auto at = text.find(part);
      if (at == std::string::npos) {
        ADD_FAILURE() << "nginx's configuration has no " << part;
        return;
      }
      text.replace(at, part.size(), change);
    }
    std::ofstream(configuration, std::ios::trunc) << text;
  }
}

void Fleet::start_nginx() {
  nginx_ = std::make_unique<Process>(Process::Options{
      .argv = {"/usr/sbin/nginx", "-c", nginx_configuration(), "-p", dir_.path()}, .environment = {}, .output = nginx_log()});
}

std::vector<pid_t> Fleet::nginx_workers() const { return children_of(nginx_pid()); }

void Fleet::reload_nginx() {
  const auto before = nginx_workers();
  nginx_->signal(SIGHUP);
  const bool changed = wait_until(kSoon, [&] {
    const auto now = nginx_workers();
    return !now.empty() && std::find_first_of(now.begin(), now.end(), before.begin(), before.end()) == now.end();
  });
  if (!changed) ADD_FAILURE() << "nginx did not change its workers";
}

void Fleet::restart_nginx() {
  nginx_->signal(SIGQUIT);
  if (nginx_->wait(60s) != 0) ADD_FAILURE() << "nginx did not end in order";
  start_nginx();
  if (!wait_until(kSoon, [this] { return get(nginx_port_, "/healthz").has_value(); })) ADD_FAILURE() << "nginx does not answer";
}

void Fleet::restart_ingress(std::size_t index) { start(ingresses_.at(index)); }
void Fleet::restart_worker(std::size_t index) { start(workers_.at(index)); }

std::optional<std::string> Fleet::ingress_metrics(std::size_t index) const { return get(ingresses_.at(index).metrics_port, "/metrics"); }
std::optional<std::string> Fleet::worker_metrics(std::size_t index) const { return get(workers_.at(index).metrics_port, "/metrics"); }
bool Fleet::ingress_ready(std::size_t index) const { return get(ingresses_.at(index).metrics_port, "/readyz").has_value(); }
bool Fleet::worker_ready(std::size_t index) const { return get(workers_.at(index).metrics_port, "/readyz").has_value(); }

std::vector<std::string> Fleet::worker_logs() const {
  std::vector<std::string> files;
  for (const auto& worker : workers_) files.push_back(worker.log);
  return files;
}

std::vector<std::string> Fleet::ingress_logs() const {
  std::vector<std::string> files;
  for (const auto& ingress : ingresses_) files.push_back(ingress.log);
  return files;
}

std::uint64_t Fleet::backlog() {
  std::uint64_t entries = 0;
  for (unsigned p = 0; p < keys_.partitions(); ++p)
    entries += static_cast<std::uint64_t>(redis_->call({"XLEN", keys_.stream(p)}).view().integer());
  return entries;
}

std::uint64_t Fleet::dead_letters() {
  std::uint64_t entries = 0;
  for (unsigned p = 0; p < keys_.partitions(); ++p)
    entries += static_cast<std::uint64_t>(redis_->call({"XLEN", keys_.dlq(p)}).view().integer());
  return entries;
}

std::set<std::string> Fleet::dead_bodies() {
  std::set<std::string> bodies;
  for (unsigned p = 0; p < keys_.partitions(); ++p) {
    const auto reply = redis_->call({"XRANGE", keys_.dlq(p), "-", "+"});
    for (std::size_t i = 0; i < reply.view().size(); ++i) {
      const auto letter = stream::decode_dead_letter(reply.view()[i][1]);
      if (letter && letter->entry) bodies.insert(letter->entry->body);
    }
  }
  return bodies;
}

bool Fleet::drained(std::chrono::milliseconds timeout) {
  return wait_until(timeout, [&] { return backlog() == 0; });
}

std::uint64_t Fleet::counted(const std::string& field) {
  std::uint64_t sum = 0;
  for (unsigned p = 0; p < keys_.partitions(); ++p)
    sum += static_cast<std::uint64_t>(redis_->call({"HGET", keys_.cnt(p), field}).view().integer());
  return sum;
}

void Fleet::flush_streams() {
  for (unsigned p = 0; p < keys_.partitions(); ++p) redis_->call({"DEL", keys_.stream(p), "bench:xadd"});
}

}  // namespace hookfleet::support
