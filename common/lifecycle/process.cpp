#include "common/lifecycle/process.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

#include "common/config/command_line.hpp"
#include "common/config/value.hpp"
#include "common/lifecycle/healthcheck.hpp"
#include "common/lifecycle/settings.hpp"

namespace hookfleet::lifecycle {

Process::Process(Call call, const config::Settings& settings, const log::Options& log, const std::string& pid_file)
    : call_(std::move(call)), settings_(settings), log_(log, call_.program), pid_file_(std::in_place, pid_file) {
  origins_.read(settings.origins());
}

tl::expected<std::unique_ptr<Process>, int> Process::begin(const Call& call, config::Settings& settings, const std::string& metrics_listen,
                                                           const log::Options& log) {
  const auto command_line = config::read(call.program, call.about, settings, call.argc, call.argv);
  if (const auto* exit = std::get_if<config::Exit>(&command_line)) return tl::unexpected(config::finish(*exit));
  const auto& options = std::get<config::CommandLine>(command_line);
  if (options.healthcheck) return tl::unexpected(healthcheck(metrics_listen));

  std::unique_ptr<Process> process(new Process(call, settings, log, options.pid_file));
  if (const auto& error = process->pid_file_->error()) {
    std::fprintf(stderr, "%s\n", error->c_str());
    return tl::unexpected(kFailed);
  }
  process->log_.info("system.starting", "starting", {{"version", config::version()}, {"config.file", options.config_file}});
  log_settings(process->log_, settings);
  return process;
}

void Process::wait_for_stop(const Duties& duties, std::chrono::milliseconds look_every) {
  signals_.wait_for_stop([&] { reload(duties); }, look_every,
                         [&] {
                           if (origins_.changed()) reload(duties);
                           if (duties.look) duties.look();
                         });
}

void Process::reload(const Duties& duties) {
  const auto problems = duties.reload();
  settings_right_ = !problems;
  if (!problems) {
    ++reloads_;
    return;
  }
  ++reloads_failed_;
  log_.error("system.reload_failed", "the settings are wrong; the old ones stay", {{"error", *problems}});
  if (duties.refused) duties.refused(*problems);
}

std::optional<std::string> Process::reread(config::Settings& fresh) {
  const auto command_line = config::read(call_.program, call_.about, fresh, call_.argc, call_.argv);
  origins_.read(fresh.origins());  // wrong or not: what is wrong is read again when it has changed
  if (const auto* exit = std::get_if<config::Exit>(&command_line)) return exit->output;
  log_warnings(log_, fresh);
  const std::string keys = config::joined(fresh.waiting_for_restart(settings_), ", ");
  if (!keys.empty()) log_.warn("system.restart_needed", "settings have changed that take a restart", {{"settings", keys}});
  return std::nullopt;
}

void Process::end_hung(const std::string& loops, std::chrono::milliseconds limit, const std::function<void()>& tell) {
  log_.error("system.failed", "a loop stands still: the process ends, to be started again",
             {{"loops", loops}, {"limit_s", std::chrono::duration<double>(limit).count()}, {"exit_code", kHung}});
  tell();
  abandon(kHung);
}

void Process::abandon(int exit_code) {
  log_.flush();
  pid_file_.reset();
  std::_Exit(exit_code);
}

}  // namespace hookfleet::lifecycle
