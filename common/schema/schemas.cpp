#include "common/schema/schemas.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "common/schema/explain.hpp"
#include "common/schema/files.hpp"

namespace hookfleet::schema {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kShippedFolder = "files/";
constexpr std::string_view kMessageFolder = "message";
constexpr std::string_view kEnding = ".json";
constexpr char kMessageField[] = "messageData";

tl::expected<std::string, std::string> read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(Schemas::kFileBytesMax + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) return tl::unexpected(std::string("can't be read"));
  if (text.size() > Schemas::kFileBytesMax) return tl::unexpected("larger than " + std::to_string(Schemas::kFileBytesMax) + " bytes");
  return text;
}

}  // namespace

tl::expected<Schemas, std::vector<std::string>> Schemas::load(const std::string& directory) {
  Schemas schemas;
  std::vector<std::string> problems;
  for (const auto& file : kFiles)
    schemas.add(std::string(file.path), std::string(file.path.substr(kShippedFolder.size())), file.text, problems);
  if (!directory.empty()) schemas.add_directory(directory, problems);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return schemas;
}

/// `file` for people; `path` below the layout's root: which type it is about.
void Schemas::add(const std::string& file, const std::string& path, std::string_view text, std::vector<std::string>& problems) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& error) {
    problems.push_back(file + ": byte " + std::to_string(error.byte) + ": no JSON");
    return;
  } catch (const Json::exception&) {  // a number out of range
    problems.push_back(file + ": no JSON");
    return;
  }
  const std::vector<std::string> flaws = schema::flaws(json);
  for (const std::string& flaw : flaws) problems.push_back(std::string(file).append(": ").append(flaw));
  if (!flaws.empty()) return;
  auto validator = Validator::compile(json);
  if (!validator) {
    problems.push_back(file + ": " + validator.error());
    return;
  }
  const fs::path name(path);
  Map& map = name.has_parent_path() ? messages_ : webhooks_;
  map.insert_or_assign(name.stem().string(), Schema{std::move(json), *std::move(validator)});
}

void Schemas::add_directory(const std::string& directory, std::vector<std::string>& problems) {
  std::size_t files = 0;
  const auto walk = [&](const fs::path& folder, const std::string& prefix) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) entries.push_back(entry->path());
    if (error) {
      problems.push_back(folder.string() + ": " + error.message());
      return false;
    }
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      const std::string name = entry.filename().string();
      if (name.starts_with('.')) continue;
      if (fs::is_directory(entry, error)) {
        if (!prefix.empty() || name != kMessageFolder) {
          problems.push_back(entry.string() + ": only files <typeWebhook>.json and a folder `message` with <typeMessage>.json belong here");
        }
        continue;
      }
      if (!name.ends_with(kEnding)) continue;
      if (++files > kFilesMax) {
        problems.push_back(directory + ": more than " + std::to_string(kFilesMax) + " files");
        return false;
      }
      const auto text = read(entry);
      if (text) {
        add(entry.string(), prefix + name, *text, problems);
      } else {
        problems.push_back(entry.string() + ": " + text.error());
      }
    }
    return true;
  };
  if (!walk(directory, "")) return;
  const fs::path messages = fs::path(directory) / kMessageFolder;
  std::error_code error;
  if (fs::exists(messages, error)) walk(messages, std::string(kMessageFolder) + '/');
}

const Schemas::Schema* Schemas::message_schema(const Schema& webhook, std::string_view type_message, const Json& body) const {
  const auto properties = webhook.json.find("properties");
  if (properties == webhook.json.end() || !properties->contains(kMessageField) || !body.contains(kMessageField)) return nullptr;
  const auto found = messages_.find(type_message);
  return found == messages_.end() ? nullptr : &found->second;
}

std::vector<Problem> Schemas::check(std::string_view type_webhook, std::string_view type_message, const Json& body) const {
  std::vector<Problem> problems;
  const auto look = [&](const Schema& schema, const Json& value, const std::string& pointer) {
    if (schema.validator.accepts(value)) return;
    auto found = explain(schema.json, value, pointer, kProblemsMax - problems.size());
    if (found.empty()) found.push_back({pointer.empty() ? "/" : pointer, "what its schema says", "something else"});
    std::move(found.begin(), found.end(), std::back_inserter(problems));
  };
  const auto webhook = webhooks_.find(type_webhook);
  if (webhook == webhooks_.end()) return problems;
  look(webhook->second, body, "");
  if (problems.size() >= kProblemsMax) return problems;
  const Schema* message = message_schema(webhook->second, type_message, body);
  if (message != nullptr) look(*message, body[kMessageField], std::string("/") + kMessageField);
  return problems;
}

std::vector<Problem> Schemas::untyped(const Json& body) {
  static const Json kTyped =
      Json::parse(R"({"type":"object","required":["typeWebhook"],"properties":{"typeWebhook":{"type":"string","minLength":1}}})");
  return explain(kTyped, body, "", kProblemsMax);
}

std::vector<std::string> Schemas::undeclared(std::string_view type_webhook, std::string_view type_message, const Json& body) const {
  std::vector<std::string> fields;
  const auto webhook = webhooks_.find(type_webhook);
  if (webhook == webhooks_.end() || !body.is_object()) return fields;
  std::vector<const Json*> schemas{&webhook->second.json};
  const Schema* message = message_schema(webhook->second, type_message, body);
  Json wrapped;
  if (message != nullptr) {
    wrapped["properties"][kMessageField] = message->json;
    schemas.push_back(&wrapped);
  }
  schema::undeclared(schemas, body, "", kFieldsMax, fields);
  if (message == nullptr) {  // its type is news, its fields are nothing more
    std::erase_if(fields, [](const std::string& field) { return field.starts_with(std::string("/") + kMessageField + "/"); });
  }
  return fields;
}

}  // namespace hookfleet::schema
