#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "common/schema/problem.hpp"
#include "common/schema/validator.hpp"

/// What notifications have to look like: JSON Schemas (draft 7), one per typeWebhook and one per typeMessage.
namespace hookfleet::schema {

/// The schemas of all types, compiled. Those of files/ are in the program; a directory of the same layout adds to them and replaces:
/// `<typeWebhook>.json` is about a whole notification, `message/<typeMessage>.json` about the `messageData` of those whose schema names
/// that field. Each file stands alone; keywords are those that we can put into words (load() lists them to who uses others).
///
/// They demand what all documents and examples make mandatory; any other field may be there; one that is listed as optional may be missing
/// or null, and otherwise has its type.
///
/// Immutable; any thread.
class Schemas {
 public:
  /// Problems that are told of one notification at most.
  static constexpr std::size_t kProblemsMax = 3;
  /// Fields that are told of one notification at most.
  static constexpr std::size_t kFieldsMax = 16;
  static constexpr std::size_t kFileBytesMax = 1UL << 20;
  static constexpr std::size_t kFilesMax = 1000;

  /// Those in the program and, unless `directory` is empty, those in it. Files whose names begin with a dot or don't end in .json aren't
  /// looked at. The error: all problems, each with file and pointer.
  static tl::expected<Schemas, std::vector<std::string>> load(const std::string& directory);

  bool knows(std::string_view type_webhook) const { return webhooks_.contains(type_webhook); }
  bool knows_message(std::string_view type_message) const { return messages_.contains(type_message); }

  /// What is wrong with a notification; nothing: it is valid, or its typeWebhook has no schema. `type_webhook` and `type_message` are what
  /// the envelope says.
  std::vector<Problem> check(std::string_view type_webhook, std::string_view type_message, const nlohmann::json& body) const;

  /// What is wrong with one whose typeWebhook is missing, empty or no text.
  static std::vector<Problem> untyped(const nlohmann::json& body);

  /// Pointers of fields that the schemas of its types don't name, array elements as `*`; at most kFieldsMax. None when its typeWebhook has
  /// no schema, nor of its messageData when its typeMessage has none, nor of objects that say `additionalProperties`.
  std::vector<std::string> undeclared(std::string_view type_webhook, std::string_view type_message, const nlohmann::json& body) const;

 private:
  struct Schema {
    nlohmann::json json;
    Validator validator;
  };
  using Map = std::map<std::string, Schema, std::less<>>;

  void add(const std::string& file, const std::string& path, std::string_view text, std::vector<std::string>& problems);
  void add_directory(const std::string& directory, std::vector<std::string>& problems);
  const Schema* message_schema(const Schema& webhook, std::string_view type_message, const nlohmann::json& body) const;

  Map webhooks_, messages_;
};

}  // namespace hookfleet::schema
