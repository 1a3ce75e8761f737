#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/audit.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/stream/news.hpp"

namespace hookfleet::cli {
namespace {

/// One field of hf:news.
struct Line {
  std::string field;
  std::optional<stream::Kind> kind;
  std::optional<stream::News> news;  ///< nothing: of a format we don't know
};

class NewsVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.flag("--body", body_, "Show the first notification of each, too (personal data)");
    arguments.flag("--forget", forget_, "Forget all of it: workers that start from now on tell of it again");
    arguments.flag("--yes", yes_, "Don't ask");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    Fleet fleet(fleet_, environment);
    const std::vector<Line> lines = read(fleet);
    if (forget_) return forget(console, environment, fleet, lines.size());
    console.out(is_json(output_) ? json_text(to_json(lines)) + '\n' : pretty(lines));
    if (!is_json(output_) && body_) {
      for (const Line& line : lines) {
        if (line.news) console.out('\n' + shown(line.field) + ":\n" + pretty_body(line.news->sample));
      }
    }
    if (lines.size() >= stream::kNewsMax) {
      console.err(fmt::format("{} kinds are there: no more are told until they are forgotten (--forget)\n", lines.size()));
    }
    return kOk;
  }

 private:
  static std::vector<Line> read(Fleet& fleet) {
    std::vector<Line> lines;
    const redis::Reply all = fleet.call({"HGETALL", fleet.keys().news()});
    for (std::size_t i = 0; i + 1 < all.view().size(); i += 2) {
      const std::string field(all.view()[i].text());
      lines.push_back({field, stream::Kind::parse(field), stream::News::parse(all.view()[i + 1].text())});
    }
    const auto age = [](const Line& line) { return line.news ? line.news->first_ms : 0; };
    std::sort(lines.begin(), lines.end(), [&](const Line& a, const Line& b) { return age(a) > age(b); });
    return lines;
  }

  int forget(Console& console, const Environment& environment, Fleet& fleet, std::size_t count) const {
    if (count == 0) {
      console.out("there is nothing to forget\n");
      return kOk;
    }
    if (!confirmed(console, yes_, fmt::format("forget {}?", count == 1 ? "it" : fmt::format("these {}", count)))) return kFailed;
    audit(fleet, console, environment, "news --forget", {{"kinds", std::to_string(count)}});
    fleet.call({"DEL", fleet.keys().news()});
    console.out(fmt::format("forgot {}\n", count));
    return kOk;
  }

  std::string pretty(const std::vector<Line>& lines) const {
    if (lines.empty()) return "nothing has come that isn't documented\n";
    Table table({"WHAT", "NAME", "FIRST SEEN", ">INSTANCE", "IN A", "ID"});
    for (const Line& line : lines) {
      const std::string what(line.kind ? stream::to_text(line.kind->what) : "?");
      const std::string name = line.kind ? line.kind->name : line.field;
      if (line.news) {
        table.row(
            {what, name, time_text(line.news->first_ms), std::to_string(line.news->id_instance), line.news->type_webhook, line.news->id});
      } else {
        table.row({what, name, "-", "", "(can't be read)", ""});
      }
    }
    return table.text();
  }

  Json to_json(const std::vector<Line>& lines) const {
    Json all = Json::array();
    for (const Line& line : lines) {
      Json one{{"what", line.kind ? Json(stream::to_text(line.kind->what)) : Json()}, {"name", line.kind ? line.kind->name : line.field}};
      if (line.news) {
        one["first"] = time_text(line.news->first_ms);
        one["worker"] = line.news->worker;
        one["id"] = line.news->id;
        one["id_instance"] = line.news->id_instance;
        one["type_webhook"] = line.news->type_webhook;
        one["body_bytes"] = line.news->body_bytes;
        if (body_) one["body"] = line.news->sample;
      }
      all.push_back(std::move(one));
    }
    return all;
  }

  bool body_ = false, forget_ = false, yes_ = false;
  std::string output_;
  FleetOptions fleet_;
};

constexpr std::string_view kNewsExamples = R"(
A typeWebhook, typeMessage or (worker.news_fields) field that no schema and no document names is told once in the whole fleet: a record
notification.unknown, an alert, and a line here with the first notification that showed it (its first 8 KiB). A schema of your own
(worker.schemas_dir) makes a type known.

Examples:
  hookfleet news
  hookfleet news --body
  hookfleet news -o json | jq -r '.[].name'
  hookfleet news --forget --yes
)";

}  // namespace

VerbSpec news_verb() {
  return {"news", "[--body] [--forget]", "What came that isn't documented anywhere", kNewsExamples, make_verb<NewsVerb>};
}

}  // namespace hookfleet::cli
