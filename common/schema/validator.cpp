#include "common/schema/validator.hpp"

#include <exception>
#include <utility>

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace hookfleet::schema {

struct Validator::Compiled {
  valijson::Schema schema;
};

Validator::Validator(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
Validator::~Validator() = default;
Validator::Validator(Validator&&) noexcept = default;
Validator& Validator::operator=(Validator&&) noexcept = default;

tl::expected<Validator, std::string> Validator::compile(const nlohmann::json& schema) {
  try {
    auto compiled = std::make_unique<Compiled>();
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(schema), compiled->schema);
    return Validator(std::move(compiled));
  } catch (const std::exception& error) {
    return tl::unexpected(std::string(error.what()));
  }
}

bool Validator::accepts(const nlohmann::json& value) const {
  // A validator of its own for each call: it caches regular expressions, unguarded. Making one costs nothing.
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  return validator.validate(compiled_->schema, valijson::adapters::NlohmannJsonAdapter(value), nullptr);
}

}  // namespace hookfleet::schema
