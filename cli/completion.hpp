#pragma once

#include <string>
#include <string_view>

namespace hookfleet::cli {

/// The completion script of a shell (bash, zsh or fish), made from the verbs' declarations: verbs, options, and the values of those options
/// that have a closed set. It calls nothing and reads no Redis.
std::string completion(std::string_view shell);

}  // namespace hookfleet::cli
