// What is said about settings: for --help, --print-config, docs/settings.md and the log.
#include <algorithm>
#include <iterator>
#include <string_view>

#include "common/config/declaration.hpp"
#include "common/config/programs.hpp"
#include "common/config/settings.hpp"
#include "common/config/value.hpp"

namespace hookfleet::config {
namespace {

/// Loaded again, `${` must not be a variable.
std::string unexpanded(std::string text) {
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 3)) text.insert(at, 1, '$');
  return text;
}

}  // namespace

std::vector<Description> Settings::describe() const {
  std::vector<Description> result;
  const auto shown = [](const Declaration& declaration, std::vector<std::string> texts) {
    for (std::string& text : texts) text = unexpanded(std::move(text));
    return declaration.shape == Shape::kMany ? yaml(texts) : texts.empty() ? std::string() : yaml(texts.front());
  };
  for (const Word& word : words_) {
    Description& described = result.emplace_back();
    described.key = described.value_key = word.name;
    described.placeholder = "WORD";
    described.allowed = "as a word: - " + word.name;
    described.help = word.help;
    described.file_only = true;
  }
  for (const auto& declaration : declarations_) {
    Description& described = result.emplace_back();
    described.key = described.value_key = declaration->key;
    described.placeholder = declaration->placeholder;
    described.allowed = declaration->allowed;
    described.initial = joined(declaration->initial, ",");
    described.help = declaration->help;
    described.required = declaration->required;
    described.bare = declaration->bare;
    described.file_only = declaration->nested();
    described.by_file = declaration->secret;
    described.reloads = declaration->reloads;
    if (one_of_ && !declaration->nested() && declaration->where.empty()) continue;  // another one was chosen
    if (declaration->nested()) {
      const std::string below = declaration->key + (declaration->shape == Shape::kMaps ? "[]." : ".");
      const bool is_map = declaration->shape == Shape::kMap;
      const bool given = is_map && !declaration->items.empty();
      if (!is_map) {
        if (declaration->items.empty()) described.value = "[]";
        for (const Settings& item : declaration->items) {
          std::string lines = item.item_yaml();
          for (std::size_t at = lines.find('\n'); at != std::string::npos; at = lines.find('\n', at + 1)) lines.insert(at + 1, "  ");
          described.value += (described.value.empty() ? "- " : "\n- ") + lines;
        }
      }
      for (Description& part : (given ? declaration->items : declaration->documented).front().describe()) {
        part.key = below + part.key;
        part.value_key = below + part.value_key;
        part.file_only = true;
        part.reloads = declaration->reloads;
        if (!given) part.value.clear();
        result.push_back(std::move(part));
      }
    } else if (!declaration->secret_path.empty()) {
      described.value_key = declaration->file_key();
      described.value = yaml(unexpanded(declaration->secret_path));
    } else if (declaration->secret && declaration->current != declaration->initial) {
      described.value = shown(*declaration, std::vector<std::string>(declaration->current.size(), kMask));
    } else if (!declaration->secret || !declaration->current.empty()) {
      described.value = shown(*declaration, declaration->current);
    }
  }
  // Modules share sections: all of a section together, sections in the order in which they appear.
  std::vector<std::string> sections;
  const auto rank = [&sections](const Description& setting) {
    return std::find(sections.begin(), sections.end(), section_of(setting.key)) - sections.begin();
  };
  for (const Description& setting : result) {
    if (rank(setting) == std::ssize(sections)) sections.push_back(section_of(setting.key));
  }
  std::stable_sort(result.begin(), result.end(), [&rank](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return result;
}

/// An item of a list as YAML: its word, or its map.
std::string Settings::item_yaml() const {
  for (const Word& word : words_) {
    if (*word.value) return yaml(word.name);
  }
  const std::string lines = yaml_block(describe());
  return lines.empty() ? "{}" : lines;
}

std::vector<std::pair<std::string, std::string>> Settings::effective() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& declaration : declarations_) {
    if (one_of_ && declaration->where.empty()) continue;
    if (declaration->nested()) {
      for (std::size_t i = 0; i < declaration->items.size(); ++i) {
        const std::string name = declaration->key + (declaration->shape == Shape::kMaps ? '[' + std::to_string(i) + ']' : "");
        const Settings& item = declaration->items[i];
        const auto word = std::find_if(item.words_.begin(), item.words_.end(), [](const Word& one) { return *one.value; });
        if (word != item.words_.end()) {
          result.emplace_back(name, word->name);
          continue;
        }
        for (auto& [key, value] : item.effective()) result.emplace_back(std::string(name).append(1, '.').append(key), std::move(value));
      }
      continue;
    }
    std::vector<std::string> texts = declaration->current;
    if (declaration->secret && texts != declaration->initial) std::fill(texts.begin(), texts.end(), kMask);
    result.emplace_back(declaration->key, joined(texts, ","));
  }
  return result;
}

std::string Settings::print() const { return config::print({{{}, this}}); }

std::string Settings::reference() const { return config::tables({{{}, this}}); }

}  // namespace hookfleet::config
