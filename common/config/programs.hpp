#pragma once

#include <string>
#include <vector>

#include "common/config/settings.hpp"

namespace hookfleet::config {

/// A program of the fleet and its settings, for what is said about several together: they share one file.
struct Program {
  std::string name;  ///< empty when there is only one to speak of
  const Settings* settings = nullptr;
};

/// The section of a key as Description has it: "routes" of "routes[].actions".
std::string section_of(const std::string& key);

/// HOOKFLEET_AUTH__ALLOWLIST__MODE of auth.allowlist.mode.
std::string environment_name(const std::string& key);

/// The effective values as nested YAML, without a line end behind the last line. Of descriptions those with a value.
std::string yaml_block(const std::vector<Description>& settings);

/// The effective settings of all programs as one YAML file; a setting whose values differ (by their defaults) stands as a comment.
std::string print(const std::vector<Program>& programs);

/// One Markdown table a section; what several programs share stands once.
std::string tables(const std::vector<Program>& programs);

/// The whole of docs/settings.md: how settings are given, then tables().
std::string reference_page(const std::vector<Program>& programs);

}  // namespace hookfleet::config
