#include "common/log/sampler.hpp"

#include <algorithm>
#include <utility>

#include "common/base/ascii.hpp"

namespace hookfleet::log {
namespace {

/// Counts, offsets and ids differ from error to error of one kind.
std::string without_digits(std::string_view text) {
  constexpr std::size_t kTextMax = 200;
  std::string out;
  out.reserve(std::min(text.size(), kTextMax));
  for (const char c : text.substr(0, kTextMax)) {
    if (!base::is_digit(c)) {
      out += c;
    } else if (out.empty() || out.back() != '#') {
      out += '#';
    }
  }
  return out;
}

}  // namespace

Sampler::Sampler(const Logger& log, std::size_t first) : log_(log), first_(std::max<std::size_t>(first, 1)) {}

Sampler::~Sampler() { finish(); }

bool Sampler::pass(Level level, std::string_view event, std::string_view text, base::BootTime now) {
  if (!log_.enabled(level)) return false;
  std::string alike = without_digits(text);
  std::string name = std::string(event) + '\n' + alike;
  base::MutexLock lock(mutex_);
  auto kind = kinds_.find(name);
  if (kind == kinds_.end() && kinds_.size() >= kKindsMax) {
    alike = "others";
    name = event;
    kind = kinds_.find(name);
  }
  if (kind == kinds_.end()) kind = kinds_.emplace(std::move(name), Kind{std::string(event), std::move(alike), level, now}).first;
  Kind& found = kind->second;
  if (now - found.since >= kWindow) {
    tell(found);
    found.since = now;
    found.written = 0;
    found.suppressed = 0;
  }
  found.level = level;
  if (found.written < first_) {
    ++found.written;
    return true;
  }
  ++found.suppressed;
  return false;
}

void Sampler::tick(base::BootTime now) {
  base::MutexLock lock(mutex_);
  std::erase_if(kinds_, [&](const auto& entry) {
    const Kind& kind = entry.second;
    if (now - kind.since < kWindow) return false;
    tell(kind);
    return true;
  });
}

void Sampler::finish() {
  base::MutexLock lock(mutex_);
  for (const auto& [name, kind] : kinds_) tell(kind);
  kinds_.clear();
}

void Sampler::tell(const Kind& kind) const {
  if (kind.suppressed == 0) return;
  const Field fields[] = {{"of", kind.event}, {"alike", kind.text}, {"suppressed", kind.suppressed}, {"window_s", kWindow.count()}};
  log_.write(kind.level, "log.suppressed", "records like those before were counted, not written", fields);
}

}  // namespace hookfleet::log
