#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "common/alert/notice.hpp"

/// How a notice reads at each kind of sink. Pure; any thread. Bytes that are no UTF-8 are replaced.
namespace hookfleet::alert {

/// One JSON object; absent facts are left out:
///   {"version":1,"number":…,"kind":…,"severity":…,"time":…,"process":…,"text":…,"typeWebhook":…,"idInstance":…,"id":…,"chatId":…,
///    "idMessage":…,"suppressed":…,"suppressed_since":…,"notification":{…},"notification_bytes":…,"notification_cut":true}
/// `notification` is the notification itself, or its bytes as a text when they are no JSON or only its beginning.
std::string as_json(const Notice& notice);

inline constexpr std::size_t kSlackTextMax = 8192;

/// {"text":…}: `&`, `<` and `>` escaped as Slack asks for, so that no input names a channel or forges a link. The text has at most
/// kSlackTextMax bytes, escapes included.
std::string as_slack(const Notice& notice);

/// The array that Alertmanager's POST /api/v2/alerts takes. Labels: alertname, kind, severity and typeWebhook ("other" for what isn't
/// documented): a bounded number of values. All else is in the annotations. It fires from when it happened until `window` after `now`.
std::string as_alertmanager(const Notice& notice, base::WallTime now, std::chrono::milliseconds window);

/// The body of GREEN-API's sendMessage: at most 4,000 characters of text (Telegram takes 4,096, MAX 4,000).
std::string as_green_api(const Notice& notice, const std::string& chat);

}  // namespace hookfleet::alert
