#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "common/config/settings.hpp"
#include "common/schema/schemas.hpp"

namespace hookfleet::dispatch {

/// What becomes of a notification that breaks its schema.
enum class Invalid {
  kDeadLetter,  ///< a dead letter of class invalid
  kDeliver,     ///< handled like any other; its Notification::invalid_at says so
};

/// What notifications are held against, all of it replaced at a time. A value; copies share the schemas.
struct Checks {
  std::shared_ptr<const schema::Schemas> schemas;  ///< null: nothing is checked
  Invalid invalid = Invalid::kDeadLetter;
  bool fields = false;  ///< fields that no schema names are news
};

struct CheckOptions {
  bool on = true;
  Invalid invalid = Invalid::kDeadLetter;
  std::string schemas_dir = {};  ///< empty: none
  bool fields = false;
};

/// worker.checks, worker.invalid, worker.schemas_dir, worker.news_fields. What is wrong in the directory is a problem of the setting.
void declare(config::Settings& settings, CheckOptions& options);

/// Reads and compiles the schemas. The error: all problems.
tl::expected<Checks, std::vector<std::string>> make_checks(const CheckOptions& options);

}  // namespace hookfleet::dispatch
