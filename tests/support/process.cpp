#include "tests/support/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <sstream>
#include <utility>

namespace hookfleet::support {

Process::Process(Options options) {
  std::vector<char*> argv;
  for (auto& argument : options.argv) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (!options.environment.contains(text.substr(0, text.find('=')))) variables.push_back(text);
  }
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  std::vector<char*> environment;
  for (auto& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  const std::string output = options.output.empty() ? "/dev/null" : options.output;

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ != 0) {
    if (pid_ < 0) std::abort();
    return;
  }
  // The child: only async-signal-safe calls from here on.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::close_range(3, ~0U, 0);
  ::execvpe(argv[0], argv.data(), environment.data());
  ::_exit(127);
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    exit_code_ = other.exit_code_;
  }
  return *this;
}

Process::~Process() { end(); }

void Process::end() {
  if (pid_ < 0 || exit_code_) return;
  signal(SIGCONT);  // a stopped process would not see SIGTERM
  signal(SIGTERM);
  if (!wait(std::chrono::seconds(10))) kill();
}

bool Process::running() { return !wait(std::chrono::milliseconds(0)).has_value(); }

void Process::signal(int number) const {
  if (pid_ > 0 && !exit_code_) ::kill(pid_, number);
}

void Process::kill() {
  signal(SIGKILL);
  wait(std::chrono::seconds(30));
}

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
  if (pid_ < 0 || exit_code_) return exit_code_;
  const int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd ended{pid_fd, POLLIN, 0};
  const int ready = ::poll(&ended, 1, static_cast<int>(timeout.count()));
  ::close(pid_fd);
  int status = 0;
  if (ready <= 0 || ::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

namespace {

// Below the range out of which the kernel takes the ports of outgoing connections (net.ipv4.ip_local_port_range): one of those, of a test
// beside this one, could have the port before its server does.
constexpr int kFirstPort = 10'000;
constexpr int kLastPort = 32'767;

/// True when no other process of this machine has been given the port; holds it for this one until it ends.
bool reserve(int port) {
  const std::string name = "hookfleet-test-port-" + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());  // abstract: gone with the process
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) std::abort();
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0) return true;
  ::close(fd);
  return false;
}

bool is_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) std::abort();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

}  // namespace

int free_port() {
  static std::mt19937 random{std::random_device{}()};
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::uniform_int_distribution<int> ports(kFirstPort, kLastPort);
  for (;;) {
    if (const int port = ports(random); is_free(port) && reserve(port)) return port;
  }
}

void replace_file(const std::string& path, const std::string& content) {
  const std::filesystem::path target(path);
  const std::filesystem::path draft = target.parent_path() / ("." + target.filename().string() + ".new");
  std::ofstream(draft) << content;
  std::filesystem::rename(draft, target);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace hookfleet::support
