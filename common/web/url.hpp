#pragma once

#include <optional>
#include <string>

namespace hookfleet::web {

/// What is wrong with a URL that requests are to be sent to, for a setting's check; nothing: it is fine. `http` or `https`, with a host,
/// without user or password (they would end up in logs; a header from a secret is the place for them) and without a fragment.
std::optional<std::string> check_url(const std::string& url);

/// The path of a URL that check_url() takes, "/" where it has none. Empty for others.
std::string path_of(const std::string& url);

/// scheme://host:port of a URL that check_url() takes, for logs: paths and queries may hold secrets. Empty for others.
std::string origin_of(const std::string& url);

}  // namespace hookfleet::web
