#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace hookfleet::schema {

/// One JSON Schema (draft 7), compiled. Only user of valijson, which decides and says no more than yes or no.
/// Threads: accepts() from any, at the same time.
class Validator {
 public:
  /// The error: what valijson doesn't like about the schema. References to other documents are refused.
  static tl::expected<Validator, std::string> compile(const nlohmann::json& schema);
  ~Validator();
  Validator(Validator&&) noexcept;
  Validator& operator=(Validator&&) noexcept;

  /// Strict about types: the text "1" is no number, 1.0 no integer. Linear in value and schema.
  bool accepts(const nlohmann::json& value) const;

 private:
  struct Compiled;
  explicit Validator(std::unique_ptr<const Compiled> compiled);

  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace hookfleet::schema
