#pragma once

#include <string>
#include <string_view>

#include "common/base/clock.hpp"

namespace hookfleet::base {

/// A new UUIDv7 (RFC 9562) in canonical form, 36 characters: `time` in ms, then a counter and random bits so that ids made by one
/// thread sort in the order they were made, also when the wall clock stands or steps back. Any thread.
std::string make_uuid_v7(WallTime time);

/// The time that a canonical UUIDv7 carries; the epoch when `uuid` isn't one.
WallTime uuid_v7_time(std::string_view uuid);

/// True for a UUID in canonical form (8-4-4-4-12 hexadecimal digits).
bool is_uuid(std::string_view text);

}  // namespace hookfleet::base
