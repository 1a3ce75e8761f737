#include "tests/support/temp_dir.hpp"

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace hookfleet::support {

TempDir::TempDir() : path_((std::filesystem::temp_directory_path() / "hookfleet-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace hookfleet::support
