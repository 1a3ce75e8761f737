#include "worker/dispatch/checks.hpp"

#include <optional>
#include <utility>

namespace hookfleet::dispatch {

void declare(config::Settings& settings, CheckOptions& options) {
  settings.flag("worker.checks", options.on, "Hold notifications against their schemas");
  settings.choice("worker.invalid", options.invalid, {{"dead_letter", Invalid::kDeadLetter}, {"deliver", Invalid::kDeliver}},
                  "What becomes of a notification that breaks its schema: a dead letter, or it is handled all the same");
  settings.text("worker.schemas_dir", options.schemas_dir,
                "Directory of JSON Schemas that add to ours or replace them: TYPEWEBHOOK.json and message/TYPEMESSAGE.json");
  settings.path("worker.schemas_dir");
  settings.flag("worker.news_fields", options.fields, "Fields that no schema names are told once, as new types are");
  settings.rule(
      [&options]() -> std::optional<std::string> {
        if (!options.on || options.schemas_dir.empty()) return std::nullopt;
        const auto checks = make_checks(options);
        if (checks) return std::nullopt;
        std::string text;
        for (const std::string& problem : checks.error()) text += (text.empty() ? "" : "; ") + problem;
        return text;
      },
      {"worker.schemas_dir"});
}

tl::expected<Checks, std::vector<std::string>> make_checks(const CheckOptions& options) {
  Checks checks{nullptr, options.invalid, options.fields};
  if (!options.on) return checks;
  auto schemas = schema::Schemas::load(options.schemas_dir);
  if (!schemas) return tl::unexpected(std::move(schemas.error()));
  checks.schemas = std::make_shared<const schema::Schemas>(*std::move(schemas));
  return checks;
}

}  // namespace hookfleet::dispatch
