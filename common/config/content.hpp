#pragma once

#include <cstddef>
#include <string>

#include <tl/expected.hpp>

/// Reading what settings come from. Within this folder only.
namespace hookfleet::config {

struct Content {
  tl::expected<std::string, std::string> bytes;  ///< or why there are none
  std::string state;                             ///< state_of() at that moment
};

/// Reads a file. One larger than `bytes_max` has no bytes.
Content read_content(const std::string& path, std::size_t bytes_max);

}  // namespace hookfleet::config
