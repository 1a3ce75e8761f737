#include "cli/simulate/samples.hpp"

#include <vector>

#include "cli/simulate/sample_files.hpp"

namespace hookfleet::simulate {

std::span<const Sample> samples() {
  static const std::vector<Sample> kAll = [] {
    std::vector<Sample> all;
    for (const auto& file : kSampleFiles) all.push_back({file.path.substr(std::string_view("samples/").size()), file.text});
    return all;
  }();
  return kAll;
}

}  // namespace hookfleet::simulate
