// Any bytes as a body: the envelope must say the same as the DOM that handlers read, and what follows from it must hold.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/base/check.hpp"
#include "common/notification/envelope.hpp"
#include "common/notification/identity.hpp"
#include "common/notification/notification.hpp"

namespace {

using namespace hookfleet::notification;
using nlohmann::json;

/// The member if there is an object with it; null otherwise.
json member(const json& object, const char* key) { return object.is_object() && object.contains(key) ? object[key] : json(); }
std::string text(const json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

/// The depth and the keys that the limits are about, without a DOM.
struct Measure final : json::json_sax_t {
  std::size_t depth = 0, deepest = 0, keys = 0;
  bool down() { return deepest = std::max(deepest, ++depth), true; }
  bool up() { return --depth, true; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return down(); }
  bool key(std::string&) override { return ++keys, true; }
  bool end_object() override { return up(); }
  bool start_array(std::size_t) override { return down(); }
  bool end_array() override { return up(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }
};

void check_fields(const Envelope& envelope, const json& dom) {
  const json instance = member(member(dom, "instanceData"), "idInstance");
  HOOKFLEET_CHECK(envelope.type_webhook == text(member(dom, "typeWebhook")));
  HOOKFLEET_CHECK(envelope.id_message == text(member(dom, "idMessage")));
  HOOKFLEET_CHECK(envelope.status == text(member(dom, "status")));
  HOOKFLEET_CHECK(envelope.type_message == text(member(member(dom, "messageData"), "typeMessage")));
  HOOKFLEET_CHECK(envelope.chat_type == text(member(member(dom, "senderData"), "chatType")));
  HOOKFLEET_CHECK(!envelope.id_instance || (instance.is_number_integer() && instance.get<std::uint64_t>() == *envelope.id_instance));
  HOOKFLEET_CHECK(envelope.id_instance || !instance.is_number_integer() || instance.get<std::int64_t>() <= 0);
  HOOKFLEET_CHECK(!envelope.timestamp || member(dom, "timestamp").get<std::int64_t>() == *envelope.timestamp);
  std::string chat = without_device(text(member(member(dom, "senderData"), "chatId")));
  if (chat.empty() || chat.size() > kChatMax) chat = without_device(text(member(dom, "chatId")));
  if (!chat.empty() && chat.size() <= kChatMax) HOOKFLEET_CHECK(envelope.chat == chat);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto exact = std::make_unique<char[]>(size);  // on the heap and of this size: a read behind the end is seen
  std::copy_n(data, size, exact.get());
  const std::string_view body(exact.get(), size);

  const Envelope envelope = read_envelope(body);
  const bool good = envelope.malformed == Malformed::kNo;
  Measure measure;
  const bool is_json = json::sax_parse(body, &measure);
  switch (envelope.malformed) {
    case Malformed::kNo: {
      HOOKFLEET_CHECK(is_json && measure.deepest <= kDepthMax && measure.keys <= kKeysMax);
      const Notification notification = make_notification({.body = std::make_shared<const std::string>(body)}, envelope);
      const json dom = notification.json();
      HOOKFLEET_CHECK(dom.is_object());
      check_fields(envelope, dom);
      break;
    }
    case Malformed::kSyntax: HOOKFLEET_CHECK(!is_json || body.find('\0') != std::string_view::npos); break;  // NUL ends nlohmann's input
    case Malformed::kNotAnObject:
    case Malformed::kTypeTooLong: HOOKFLEET_CHECK(is_json); break;
    case Malformed::kDuplicateKey:  // these end the reading: what follows may be anything
    case Malformed::kEmpty:
    case Malformed::kTooDeep:
    case Malformed::kTooManyKeys: break;
  }

  const std::string dense = minify(body);
  HOOKFLEET_CHECK(dense.size() <= body.size());
  if (good) {
    HOOKFLEET_CHECK(read_envelope(dense) == envelope && minify(dense) == dense);
    HOOKFLEET_CHECK(body_digest(dense, envelope) == body_digest(body, envelope));
    HOOKFLEET_CHECK(json::parse(dense, nullptr, false) == json::parse(body, nullptr, false));
  } else {
    HOOKFLEET_CHECK(envelope.type_webhook.empty() && envelope.chat.empty() && !envelope.id_instance);
  }
  HOOKFLEET_CHECK(identity_of(1, envelope.type_webhook, envelope.chat, envelope, body) ==
                  identity_of(1, envelope.type_webhook, envelope.chat, envelope, good ? std::string_view(dense) : body));
  return 0;
}
