#pragma once

#include <string_view>

/// W3C Trace Context: what ties a notification's records to those of its sender.
namespace hookfleet::notification {

/// True for a W3C traceparent of version 00: `00-<32 hex>-<16 hex>-<2 hex>` in lower case, ids not all zero.
bool is_traceparent(std::string_view text);

/// The trace id within a traceparent, 32 hex digits; empty when `trace` (a notification's) is none.
std::string_view trace_id(std::string_view trace);

}  // namespace hookfleet::notification
