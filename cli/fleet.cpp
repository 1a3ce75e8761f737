#include "cli/fleet.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/text.hpp"
#include "common/config/command_line.hpp"
#include "common/config/settings.hpp"
#include "common/redis/settings.hpp"
#include "common/stream/layout.hpp"
#include "common/stream/settings.hpp"

namespace hookfleet::cli {
namespace {

constexpr redis::Timeouts kTimeouts{std::chrono::seconds(2), std::chrono::seconds(10)};

std::string named(redis::Argv argv) {
  std::string text;
  for (std::size_t i = 0; i < argv.size() && i < 2; ++i) text += (i > 0 ? " " : "") + shown(argv[i], 60);
  return text;
}

/// What a user can do about a refusal.
std::string way_out(redis::ReplyError error) {
  switch (error) {
    case redis::ReplyError::kWrongType:
      return ": the key holds another type than a fleet's; look with `redis-cli TYPE`, and choose another --prefix if it isn't the "
             "fleet's, otherwise rename it away";
    case redis::ReplyError::kNoAuth:
    case redis::ReplyError::kWrongPass: return ": give user and password in the URL, redis://USER:PASSWORD@HOST";
    case redis::ReplyError::kNoPerm: return ": the Redis user lacks a right; use a user that has it";
    case redis::ReplyError::kLoading: return ": Redis is reading its data; try again when it has";
    case redis::ReplyError::kOom: return ": Redis is at maxmemory; let the workers drain, or export and drop dead letters";
    case redis::ReplyError::kReadonly: return ": this is a replica; give the master's URL";
    case redis::ReplyError::kMisconf: return ": Redis can't write to its disk; free space there";
    case redis::ReplyError::kNone:
    case redis::ReplyError::kNoReplicas:
    case redis::ReplyError::kMasterDown:
    case redis::ReplyError::kBusy:
    case redis::ReplyError::kNoScript:
    case redis::ReplyError::kUnblocked:
    case redis::ReplyError::kMoved:
    case redis::ReplyError::kAsk:
    case redis::ReplyError::kTryAgain:
    case redis::ReplyError::kClusterDown:
    case redis::ReplyError::kOther: break;
  }
  return "";
}

redis::Connection open(const redis::Endpoint& endpoint) {
  auto connection = redis::Connection::open(endpoint, kTimeouts);
  if (connection) return *std::move(connection);
  ConnectionLost lost;
  lost.sent = false;
  lost.text = shown(connection.error().message);  // names the server
  lost.text += connection.error().kind == redis::ErrorKind::kAuth
                   ? "; give user and password in the URL, redis://USER:PASSWORD@HOST (--redis, HOOKFLEET_REDIS__URL or redis.url_file)"
                   : "; start it, or say where it is: --redis URL, --config FILE or HOOKFLEET_REDIS__URL";
  throw lost;
}

}  // namespace

void FleetOptions::declare(config::Arguments& arguments) {
  arguments.group("Where the fleet is");
  arguments.option("--redis", redis, "URL",
                   "Its Redis, redis://[user:password@]host[:port][/database] or unix:///path [default: the settings']");
  arguments.option("--config", config, "FILE", "The settings of the fleet in YAML [default: none, the environment and the defaults hold]");
  arguments.option("--prefix", prefix, "TEXT", "What its keys begin with [default: redis.prefix]");
}

struct Fleet::Settings {
  redis::Options redis;
  stream::Layout layout;

