// Any bytes as a body, held against the shipped schemas: what valijson refuses the explainer puts into words, and nothing that came shows
// where it must not.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/base/check.hpp"
#include "common/notification/envelope.hpp"
#include "common/notification/redact.hpp"
#include "worker/dispatch/arrival.hpp"

namespace {

using namespace hookfleet;
using nlohmann::json;

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

const dispatch::Checks& checks() {
  static const dispatch::Checks made = *dispatch::make_checks({.fields = true});
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stream::Entry entry;
  entry.id = "01890000-0000-7000-8000-000000000001";
  entry.body.assign(reinterpret_cast<const char*>(data), size);
  const notification::Envelope envelope = notification::read_envelope(entry.body);
  entry.id_instance = envelope.id_instance.value_or(1);
  entry.chat = envelope.chat;
  entry.type_webhook = envelope.type_webhook;

  const dispatch::Arrival arrival = dispatch::prepare({1, 0}, std::move(entry), checks());
  const dispatch::Content& content = *arrival.content;
  HOOKFLEET_CHECK(content.unfit.has_value() == !content.why.empty());
  if (!content.parsed) {
    HOOKFLEET_CHECK(content.unfit == stream::DeadClass::kMalformed);
    return 0;
  }
  const notification::Notification& notification = content.notification;
  HOOKFLEET_CHECK(content.unfit.has_value() == !notification.invalid_at.empty());
  HOOKFLEET_CHECK(printable(content.why) && content.why.find("what its schema says") == std::string::npos);
  HOOKFLEET_CHECK(!content.unfit || (notification.invalid_at.front() == '/' && content.why.starts_with(notification.invalid_at)));
  HOOKFLEET_CHECK(content.unfit || checks().schemas->knows(notification.type_webhook) || !notification.type.has_value());

  const json redacted = json::parse(notification::redact(*notification.body), nullptr, false);
  HOOKFLEET_CHECK(redacted.is_object());
  return 0;
}
