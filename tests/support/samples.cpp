#include "tests/support/samples.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace hookfleet::support {
namespace {

using Json = nlohmann::ordered_json;

const std::filesystem::path kDocumented = std::filesystem::path(HOOKFLEET_SOURCE_DIR) / "cli" / "simulate" / "samples";
const std::filesystem::path kOthers = std::filesystem::path(HOOKFLEET_SOURCE_DIR) / "tests" / "samples";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("can't read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Sample> load(bool broken) {
  const std::filesystem::path& folder = broken ? kOthers : kDocumented;
  std::vector<Sample> out;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = std::filesystem::relative(file.path(), folder).string();
    if (!file.is_regular_file()) continue;
    std::string body = read_file(file.path());
    std::string type = broken ? std::string() : Json::parse(body).at("typeWebhook").get<std::string>();
    out.push_back({path, std::move(type), std::move(body)});
  }
  std::sort(out.begin(), out.end(), [](const Sample& a, const Sample& b) { return a.path < b.path; });
  return out;
}

/// 32 hexadecimal digits: 16 of this process, 16 counting.
std::string new_id_message() {
  static const std::uint64_t process = std::uint64_t{std::random_device()()} << 32 | std::random_device()();
  static std::atomic<std::uint64_t> count = 0;
  char text[33];
  std::snprintf(text, sizeof text, "%016llX%016llX", static_cast<unsigned long long>(process), static_cast<unsigned long long>(++count));
  return text;
}

}  // namespace

std::vector<Sample> samples() { return load(false); }
std::vector<Sample> broken_samples() { return load(true); }

Sample sample(const std::string& path) {
  std::string body = read_file(kDocumented / path);
  std::string type = Json::parse(body).at("typeWebhook").get<std::string>();
  return {path, std::move(type), std::move(body)};
}

std::string fresh(const Sample& sample, const Changes& changes) {
  Json json = Json::parse(sample.body);
  if (changes.new_id_message && json.contains("idMessage")) json["idMessage"] = new_id_message();
  if (changes.id_instance) json["instanceData"]["idInstance"] = *changes.id_instance;
  if (changes.chat) {
    if (json.contains("senderData")) {
      json["senderData"]["chatId"] = *changes.chat;
    } else if (json.contains("chatId")) {
      json["chatId"] = *changes.chat;
    } else if (json.contains("from")) {
      json["from"] = *changes.chat;
    }
  }
  return json.dump(2);
}

}  // namespace hookfleet::support
