#include "common/lifecycle/log_level.hpp"

#include <algorithm>
#include <utility>

namespace hookfleet::lifecycle {

LogLevel::LogLevel(const log::Logger& log, std::string program, log::Level own) : log_(log), program_(std::move(program)), own_(own) {}

void LogLevel::set_own(log::Level own) {
  base::MutexLock lock(mutex_);
  own_ = own;
  apply();
}

void LogLevel::observe(redis::ReplyView control) {
  const std::string_view ours = control.field("log_level." + program_).text();
  const std::string_view wanted = ours.empty() ? control.field("log_level").text() : ours;
  const auto level = log::find_level(wanted);
  std::string complaint;
  if (!control.is_array()) {
    complaint = control.is_error() ? control.text() : "no list of fields and values";
  } else if (!wanted.empty() && !level) {
    complaint = "no log level: " + std::string(wanted.substr(0, 32));
  }
  base::MutexLock lock(mutex_);
  if (!complaint.empty()) {
    if (complaint != complaint_) {
      log_.warn("system.control_unreadable", "the operator's wishes in Redis can't be read: all stays as it is",
                {{"error", complaint}, {"way_out", "hookfleet log-level --reset"}});
    }
    complaint_ = std::move(complaint);
    return;
  }
  complaint_.clear();
  if (level == wish_) return;
  const log::Level before = wish_.value_or(own_);
  wish_ = level;
  // Said at whichever of the two levels shows more.
  log_.set_level(std::min(before, wish_.value_or(own_)));
  log_.warn("system.log_level", wish_ ? "the log level was changed by the operator" : "the operator's log level was withdrawn",
            {{"log.level", log::to_text(wish_.value_or(own_))}});
  apply();
}

void LogLevel::apply() { log_.set_level(wish_.value_or(own_)); }

}  // namespace hookfleet::lifecycle
