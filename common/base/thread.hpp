#pragma once

#include <string>
#include <thread>
#include <utility>

namespace hookfleet::base {

/// Names the calling thread for `top -H`, gdb and logs. At most 15 characters are kept.
void name_this_thread(const std::string& name) noexcept;

/// A jthread whose first act is to take `name`. `body` takes a std::stop_token or nothing.
template <class Body>
std::jthread start_thread(std::string name, Body body) {
  return std::jthread([name = std::move(name), body = std::move(body)](std::stop_token stop) mutable {
    name_this_thread(name);
    if constexpr (std::is_invocable_v<Body, std::stop_token>) {
      body(std::move(stop));
    } else {
      body();
    }
  });
}

}  // namespace hookfleet::base