  Settings(const FleetOptions& options, const Environment& environment) {
    config::Settings settings;
    redis::declare(settings, redis);
    stream::declare(settings, layout);
    for (const char* section :
         {"server", "auth", "append", "worker", "routes", "dedup", "retry", "alerts", "poller", "log", "durability"}) {
      settings.foreign_section(section);
    }
    for (const char* key : {"redis.wait_replicas", "stream.memory_max", "stream.backlog_alert", "stream.dead_letter_alert"})
      settings.foreign_setting(key);
    std::vector<std::pair<std::string, std::string>> flags;
    if (!options.redis.empty()) flags.emplace_back("redis.url", options.redis);
    if (!options.prefix.empty()) flags.emplace_back("redis.prefix", options.prefix);
    const auto problems = settings.load(options.config, environment, flags);
    if (problems.empty()) return;
    std::string text = config::lines(problems);
    text.pop_back();
    throw Failed{text, kUsage};
  }
};

Fleet::Fleet(const FleetOptions& options, const Environment& environment) : Fleet(Settings(options, environment)) {}

Fleet::Fleet(const Settings& settings)
    : endpoint_(settings.redis.endpoint),
      pipeline_(open(endpoint_)),
      settings_layout_(settings.layout),
      layout_(settings.layout),
      keys_(settings.layout) {
  const redis::Reply stored = call({"HGET", keys_.meta(), "layout"});
  if (stored.view().is_nil()) return;
  stored_layout_ = stored.view().text();
  const auto layout = stream::parse_layout(stored_layout_, settings_layout_.prefix);
  if (!layout) {
    throw Failed{keys_.meta() + " holds the layout \"" + shown(stored_layout_, 64) +
                 "\", which this version doesn't know; use the command line of the fleet's own version"};
  }
  layout_ = *layout;
  keys_ = stream::Keys(layout_);
}

std::string Fleet::server() const { return shown(endpoint_.display()); }

redis::Reply Fleet::ask(redis::Argv argv) {
  asked_ = base::BootClock::now();
  pipeline_.append(argv);
  return receive(argv);
}

redis::Reply Fleet::receive(redis::Argv argv) {
  const auto lost = [&](const std::string& why) {
    ConnectionLost error;
    error.text = "the connection to Redis at " + server() + " ended at " + named(argv) + ": " + shown(why);
    return error;
  };
  for (;;) {
    auto reply = pipeline_.next();
    if (!reply) throw lost(reply.error().message);
    if (*reply) return **std::move(reply);
    if (base::BootClock::now() - std::max(pipeline_.last_received(), asked_) > kTimeouts.io) throw lost("no reply in time");
    if (const auto turned = pipeline_.io(std::chrono::milliseconds(200), nullptr); !turned) throw lost(turned.error().message);
  }
}

std::vector<redis::Reply> Fleet::ask_all(const std::vector<Words>& commands) {
  std::vector<redis::Reply> replies;
  std::vector<std::string_view> argv;
  // So many at a time that neither side's buffers hold much.
  constexpr std::size_t kAtATime = 256;
  for (std::size_t first = 0; first < commands.size(); first += kAtATime) {
    const std::size_t end = std::min(first + kAtATime, commands.size());
    asked_ = base::BootClock::now();
    for (std::size_t i = first; i < end; ++i) {
      argv.assign(commands[i].begin(), commands[i].end());
      pipeline_.append(redis::Argv(argv));
    }
    for (std::size_t i = first; i < end; ++i) {
      argv.assign(commands[i].begin(), commands[i].end());
      replies.push_back(receive(redis::Argv(argv)));
    }
  }
  return replies;
}

redis::Reply Fleet::call(redis::Argv argv) {
  redis::Reply reply = ask(argv);
  if (!reply.view().is_error()) return reply;
  const std::string text = named(argv) + ": " + shown(reply.view().text(), 200) + way_out(reply.view().error());
  if (reply.view().error() != redis::ReplyError::kLoading) throw Failed{text};
  ConnectionLost lost;  // it has just been started again: whoever waits for a connection waits for this, too
  lost.sent = false;
  lost.text = text;
  throw lost;
}

void Fleet::reconnect() { pipeline_ = redis::Pipeline(open(endpoint_)); }

std::int64_t Fleet::now_ms() {
  const redis::Reply time = call({"TIME"});
  return time.view()[0].integer() * 1000 + time.view()[1].integer() / 1000;
}

redis::Reply Fleet::range(const std::string& key, std::string_view from, std::string_view to, std::size_t count) {
  return call({"XRANGE", key, from, to, "COUNT", std::to_string(count)});
}

std::string after(stream::StreamId id) { return "(" + id.text(); }

}  // namespace hookfleet::cli
