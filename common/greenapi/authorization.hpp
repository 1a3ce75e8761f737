#pragma once

#include <string_view>

namespace hookfleet::greenapi {

/// The secret of an Authorization header as the service sends it: `Bearer T`, `Basic T` (undecoded) or bare `T`; the scheme in any case.
/// Empty for one with control characters or without a secret. A webhookUrlToken and a configured token are read the same way.
std::string_view token_of(std::string_view authorization);

}  // namespace hookfleet::greenapi
