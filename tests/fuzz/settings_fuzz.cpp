// Any bytes as a settings file, as the ingress and the worker declare their settings: every problem is said with its place and can be shown
// on a terminal, and what was printed of a good file loads again and prints the same.
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
#include "worker/config.hpp"

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

void declare_all(config::Settings& settings, ingress::Config& config) { ingress::declare(settings, config); }
void declare_all(config::Settings& settings, worker::Config& config) { worker::declare(settings, config, {"message", "call"}); }

template <class Config>
struct Loaded {
  explicit Loaded(const std::string& path) {
    declare_all(settings, config);
    problems = settings.load(path, {{"HOOKFLEET_AUTH__TOKENS", "token"}}, {});
  }
  Config config;
  config::Settings settings;
  std::vector<config::Problem> problems;
};

template <class Config>
void check(Scratch& scratch, std::string_view content) {
  const Loaded<Config> loaded(scratch.holding(content));
  std::vector<config::Problem> said = loaded.problems;
  said.insert(said.end(), loaded.settings.warnings().begin(), loaded.settings.warnings().end());
  for (const config::Problem& problem : said) {
    HOOKFLEET_CHECK(!problem.where.empty() && !problem.message.empty());
    for (const char c : problem.where + problem.message) HOOKFLEET_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  if (!loaded.problems.empty()) return;

  const std::string printed = loaded.settings.print();
  if (printed.find("***") != std::string::npos) return;  // a secret of the file: the mask is none
  const Loaded<Config> again(scratch.holding(printed));
  HOOKFLEET_CHECK(again.problems.empty());
  HOOKFLEET_CHECK(again.settings.print() == printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Scratch scratch;
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  // Files that secrets are read from are not what is looked at here, and an input must not open what it likes.
  if (content.find("_file") != std::string_view::npos) return 0;
  check<ingress::Config>(scratch, content);
  check<worker::Config>(scratch, content);
  return 0;
}
