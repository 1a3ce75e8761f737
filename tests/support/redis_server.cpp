#include "tests/support/redis_server.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/support/wait_until.hpp"

namespace hookfleet::support {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void give_up(const std::string& what, const std::string& log) {
  std::fprintf(stderr, "RedisServer: %s\n%s\n", what.c_str(), log.c_str());
  std::abort();
}

std::string password_of(const std::string& role) { return "secret-of-" + role; }

}  // namespace

int make_redis_acl(const std::string& folder, const std::map<std::string, std::string>& passwords, const std::string& output,
                   const std::map<std::string, std::string>& environment) {
  if (!passwords.empty()) std::filesystem::create_directory(folder);
  for (const auto& [role, password] : passwords) std::ofstream(folder + '/' + role) << password;
  Process acl({.argv = {HOOKFLEET_SOURCE_DIR "/deploy/redis_acl", folder}, .environment = environment, .output = output});
  return acl.wait(kSoon).value_or(-1);
}

RedisServer::RedisServer() : RedisServer(Options{}) {}

RedisServer::RedisServer(Options options) : options_(std::move(options)), port_(free_port()) {
  if (options_.roles) write_users();
  if (options_.started) start();
}

redis::Endpoint RedisServer::endpoint() const {
  redis::Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(port_);
  endpoint.user = options_.user;
  endpoint.password = options_.password;
  if (options_.unix_socket) endpoint.unix_path = directory_ / "redis.sock";
  return endpoint;
}

std::string RedisServer::url() const {
  if (options_.unix_socket) return "unix://" + directory_ / "redis.sock";
  return "redis://" + (options_.password.empty() ? "" : ":" + options_.password + "@") + "127.0.0.1:" + std::to_string(port_);
}

std::string RedisServer::url_of(const std::string& role) const {
  return "redis://" + role + ':' + password_of(role) + "@127.0.0.1:" + std::to_string(port_);
}

void RedisServer::write_users() const {
  std::map<std::string, std::string> passwords;
  for (const char* role : {"ingress", "poller", "worker", "cli", "exporter"}) passwords[role] = password_of(role);
  const int code = make_redis_acl(directory_ / "passwords", passwords, users(), {{"REDIS_DEFAULT", "on nopass ~* &* +@all"}});
  if (code != 0) give_up("deploy/redis_acl failed", read_file(users()));
}

void RedisServer::expect_nothing_refused() {
  const redis::Reply refused = call({"ACL", "LOG"});
  for (std::size_t i = 0; i < refused.view().size(); ++i) {
    std::string words;
    const redis::ReplyView one = refused.view()[i];
    for (std::size_t j = 0; j < one.size(); ++j) words += std::string(one[j].text()) + ' ';
    ADD_FAILURE() << "refused to a role of deploy/redis_roles.acl: " << words;
  }
}

std::string RedisServer::log() const { return read_file(directory_ / "redis.log"); }

redis::Connection RedisServer::connect() const {
  auto connection = redis::Connection::open(endpoint(), {5s, 30s});
  if (!connection) give_up(connection.error().message, log());
  return *std::move(connection);
}

redis::Reply RedisServer::call(redis::Argv argv) {
  if (connection_) {
    if (auto reply = connection_->call(argv)) return *std::move(reply);
    connection_.reset();  // the server was restarted, or the test cut it
  }
  connection_ = connect();
  auto reply = connection_->call(argv);
  if (!reply) give_up(reply.error().message, log());
  return *std::move(reply);
}

std::string RedisServer::text(std::initializer_list<std::string_view> argv) {
  const redis::Reply reply = call(argv);
  const redis::ReplyView view = reply.view();
  return view.is_integer() ? std::to_string(view.integer()) : std::string(view.text());
}

void RedisServer::kill() {
  connection_.reset();
  if (process_) process_->kill();
  process_.reset();
}

void RedisServer::stop() {
  connection_.reset();
  process_->signal(SIGTERM);
  if (process_->wait(kSoon) != 0) give_up("redis-server does not end on SIGTERM", log());
  process_.reset();
}

void RedisServer::launch() {
  Process::Options process;
  process.argv = {HOOKFLEET_SOURCE_DIR "/deploy/fleet/redis_start",
                  directory_.path(),
                  "--port",
                  std::to_string(port_),
                  "--bind",
                  "127.0.0.1",
                  "--dir",
                  directory_.path(),
                  "--logfile",
                  directory_ / "redis.log",
                  "--daemonize",
                  "no",
                  "--appendonly",
                  "yes",
                  "--appendfsync",
                  "always",
                  "--no-appendfsync-on-rewrite",
                  "no",
                  "--aof-load-truncated",
                  "no",
                  "--save",
                  "",
                  "--maxmemory",
                  "256mb",
                  "--maxmemory-policy",
                  "noeviction"};
  if (options_.unix_socket) process.argv.insert(process.argv.end(), {"--unixsocket", directory_ / "redis.sock"});
  if (!options_.password.empty() && options_.user.empty()) process.argv.insert(process.argv.end(), {"--requirepass", options_.password});
  if (options_.roles) process.argv.insert(process.argv.end(), {"--aclfile", users()});
  process.argv.insert(process.argv.end(), options_.arguments.begin(), options_.arguments.end());
  if (options_.faulty_disk) process.environment = {{"LD_PRELOAD", HOOKFLEET_FAULTY_DISK}, {"HOOKFLEET_FAULTY_DISK", disk_faults()}};
  process_.emplace(std::move(process));
}

void RedisServer::await() {
  const bool answers = wait_until(kSoon, [this] {
    if (!process_->running()) give_up("redis-server ended", log());
    auto connection = redis::Connection::open(endpoint(), {1s, 5s});
    if (!connection) return false;
    const auto reply = connection->call({"PING"});
    return reply && reply->view().text() == "PONG";
  });
  if (!answers) give_up("no answer from redis-server", log());
}

std::string RedisServer::append_only_file() const { return directory_ / "appendonlydir/appendonly.aof.1.incr.aof"; }

void RedisServer::tear_log(const std::string& command) {
  const std::string wanted = "$" + std::to_string(command.size()) + "\r\n" + command + "\r\n";
  const std::size_t at = read_file(append_only_file()).rfind(wanted);
  if (process_ || at == std::string::npos) give_up("its log can't be torn within a " + command, log());
  std::filesystem::resize_file(append_only_file(), at + wanted.size() + 2);
}

void RedisServer::slow_disk(std::chrono::milliseconds each) const {
  if (each.count() > 0) {
    std::ofstream(disk_faults() + ".slow_ms") << each.count();
  } else {
    std::filesystem::remove(disk_faults() + ".slow_ms");
  }
}

void RedisServer::full_disk(bool full) const {
  if (full) {
    std::ofstream(disk_faults() + ".full") << "full";
  } else {
    std::filesystem::remove(disk_faults() + ".full");
  }
}

void RedisServer::freeze() { process_->signal(SIGSTOP); }
void RedisServer::thaw() { process_->signal(SIGCONT); }
bool RedisServer::running() { return process_ && process_->running(); }

void RedisServer::config_set(std::string_view name, std::string_view value) {
  const std::string answer = text({"CONFIG", "SET", name, value});
  if (answer != "OK") give_up("CONFIG SET " + std::string(name) + ": " + answer, "");
}

}  // namespace hookfleet::support
