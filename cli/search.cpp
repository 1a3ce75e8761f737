#include "cli/search.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/digest/digest.hpp"

namespace hookfleet::cli {
namespace {

// Records of a page: as many as make about 4 MiB by the largest one seen, so that neither Redis' turn nor our memory gets long.
constexpr std::size_t kPageMax = 200;
constexpr std::size_t kFirstPage = 16;
constexpr std::size_t kPageBytes = 4UL << 20;
constexpr auto kTellEvery = std::chrono::milliseconds(500);

}  // namespace

Progress::~Progress() {
  if (shown_) console_.err("\r\x1b[K");
}

bool Progress::step() {
  if (exhausted() || console_.interrupted()) return false;
  ++seen_;
  const auto now = std::chrono::steady_clock::now();
  if (console_.can_ask() && now - told_ > kTellEvery) {
    told_ = now;
    shown_ = true;
    console_.err(fmt::format("\r{} records looked at", seen_));
  }
  return true;
}

bool scan(Fleet& fleet, unsigned partition, bool dead, std::string from, std::string_view to, Progress& progress,
          const std::function<bool(Found)>& each) {
  const std::string& key = dead ? fleet.keys().dlq(partition) : fleet.keys().stream(partition);
  std::size_t count = kFirstPage;
  std::size_t largest = 1024;
  for (;;) {
    const redis::Reply page = fleet.range(key, from, to, count);
    for (std::size_t i = 0; i < page.view().size(); ++i) {
      if (!progress.step()) return false;
      Found found = read_record(partition, dead, page.view()[i]);
      from = after(found.ref.id);
      if (found.entry) largest = std::max(largest, found.entry->body.size());
      if (!each(std::move(found))) return false;
    }
    if (page.view().size() < count) return true;
    count = std::clamp<std::size_t>(kPageBytes / largest, 1, kPageMax);
  }
}

std::optional<Found> at_ref(Fleet& fleet, const Ref& ref, bool dead) {
  if (ref.partition >= fleet.partitions()) {
    throw Failed{fmt::format("{}: the fleet has the partitions 0 to {}", ref.text(), fleet.partitions() - 1), kUsage};
  }
  const std::string id = ref.id.text();
  const redis::Reply reply = fleet.range(dead ? fleet.keys().dlq(ref.partition) : fleet.keys().stream(ref.partition), id, id, 1);
  if (reply.view().size() == 0) return std::nullopt;
  return read_record(ref.partition, dead, reply.view()[0]);
}

std::optional<stream::Mark> mark_of(Fleet& fleet, unsigned partition, const notification::Identity& identity) {
  const redis::Reply reply = fleet.call({"GET", fleet.keys().mark(partition, digest::as_bytes(identity))});
  if (!reply.view().is_text()) return std::nullopt;
  return stream::Mark::parse(reply.view().text());
}

}  // namespace hookfleet::cli
