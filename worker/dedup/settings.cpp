#include "worker/dedup/settings.hpp"

namespace hookfleet::dedup {

using namespace std::chrono_literals;

void declare(config::Settings& settings, Options& options) {
  settings.duration("dedup.keep", options.keep, {1min, 720h},
                    "How long it is remembered that a notification was handled; the sender repeats for 24 h");
  settings.choice("dedup.changed.default", options.changed, {{"handle", Changed::kHandle}, {"drop", Changed::kDrop}},
                  "What happens to a notification that comes again with other content, for types that say `default`");
  const auto names = notification::type_webhook_names();
  for (std::size_t type = 0; type < names.size(); ++type) {
    settings.choice("dedup.changed." + std::string(names[type]), options.changed_by_type[type],
                    {{"default", Changed::kDefault}, {"handle", Changed::kHandle}, {"drop", Changed::kDrop}}, "The same for this type");
  }
}

}  // namespace hookfleet::dedup
