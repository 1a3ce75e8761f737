#pragma once

#include <string_view>

namespace hookfleet::http {

/// True for an X-Request-Id that may be echoed and stored: 1 to 128 of letters, digits, '.', '_', ':', '-', '/', '='.
bool is_request_id(std::string_view text);

/// True for a W3C traceparent of version 00: `00-<32 hex>-<16 hex>-<2 hex>` in lower case, ids not all zero.
bool is_traceparent(std::string_view text);

}  // namespace hookfleet::http
