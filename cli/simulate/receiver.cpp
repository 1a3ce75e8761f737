#include "cli/simulate/receiver.hpp"

#include <utility>

namespace hookfleet::simulate {

Receiver::Receiver(int port)
    : server_(
          [this](const HttpServer::Request& request) {
            if (request.method != "POST") return HttpServer::Reply::of(405, {{"Allow", "POST"}});
            const auto token = Token::find(request.body);
            base::MutexLock lock(mutex_);
            came_.push_back(token);
            return HttpServer::Reply{};
          },
          port) {
  server_.forget_requests();
}

std::vector<std::optional<Token>> Receiver::take() {
  base::MutexLock lock(mutex_);
  return std::exchange(came_, {});
}

}  // namespace hookfleet::simulate
