#include "tests/support/personal.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace hookfleet::support {
namespace {

const std::set<std::string> kPersonal{
    // numbers
    "wid", "chatId", "sender", "from", "participant", "optionVoters", "phoneNumber", "senderPhoneNumber", "groupJid",
    // names
    "chatName", "senderName", "senderContactName", "displayName", "vcard", "groupName", "name", "nameLocation", "deviceManufacturer",
    "deviceModel",
    // texts
    "textMessage", "text", "title", "titleText", "contentText", "description", "caption", "fileName", "footer", "footerText", "buttonText",
    "displayText", "copyCode", "optionName", "selectedButtonText", "selectedDisplayText", "selectedId", "selectedButtonId", "buttonId",
    "rowId", "singleSelectReply", "id", "address", "latitude", "longitude", "inviteCode", "elementName", "namespace", "sourceId",
    // links and pictures
    "url", "downloadUrl", "thumbnailUrl", "sourceUrl", "urlAvatar", "jpegThumbnail"};

const std::set<std::string> kHarmless{"typeWebhook",
                                      "typeMessage",
                                      "typeInstance",
                                      "idInstance",
                                      "idMessage",
                                      "stanzaId",
                                      "timestamp",
                                      "status",
                                      "stateInstance",
                                      "statusInstance",
                                      "chatState",
                                      "chatType",
                                      "senderType",
                                      "mimeType",
                                      "previewType",
                                      "mediaType",
                                      "sourceType",
                                      "type",
                                      "listType",
                                      "selectedIndex",
                                      "index",
                                      "forwardingScore",
                                      "duration",
                                      "inviteExpiration",
                                      "low",
                                      "high",
                                      "unsigned",
                                      "platform",
                                      "osVersion",
                                      "waVersion",
                                      "battery",
                                      "method",
                                      "used",
                                      "total",
                                      "isForwarded",
                                      "isAnimated",
                                      "isTemplateMessage",
                                      "isVideo",
                                      "videoNote",
                                      "sendByApi",
                                      "containsAutoReply",
                                      "showAdAttribution",
                                      "multipleAnswers"};

bool is_id(const std::string& text) {
  const std::size_t end = std::min(text.find('@'), text.size());
  return end > 4 && std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return std::isdigit(c) != 0; });
}

void collect(const nlohmann::json& json, const std::string& key, std::set<std::string>& out) {
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) collect(value, name, out);
  } else if (json.is_array()) {
    for (const auto& value : json) collect(value, key, out);
  } else if (!json.is_null() && kHarmless.count(key) == 0) {
    if (kPersonal.count(key) == 0) throw std::runtime_error("tests/support/personal.cpp doesn't know whether `" + key + "` is personal");
    std::string text = json.is_string() ? json.get<std::string>() : json.dump();
    if (is_id(text)) text.resize(std::min(text.find('@'), text.size()));
    if (!text.empty()) out.insert(std::move(text));
  }
}

}  // namespace

std::vector<std::string> personal_values(std::string_view body) {
  std::set<std::string> found;
  auto json = nlohmann::json::parse(body);
  // Outside of a message the service describes what went wrong: words of its own, which the operator is told.
  if (json.is_object()) json.erase("description");
  if (json.contains("quotaData")) json["quotaData"].erase("description");
  collect(json, {}, found);
  return {found.begin(), found.end()};
}

std::vector<std::string> told(std::string_view text, const std::vector<std::string>& values) {
  const auto is_digit = [](std::string_view in, std::size_t at) {
    return at < in.size() && std::isdigit(static_cast<unsigned char>(in[at])) != 0;
  };
  const auto is_part = [](std::string_view in, std::size_t at) {
    return at < in.size() && std::isalnum(static_cast<unsigned char>(in[at])) != 0;
  };
  std::vector<std::string> found;
  for (const auto& value : values) {
    if (value.size() < 4 || kPersonal.count(value) > 0) continue;
    const bool number = is_digit(value, 0);
    const auto joined = [&](std::size_t at) { return number ? is_digit(text, at) : is_part(text, at); };
    for (std::size_t at = text.find(value); at != std::string_view::npos; at = text.find(value, at + 1)) {
      if (is_part(value, 0) && at > 0 && joined(at - 1)) continue;
      if (is_part(value, value.size() - 1) && joined(at + value.size())) continue;
      found.push_back(value);
      break;
    }
  }
  return found;
}

}  // namespace hookfleet::support
