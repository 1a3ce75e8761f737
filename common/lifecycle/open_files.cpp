#include "common/lifecycle/open_files.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace hookfleet::lifecycle {

void raise_open_files(const log::Logger& log, std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    log.warn("system.open_files", "few files may be open: raise the hard limit of nofile", {{"limit", limit.rlim_cur}, {"wanted", wanted}});
  }
}

}  // namespace hookfleet::lifecycle
