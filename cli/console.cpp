#include "cli/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "cli/verb.hpp"

namespace hookfleet::cli {
namespace {

// What a signal handler may touch: a number and the pipe that wakes poll().
volatile sig_atomic_t g_interrupted = 0;
int g_wake[2] = {-1, -1};

extern "C" void on_interrupt(int) {
  g_interrupted = g_interrupted + 1;
  const int saved = errno;
  const char byte = 0;
  if (g_wake[1] >= 0 && ::write(g_wake[1], &byte, 1) < 0) errno = saved;  // full: it wakes all the same
  errno = saved;
}

constexpr std::string_view kTakeScreen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kGiveScreen = "\x1b[?25h\x1b[?1049l";

}  // namespace

std::string read_all(std::FILE* file, const std::string& name, std::size_t bytes_max) {
  std::string content;
  std::array<char, 1 << 16> block{};
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), file)) {
    content.append(block.data(), size);
    if (content.size() > bytes_max) throw Failed{name + ": is larger than " + std::to_string(bytes_max) + " bytes"};
  }
  if (std::ferror(file) != 0) throw Failed{name + ": can't be read: " + std::generic_category().message(errno)};
  return content;
}

struct Console::Screen {
  termios before{};
  bool keys = false;
};

Console::Console(std::FILE* in, std::FILE* out, std::FILE* err) : in_(in), out_(out), err_(err) {}

Console::~Console() {
  if (!screen_) return;
  if (screen_->keys) ::tcsetattr(::fileno(in_), TCSANOW, &screen_->before);
  std::fwrite(kGiveScreen.data(), 1, kGiveScreen.size(), out_);
  std::fflush(out_);
}

void Console::out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), out_) == text.size() && std::fflush(out_) == 0) return;
  throw Failed{"cannot write the output: " + std::system_category().message(errno)};
}

void Console::err(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), err_);
  std::fflush(err_);
}

std::string Console::in(std::size_t bytes_max) { return read_all(in_, "standard input", bytes_max); }

bool Console::is_terminal() const { return ::isatty(::fileno(out_)) == 1; }
bool Console::can_ask() const { return ::isatty(::fileno(in_)) == 1 && ::isatty(::fileno(err_)) == 1; }

unsigned Console::height() const {
  winsize size{};
  return ::ioctl(::fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

bool Console::confirm(std::string_view question) {
  err(std::string(question) + " [y/N] ");
  std::string answer;
  // Not by stdio: Ctrl-C must end the waiting, also when catch_interrupts() has taken the signal.
  for (;;) {
    if (wait(std::chrono::hours(1), true) != Woken::kKey) return false;
    const char c = key();
    if (c == '\0' || c == '\n' || c == '\r') break;
    answer += c;
  }
  return answer == "y" || answer == "yes" || answer == "Y";
}

void Console::catch_interrupts() {
  if (g_wake[0] >= 0) return;
  if (::pipe2(g_wake, O_CLOEXEC | O_NONBLOCK) != 0) throw Failed{"cannot make a pipe: " + std::system_category().message(errno)};
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
  struct sigaction inherited {};
  // Whoever started us with nohup wants us to outlive the terminal.
  if (::sigaction(SIGHUP, nullptr, &inherited) == 0 && inherited.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);
}

bool Console::interrupted() const { return g_interrupted != 0; }
unsigned Console::interrupts() const { return static_cast<unsigned>(g_interrupted); }

Console::Woken Console::wait(std::chrono::milliseconds time, bool keys) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    if (interrupted()) return Woken::kInterrupt;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Woken::kTime;
    std::array<pollfd, 2> watched{{{g_wake[0], POLLIN, 0}, {keys ? ::fileno(in_) : -1, POLLIN, 0}}};
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (ready > 0 && (watched[1].revents & (POLLIN | POLLHUP)) != 0) return Woken::kKey;
  }
}

void Console::take_screen() {
  if (screen_ || !is_terminal()) return;
  screen_ = std::make_unique<Screen>();
  if (::isatty(::fileno(in_)) == 1 && ::tcgetattr(::fileno(in_), &screen_->before) == 0) {
    termios raw = screen_->before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    screen_->keys = ::tcsetattr(::fileno(in_), TCSANOW, &raw) == 0;
  }
  out(kTakeScreen);
}

char Console::key() {
  char c = 0;
  return ::read(::fileno(in_), &c, 1) == 1 ? c : '\0';
}

}  // namespace hookfleet::cli
