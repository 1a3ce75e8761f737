#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// GREEN-API's HTTP interface, seen from the client: requests are built and answers read here, `common/web` carries them. Pure.
namespace hookfleet::greenapi {

/// One instance and the right to speak for it.
struct Account {
  std::uint64_t id_instance = 0;
  std::string api_url;  ///< as the console shows it; a slash at its end doesn't count
  std::string token;    ///< apiTokenInstance: a secret, and a part of every request's path
  bool operator==(const Account&) const = default;
};

/// The address an instance has unless the console says another: a pool is named after the id's first four digits
/// (`https://7103.api.greenapi.com`; MAX and Telegram `https://3100.api.green-api.com`, `4100`), short ids are served by
/// `https://api.green-api.com`. Pools may move: what the console shows counts.
std::string default_api_url(std::uint64_t id_instance);

/// What is wrong with an address of the API, for a setting's check; nothing: it is fine. web::check_url(), and no query.
std::optional<std::string> check_api_url(const std::string& url);

/// What is wrong with an API token, without showing it: letters, digits, `-` and `_`, at most 256. Nothing: it is fine.
std::optional<std::string> check_api_token(std::string_view token);

}  // namespace hookfleet::greenapi
