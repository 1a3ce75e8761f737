#include "ingress/append/appender.hpp"

#include <mutex>
#include <thread>
#include <utility>

#include "common/base/thread.hpp"
#include "common/base/wakeup.hpp"
#include "ingress/append/inbox.hpp"
#include "ingress/append/writer.hpp"

namespace hookfleet::append {

struct Appender::Parts {
  Parts(redis::Endpoint redis, const stream::Layout& given_layout, const Options& options, const Metrics& given_metrics, log::Logger log,
        const base::Clock& clock, Events events)
      : layout(given_layout),
        metrics(given_metrics),
        inbox(options.queue_max, options.queue_bytes_max, wakeup),
        writer(std::move(redis), given_layout, options, metrics, std::move(log), clock, std::move(events), inbox, wakeup),
        thread(base::start_thread("append-writer", [this] { writer.run(); })) {}

  const stream::Layout layout;
  const Metrics metrics;
  base::Wakeup wakeup;
  Inbox inbox;
  Writer writer;
  std::once_flag stopped;
  std::jthread thread;  // last: it uses all of the above
};

Appender::Appender(redis::Endpoint redis, const stream::Layout& layout, const Options& options, const Metrics& metrics, log::Logger log,
                   const base::Clock& clock, Events events)
    : parts_(std::make_unique<Parts>(std::move(redis), layout, options, metrics, std::move(log), clock, std::move(events))) {}

Appender::~Appender() { stop(); }

void Appender::submit(stream::Entry entry, base::BootTime deadline, Done done) {
  const unsigned partition =
      stream::partition_of(entry.id_instance, stream::order_key(parts_->layout, entry.id_instance, entry.chat), parts_->layout.partitions);
  Pending pending;
  pending.bytes = sizeof pending + entry.body.size() + entry.id.size() + entry.chat.size() + entry.type_webhook.size() + entry.trace.size();
  pending.entry = std::move(entry);
  pending.deadline = deadline;
  pending.done = std::move(done);
  pending.partition = partition;
  if (const auto overload = parts_->inbox.put(pending)) {
    parts_->metrics.overloads[static_cast<std::size_t>(*overload)].add();
    parts_->metrics.entries[static_cast<std::size_t>(Outcome::kOverloaded)].add();
    pending.done(Outcome::kOverloaded);
  }
}

void Appender::stop() {
  std::call_once(parts_->stopped, [this] {
    parts_->inbox.close();
    parts_->thread.join();
  });
}

}  // namespace hookfleet::append
