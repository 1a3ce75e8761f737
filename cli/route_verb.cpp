#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "cli/fleet_settings.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/config/command_line.hpp"
#include "common/notification/envelope.hpp"
#include "worker/config.hpp"
#include "worker/dispatch/arrival.hpp"
#include "worker/dispatch/checks.hpp"
#include "worker/routes/table.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::size_t kBodyMax = 64UL << 20;  // no fleet takes larger ones

std::string read_body(Console& console, const std::string& path) {
  if (path == "-") return console.in(kBodyMax);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) throw Failed{path + ": can't be read: " + std::generic_category().message(errno)};
  return read_all(file.get(), path, kBodyMax);
}

/// A body as the worker would meet it.
std::shared_ptr<const dispatch::Content> content_of(std::string body, std::uint64_t instance, const dispatch::Checks& checks) {
  const notification::Envelope envelope = notification::read_envelope(body);
  stream::Entry entry;
  entry.id_instance = instance != 0 ? instance : envelope.id_instance.value_or(0);
  entry.chat = envelope.chat;
  entry.type_webhook = envelope.type_webhook;
  entry.body = std::move(body);
  return dispatch::prepare({}, std::move(entry), checks).content;
}

std::string joined(std::span<const std::string> texts) {
  std::string text;
  for (const std::string& one : texts) text += (text.empty() ? "" : ", ") + one;
  return text;
}

std::vector<std::string> action_names_of(const routes::Route& route) {
  std::vector<std::string> names;
  for (const auto& action : route.actions) names.push_back(action.name);
  return names;
}

std::string actions_of(const routes::Route& route) { return route.actions.empty() ? "ignore" : joined(action_names_of(route)); }

class RouteVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.positional("FILE", file_, "A notification's body, as GREEN-API posts it; - reads it from standard input");
    arguments.option("--config", config_, "FILE", "The settings in YAML [default: none, the shipped routes hold]");
    arguments.option("--instance", instance_, "N", "The instance it comes of, where the body names none");
    declare_handlers(arguments, handlers_);
    declare_output(arguments, output_);
  }

  int run(Console& console, const Environment& environment) override {
    const bool json = is_json(output_);
    const std::vector<std::string> handlers = known_handlers(handlers_);
    worker::Config config;
    config::Settings settings;
    worker::declare(settings, config, handlers);
    if (const auto problems = settings.load(config_, environment, {}); !problems.empty()) {
      console.err(config::lines(problems));
      return kUsage;
    }
    const std::uint64_t instance = instance_.empty() ? 0 : count_of("--instance", instance_, 1);
    const auto checks = dispatch::make_checks(config.checks);
    if (!checks) throw Failed{config_ + ": worker.schemas_dir: " + joined(checks.error())};  // it has changed since load()
    const auto content = content_of(read_body(console, file_), instance, *checks);
    const routes::Table table(config.routes, handlers);
    console.out(json ? json_text(as_json(*content, table), 2) + '\n' : as_text(*content, table));
    return kOk;
  }

 private:
  static std::string as_text(const dispatch::Content& content, const routes::Table& table) {
    const notification::Notification& about = content.notification;
    std::string out;
    const auto line = [&out](std::string_view name, const std::string& value) {
      out += fmt::format("{:<12} {}\n", name, value.empty() ? "(none)" : value);
    };
    line("typeWebhook", shown(about.type_webhook));
    line("typeMessage", shown(about.type_message));
    line("idInstance", about.id_instance == 0 ? "" : std::to_string(about.id_instance));
    line("chatId", about.chat_kind ? shown(about.chat) + " (" + std::string(notification::to_text(*about.chat_kind)) + ')' : "");
    line("status", shown(about.status));
    if (content.unfit) {
      return out + (content.parsed ? "\nIt breaks its schema: " : "\nIt is no notification: ") + shown(content.why) +
             "\nNo route is asked; it becomes a dead letter of class " + std::string(stream::to_text(*content.unfit)) + ".\n";
    }
    if (!content.why.empty()) {
      out += "\nIt breaks its schema, and is handled all the same (worker.invalid: deliver): " + shown(content.why) + "\n";
    }
    const auto taken = table.find(about);
    Table rows({"ROUTE", "TAKES IT", "WHY", "ACTIONS"});
    for (std::size_t i = 0; i < table.routes().size(); ++i) {
      const routes::Route& route = table.routes()[i];
      const auto mismatch = table.mismatch(i, about);
      std::string why = "it fits";
      if (mismatch) {
        why = std::string(mismatch->criterion) + (mismatch->found.empty() ? ": it has none" : " is " + mismatch->found) + ", not " +
              joined(mismatch->wanted);
      } else if (i != taken) {
        why += ", but an earlier one takes it";
      }
      rows.row({route.name, i == taken ? "yes" : "no", why, actions_of(route)});
    }
    out += rows.empty() ? "\nThere are no routes.\n" : '\n' + rows.text();
    if (!taken) return out + "\nNo route takes it: it is acknowledged as ignored.\n";
    const routes::Route& route = table.routes()[*taken];
    return out + '\n' + shown(route.name) +
           (route.actions.empty() ? " takes it: it is acknowledged as ignored.\n" : " takes it: " + shown(actions_of(route)) + "\n");
  }

  static Json as_json(const dispatch::Content& content, const routes::Table& table) {
    const notification::Notification& about = content.notification;
    Json json{{"typeWebhook", about.type_webhook},
              {"typeMessage", about.type_message},
              {"idInstance", about.id_instance},
              {"chatId", about.chat}};
    json["chat"] = about.chat_kind ? Json(notification::to_text(*about.chat_kind)) : Json();
    json["status"] = about.status;
    const bool unfit = content.unfit.has_value();
    json["dead"] = unfit ? Json{{"class", stream::to_text(*content.unfit)}, {"reason", content.why}} : Json();
    json["invalid"] = content.parsed && !content.why.empty() ? Json(content.why) : Json();
    const auto taken = unfit ? std::nullopt : table.find(about);
    json["route"] = taken ? Json(table.routes()[*taken].name) : Json();
    json["actions"] = taken ? Json(action_names_of(table.routes()[*taken])) : Json::array();
    json["routes"] = Json::array();
    for (std::size_t i = 0; i < table.routes().size() && !unfit; ++i) {
      const routes::Route& route = table.routes()[i];
      const auto mismatch = table.mismatch(i, about);
      Json one{{"route", route.name}, {"fits", !mismatch.has_value()}};
      if (mismatch) {
        one["criterion"] = mismatch->criterion;
        one["found"] = mismatch->found.empty() ? Json() : Json(mismatch->found);
        one["wanted"] = std::vector<std::string>(mismatch->wanted.begin(), mismatch->wanted.end());
      }
      one["actions"] = action_names_of(route);
      json["routes"].push_back(std::move(one));
    }
    return json;
  }

  std::string file_, config_, instance_, handlers_, output_;
};

constexpr std::string_view kRouteExamples = R"(
Shows which route takes a notification, and of every other one the first criterion that it doesn't fit. Nothing is sent or stored. What is
no notification at all, or breaks its schema, is not routed; that is said, too.

Examples:
  hookfleet route body.json --config hookfleet.yaml
  hookfleet show 7/1764113835123-0 --raw | hookfleet route - --config hookfleet.yaml -o json
)";

}  // namespace

VerbSpec route_verb() { return {"route", "FILE", "Which route takes a notification, and why", kRouteExamples, make_verb<RouteVerb>}; }

}  // namespace hookfleet::cli
