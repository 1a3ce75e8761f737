#include "common/base/thread.hpp"

#include <pthread.h>

namespace hookfleet::base {
void name_this_thread(const std::string& name) noexcept { ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str()); }
}  // namespace hookfleet::base
