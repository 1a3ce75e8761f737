#include "common/redis/connection.hpp"

#include <string>

#include "common/base/clock.hpp"
#include "common/redis/link.hpp"

namespace hookfleet::redis {

void Connection::Free::operator()(Link* link) const noexcept { delete link; }

tl::expected<Connection, Error> Connection::open(const Endpoint& endpoint, const Timeouts& timeouts) {
  auto link = Link::connect(endpoint, timeouts.connect);
  if (!link) return tl::unexpected(std::move(link).error());
  Connection connection(std::unique_ptr<Link, Free>(link->release()), timeouts);

  const auto must = [&](std::initializer_list<std::string_view> argv) -> tl::expected<void, Error> {
    const auto reply = connection.call(argv);
    if (!reply) return tl::unexpected(reply.error());
    if (reply->view().is_error()) {
      return tl::unexpected(Error{
          ErrorKind::kAuth, endpoint.display() + " refused " + std::string(*argv.begin()) + ": " + std::string(reply->view().text())});
    }
    return {};
  };
  tl::expected<void, Error> done;
  if (!endpoint.password.empty()) {
    done = endpoint.user.empty() ? must({"AUTH", endpoint.password}) : must({"AUTH", endpoint.user, endpoint.password});
  }
  if (done && endpoint.database != 0) done = must({"SELECT", std::to_string(endpoint.database)});
  if (!done) return tl::unexpected(std::move(done).error());
  return connection;
}

tl::expected<Reply, Error> Connection::call(Argv argv) {
  const base::BootTime deadline = base::BootClock::now() + timeouts_.io;
  link_->append(argv);
  for (;;) {
    const auto left = deadline - base::BootClock::now();
    if (left <= left.zero()) {
      return tl::unexpected(Error{ErrorKind::kTimeout, "no reply from Redis in " + std::to_string(timeouts_.io.count()) + " ms"});
    }
    if (const auto turned = link_->turn(std::chrono::ceil<std::chrono::milliseconds>(left), nullptr); !turned) {
      return tl::unexpected(turned.error());
    }
    auto reply = link_->next();
    if (!reply) return tl::unexpected(std::move(reply).error());
    if (*reply) return **std::move(reply);
  }
}

}  // namespace hookfleet::redis
