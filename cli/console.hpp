#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace hookfleet::cli {

/// Where a verb reads and writes: the terminal, or what stands in its place. What is written is the caller's to escape (text.hpp).
/// Threads: one.
class Console {
 public:
  /// The process's own.
  Console() : Console(stdin, stdout, stderr) {}
  Console(std::FILE* in, std::FILE* out, std::FILE* err);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// To stdout. Throws Failed when it can't be written (disk full).
  void out(std::string_view text);
  /// To stderr: progress, warnings, errors.
  void err(std::string_view text);
  /// All of stdin, as read_all() reads a file.
  std::string in(std::size_t bytes_max);
  bool is_terminal() const;  ///< stdout
  bool can_ask() const;      ///< stdin and stderr are terminals
  unsigned height() const;   ///< lines of the terminal; 24 when unknown
  /// Asks on stderr; true for "y" or "yes".
  bool confirm(std::string_view question);

  /// From now on Ctrl-C, SIGTERM and SIGHUP (unless it was ignored from the start: nohup) don't end the process but make wait() and
  /// interrupted() tell.
  void catch_interrupts();
  bool interrupted() const;
  unsigned interrupts() const;  ///< how often
  enum class Woken { kTime, kInterrupt, kKey };
  /// Waits; with `keys` a key pressed on the terminal (see raw_keys()) ends it, too.
  Woken wait(std::chrono::milliseconds time, bool keys = false);

  /// The whole screen is ours until the end: alternate screen, no cursor, keys without Enter. Only on a terminal.
  void take_screen();
  /// The key that ended wait(); 0 for none.
  char key();

 private:
  struct Screen;
  std::FILE* const in_;
  std::FILE* const out_;
  std::FILE* const err_;
  std::unique_ptr<Screen> screen_;
};

/// What is left of a file, called `name` in what is thrown: Failed when it can't be read or is larger.
std::string read_all(std::FILE* file, const std::string& name, std::size_t bytes_max);

}  // namespace hookfleet::cli
