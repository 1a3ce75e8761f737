#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/greenapi/account.hpp"
#include "common/web/client.hpp"

/// The URL of each request holds the API token: never log or show it (web::origin_of() is fine).
namespace hookfleet::greenapi {

inline constexpr std::chrono::seconds kReceiveTimeoutMin{5}, kReceiveTimeoutMax{60};
inline constexpr std::chrono::seconds kReceiveMargin{15};  ///< an exchange may last so much longer than the service waits
inline constexpr std::chrono::seconds kCallTimeout{20};    ///< of all other exchanges
inline constexpr std::size_t kReceivedBytesMax = (4UL << 20) + (64UL << 10);  ///< a notification of 4 MiB and what is around it
inline constexpr std::size_t kAnswerBytesMax = 64UL << 10;                    ///< of all other answers

/// receiveNotification: waits up to `receive_timeout` (held between 5 s and 60 s) for the oldest notification. One at a time an instance:
/// a second one gets the same. 100 a second.
web::Request receive(const Account& account, std::chrono::seconds receive_timeout);
/// deleteNotification: acknowledges it. 100 a second.
web::Request remove(const Account& account, std::int64_t receipt_id);
/// getWebhooksCount: how many wait; the service counts anew every 10 s.
web::Request count(const Account& account);
/// getStateInstance
web::Request state(const Account& account);
/// getSettings: once a second.
web::Request settings(const Account& account);
/// setSettings: once a second. `json`: an object with the settings to change. The instance restarts, and works with them within 5 minutes.
web::Request set_settings(const Account& account, std::string json);

}  // namespace hookfleet::greenapi
