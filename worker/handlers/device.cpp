#include "worker/handlers/device.hpp"

#include <array>

namespace hookfleet::handlers {
namespace {

struct Part {
  const char* name;
  const char* key;
};
constexpr std::array kParts{Part{"platform", "platform"}, Part{"manufacturer", "deviceManufacturer"}, Part{"model", "deviceModel"},
                            Part{"os", "osVersion"}, Part{"app", "waVersion"}};

std::string device_of(const nlohmann::json& body) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text.append(text.empty() ? "" : " ").append(name).append("=").append(value);
  };
  for (const Part& part : kParts) add(part.name, text_at(body, {"deviceData", part.key}));
  const nlohmann::json* battery = find_at(body, {"deviceData", "battery"});
  if (battery != nullptr && battery->is_number_integer()) add("battery", battery->dump());
  return text;
}

}  // namespace

Handled DeviceHandler::handle(const Notification& notification, const std::stop_token&) {
  std::vector<stream::Effect> effects{count(notification)};
  const auto json = notification.json();
  if (notification.type == notification::TypeWebhook::kIncomingBlock) {
    if (auto latest = latest_of_chat(notification, "block", text_at(json, {"chatState"}))) effects.push_back(*std::move(latest));
  } else if (const std::string device = device_of(json); !device.empty()) {
    effects.push_back(latest_of_instance(notification, "device", device));
  }
  return Handled::done(std::move(effects));
}

}  // namespace hookfleet::handlers
