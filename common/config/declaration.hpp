#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/document.hpp"
#include "common/config/settings.hpp"

/// What a Settings holds of each declaration. Within this folder only: settings.cpp declares, loading.cpp fills, describing.cpp tells.
namespace hookfleet::config {

inline const std::string kMask = "***";  ///< stands for a secret

enum class Shape { kOne, kMany, kMap, kMaps };

struct Settings::Declaration {
  std::string key;
  std::string placeholder;
  std::string expected;  // "a duration from 0ms to 50ms"
  std::string allowed;
  std::string help;
  Shape shape = Shape::kOne;
  bool secret = false;
  bool required = false;
  bool bare = false;
  bool is_path = false;  // of what is a part of the settings
  bool reloads = false;  // a running program takes it over
  std::vector<std::string> initial;
  std::vector<std::string> current;
  Check check;                                                                      // what is wrong with one text
  Check doubt;                                                                      // … and what may be
  std::function<std::vector<std::string>(const std::vector<std::string>&)> assign;  // what passed check; answers the canonical texts
  // kMap, kMaps
  MakeItems make_items;
  std::vector<Settings> items;
  std::vector<Settings> documented;  // one
  // What load() found
  std::string where;  // of the effective value; empty: the default
  Mark mark;
  std::string secret_path;  // the effective value came from this file
  bool bad = false;

  std::string file_key() const { return key + "_file"; }
  bool nested() const { return shape == Shape::kMap || shape == Shape::kMaps; }
};

struct Settings::Word {
  std::string name;
  std::string help;
  bool* value = nullptr;
};

struct Settings::Rule {
  std::function<std::optional<std::string>()> check;
  std::vector<std::string> keys;
};

/// A declaration and which of its two names was meant.
struct Settings::Name {
  Declaration* declaration = nullptr;
  bool by_file = false;
};

}  // namespace hookfleet::config
