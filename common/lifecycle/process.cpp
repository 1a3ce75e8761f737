#include "common/lifecycle/process.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

#include "common/config/command_line.hpp"
#include "common/lifecycle/healthcheck.hpp"
#include "common/lifecycle/settings.hpp"

namespace hookfleet::lifecycle {

Process::Process(Call call, const log::Options& log, const std::string& pid_file)
    : call_(std::move(call)), log_(log, call_.program), pid_file_(std::in_place, pid_file) {}

tl::expected<std::unique_ptr<Process>, int> Process::begin(const Call& call, config::Settings& settings, const std::string& metrics_listen,
                                                           const log::Options& log) {
  const auto command_line = config::read(call.program, call.about, settings, call.argc, call.argv);
  if (const auto* exit = std::get_if<config::Exit>(&command_line)) return tl::unexpected(config::finish(*exit));
  const auto& options = std::get<config::CommandLine>(command_line);
  if (options.healthcheck) return tl::unexpected(healthcheck(metrics_listen));

  std::unique_ptr<Process> process(new Process(call, log, options.pid_file));
  if (const auto& error = process->pid_file_->error()) {
    std::fprintf(stderr, "%s\n", error->c_str());
    return tl::unexpected(kFailed);
  }
  process->log_.info("system.starting", "starting", {{"version", config::version()}, {"config.file", options.config_file}});
  log_settings(process->log_, settings);
  return process;
}

bool Process::reread(config::Settings& fresh) {
  const auto command_line = config::read(call_.program, call_.about, fresh, call_.argc, call_.argv);
  const auto* exit = std::get_if<config::Exit>(&command_line);
  if (exit != nullptr) {
    ++reloads_failed_;
    log_.error("system.reload_failed", "the settings are wrong; the old ones stay", {{"error", exit->output}});
    return false;
  }
  ++reloads_;
  log_warnings(log_, fresh);
  return true;
}

void Process::abandon(int exit_code) {
  log_.flush();
  pid_file_.reset();
  std::_Exit(exit_code);
}

}  // namespace hookfleet::lifecycle
