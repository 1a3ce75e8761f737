// Pistache with one event thread that answers 200 to everything and stores nothing: the yardstick of bench_ingress.
//   bench_bare_pistache PORT
#include <pistache/endpoint.h>

#include <csignal>
#include <cstdlib>

namespace {

class AlwaysOk : public Pistache::Http::Handler {
 public:
  HTTP_PROTOTYPE(AlwaysOk)
  void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter response) override {
    response.headers().remove<Pistache::Http::Header::Connection>();
    response.headers().add<Pistache::Http::Header::Connection>(Pistache::Http::ConnectionControl::KeepAlive);
    response.send(Pistache::Http::Code::Ok, R"({"status":"stored"})");
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  Pistache::Http::Endpoint endpoint(Pistache::Address("127.0.0.1", Pistache::Port(static_cast<std::uint16_t>(std::atoi(argv[1])))));
  endpoint.init(Pistache::Http::Endpoint::options()
                    .threads(1)
                    .flags(Pistache::Flags<Pistache::Tcp::Options>(Pistache::Tcp::Options::ReuseAddr) | Pistache::Tcp::Options::NoDelay)
                    .maxRequestSize(5U << 20));
  endpoint.setHandler(Pistache::Http::make_handler<AlwaysOk>());
  endpoint.serve();
}
