#include "worker/handlers/instance_state.hpp"

#include "common/notification/redact.hpp"

namespace hookfleet::handlers {
namespace {

/// What a person has to do about a state.
std::string_view advice(std::string_view state) {
  if (state == "notAuthorized") return "it neither sends nor receives until it is linked again (QR code)";
  if (state == "blocked") return "the messenger has banned the account";
  if (state == "yellowCard") return "sending is suspended because of suspected spam";
  if (state == "suspended") return "sending is suspended by the messenger";
  if (state == "sleepMode") return "its phone is switched off or without network";
  if (state == "pendingCode") return "it waits for the code of its authorization";
  if (state == "pendingPassword") return "it waits for the password of its authorization";
  return "see its settings in the console";
}

}  // namespace

Handled InstanceStateHandler::handle(const Notification& notification, const std::stop_token&) {
  const bool state = notification.type == notification::TypeWebhook::kStateInstanceChanged;
  const std::string now = text_at(notification.json(), {state ? "stateInstance" : "statusInstance"});
  if (now.empty()) return Handled::done({count(notification)});
  if (state && now != "authorized" && now != "starting") {
    operators_.tell(about(alert::Kind::kInstanceState, notification,
                          "instance " + std::to_string(notification.id_instance) + " is in the state " +
                              notification::redact_field("stateInstance", now) + ": " + std::string(advice(now))));
  }
  return Handled::done({count(notification), latest_of_instance(notification, state ? "state" : "status", now)});
}

}  // namespace hookfleet::handlers
