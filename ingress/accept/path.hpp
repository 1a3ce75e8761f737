#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hookfleet::accept {

/// Where a delivery was posted to: `/webhook` or `/webhook/{idInstance}`, with or without a slash behind it and a query. Everything else is
/// unknown and gets 404.
struct Path {
  bool known = false;
  std::optional<std::uint64_t> instance;

  static Path parse(std::string_view path);
};

}  // namespace hookfleet::accept
