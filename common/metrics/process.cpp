#include "common/metrics/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace hookfleet::metrics {
namespace {

/// What /proc/self/stat says; field numbers as in proc(5).
struct Stat {
  std::uint64_t cpu_ticks = 0;
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
};

std::optional<Stat> read_stat() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');  // the name before it may hold blanks and brackets
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::array<std::string, 25> field;
  for (std::size_t number = 3; number < field.size(); ++number) {
    if (!(fields >> field[number])) return std::nullopt;
  }
  const auto number = [&](std::size_t index) { return static_cast<std::uint64_t>(std::stoull(field[index])); };
  return Stat{number(14) + number(15), number(20), number(22), number(23), number(24)};
}

double ticks_per_second() { return static_cast<double>(::sysconf(_SC_CLK_TCK)); }

std::optional<double> open_descriptors() {
  std::error_code error;
  double count = -1;  // the one that lists them
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end; entry.increment(error)) ++count;
  if (error) return std::nullopt;
  return count;
}

}  // namespace

double process_start_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word && word != "btime") {
  }
  double boot = 0;
  const auto stat = read_stat();
  if (!(file >> boot) || !stat) return 0;
  return boot + static_cast<double>(stat->start_ticks) / ticks_per_second();
}

std::vector<prometheus::MetricFamily> process_families(double start_time) {
  std::vector<prometheus::MetricFamily> families;
  const auto add = [&](const char* name, const char* help, prometheus::MetricType type, double value) {
    prometheus::ClientMetric metric;
    if (type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families.push_back({name, help, type, {metric}});
  };
  using enum prometheus::MetricType;
  if (const auto stat = read_stat()) {
    add("process_cpu_seconds_total", "CPU time used, user and system", Counter, static_cast<double>(stat->cpu_ticks) / ticks_per_second());
    add("process_resident_memory_bytes", "Memory in RAM", Gauge,
        static_cast<double>(stat->resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    add("process_virtual_memory_bytes", "Address space in use", Gauge, static_cast<double>(stat->virtual_bytes));
    add("process_threads", "Threads", Gauge, static_cast<double>(stat->threads));
  }
  if (const auto count = open_descriptors()) add("process_open_fds", "Open file descriptors", Gauge, *count);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    add("process_max_fds", "File descriptors that may be open", Gauge, static_cast<double>(limit.rlim_cur));
  }
  if (start_time > 0) add("process_start_time_seconds", "Start of the process, Unix time", Gauge, start_time);
  return families;
}

}  // namespace hookfleet::metrics
