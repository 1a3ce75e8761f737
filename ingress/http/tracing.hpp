#pragma once

#include <string_view>

namespace hookfleet::http {

/// True for an X-Request-Id that may be echoed and stored: 1 to 128 of letters, digits, '.', '_', ':', '-', '/', '='.
bool is_request_id(std::string_view text);

}  // namespace hookfleet::http
