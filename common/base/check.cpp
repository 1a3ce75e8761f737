#include "common/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace hookfleet::base {
void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "hookfleet: broken invariant: %s (%s:%d)\n", condition, file, line);
  std::abort();
}
}  // namespace hookfleet::base
