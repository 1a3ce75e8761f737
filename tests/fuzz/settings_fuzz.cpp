// Any bytes as a settings file, as the ingress declares its settings: every problem is said with its place and can be shown on a terminal,
// and what was printed of a good file loads again and prints the same.
#include <unistd.h>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.hpp"
#include "common/config/settings.hpp"
#include "ingress/config.hpp"

namespace {

using namespace hookfleet;

/// A file that is written anew for each input and deleted with the process.
class Scratch {
 public:
  Scratch() : file_(::mkstemp(path_.data())) { HOOKFLEET_CHECK(file_ >= 0); }
  ~Scratch() {
    ::close(file_);
    ::unlink(path_.c_str());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& holding(std::string_view content) {
    HOOKFLEET_CHECK(::ftruncate(file_, 0) == 0);
    HOOKFLEET_CHECK(::pwrite(file_, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
    return path_;
  }

 private:
  std::string path_ = "/tmp/settings-fuzz-XXXXXX";
  int file_;
};

struct Loaded {
  explicit Loaded(const std::string& path) {
    ingress::declare(settings, config);
    problems = settings.load(path, {{"HOOKFLEET_AUTH__TOKENS", "token"}}, {});
  }
  ingress::Config config;
  config::Settings settings;
  std::vector<config::Problem> problems;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Scratch scratch;
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  // Files that secrets are read from are not what is looked at here, and an input must not open what it likes.
  if (content.find("_file") != std::string_view::npos) return 0;
  const Loaded loaded(scratch.holding(content));
  for (const config::Problem& problem : loaded.problems) {
    HOOKFLEET_CHECK(!problem.where.empty() && !problem.message.empty());
    for (const char c : problem.where + problem.message) HOOKFLEET_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  if (!loaded.problems.empty()) return 0;

  const std::string printed = loaded.settings.print();
  if (printed.find("***") != std::string::npos) return 0;  // a secret of the file: the mask is none
  const Loaded again(scratch.holding(printed));
  HOOKFLEET_CHECK(again.problems.empty());
  HOOKFLEET_CHECK(again.settings.print() == printed);
  return 0;
}
