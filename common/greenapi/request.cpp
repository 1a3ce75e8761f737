#include "common/greenapi/request.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "common/base/ascii.hpp"

namespace hookfleet::greenapi {
namespace {

// Whatever a token holds, it stays one segment of the path.
std::string encoded(std::string_view segment) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : segment) {
    const auto byte = static_cast<unsigned char>(c);
    if (base::is_letter_or_digit(c) || c == '-' || c == '_') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4U], kHex[byte & 0xFU]};
    }
  }
  return out;
}

web::Request call(std::string method, const Account& account, std::string_view name) {
  const auto end = account.api_url.find_last_not_of('/');
  web::Request request;
  request.method = std::move(method);
  request.url = account.api_url.substr(0, end == std::string::npos ? 0 : end + 1) + "/waInstance" + std::to_string(account.id_instance) +
                '/' + std::string(name) + '/' + encoded(account.token);
  request.headers = {{"User-Agent", "hookfleet"}, {"Accept", "application/json"}};
  request.timeout = kCallTimeout;
  request.answer_bytes_max = kAnswerBytesMax;
  return request;
}

}  // namespace

web::Request receive(const Account& account, std::chrono::seconds receive_timeout) {
  receive_timeout = std::clamp(receive_timeout, kReceiveTimeoutMin, kReceiveTimeoutMax);
  auto request = call("GET", account, "receiveNotification");
  request.url += "?receiveTimeout=" + std::to_string(receive_timeout.count());
  request.timeout = receive_timeout + kReceiveMargin;
  request.answer_bytes_max = kReceivedBytesMax;
  request.held = true;
  return request;
}

web::Request remove(const Account& account, std::int64_t receipt_id) {
  auto request = call("DELETE", account, "deleteNotification");
  request.url += '/' + std::to_string(receipt_id);
  return request;
}

web::Request count(const Account& account) { return call("GET", account, "getWebhooksCount"); }

web::Request state(const Account& account) { return call("GET", account, "getStateInstance"); }

web::Request settings(const Account& account) { return call("GET", account, "getSettings"); }

web::Request set_settings(const Account& account, std::string json) {
  auto request = call("POST", account, "setSettings");
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = std::make_shared<const std::string>(std::move(json));
  return request;
}

}  // namespace hookfleet::greenapi
