#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/verb.hpp"

namespace hookfleet::cli {

struct Called {
  int code;
  std::string output;  ///< stdout when code is 0, otherwise stderr
  std::string out, err;
};

inline std::string content(std::FILE* file) {
  std::rewind(file);
  std::string text;
  std::array<char, 4096> part;
  for (std::size_t size = std::fread(part.data(), 1, part.size(), file); size > 0; size = std::fread(part.data(), 1, part.size(), file)) {
    text.append(part.data(), size);
  }
  return text;
}

/// The command line as main() calls it, without a terminal.
inline Called called(const std::vector<std::string>& arguments, const Environment& environment = {}) {
  std::FILE* in = std::tmpfile();
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  Called result{};
  {
    Console console(in, out, err);
    result.code = run(arguments, environment, console);
  }
  result.out = content(out);
  result.err = content(err);
  result.output = result.code == 0 ? result.out : result.err;
  for (std::FILE* file : {in, out, err}) std::fclose(file);
  return result;
}

}  // namespace hookfleet::cli
