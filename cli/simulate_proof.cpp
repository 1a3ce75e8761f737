#include "cli/simulate_proof.hpp"

#include <system_error>

#include "cli/records.hpp"
#include "cli/text.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::string_view kStreamPage = "500";
constexpr auto kDeadLettersEvery = std::chrono::seconds(2);  // while notifications come: a range of every partition

}  // namespace

SimulateProof::SimulateProof(const Options& options, const FleetOptions& fleet, const Environment& environment, simulate::Ledger& ledger)
    : ledger_(ledger), fleet_(fleet, environment), stream_(options.stream) {
  if (options.receive) {
    try {
      receiver_.emplace(*options.receive);
    } catch (const std::system_error& error) {
      throw Failed{"--receive: " + std::string(error.what()) + "; choose a free port, or 0"};
    }
  }
  // What lies there already is of others.
  const std::string now = std::to_string(fleet_.now_ms());
  dead_last_.assign(fleet_.partitions(), now);
  if (!stream_.empty()) {
    const redis::Reply last = fleet_.call({"XREVRANGE", stream_, "+", "-", "COUNT", "1"});
    stream_last_ = last.view().size() > 0 ? std::string(last.view()[0][0].text()) : "0-0";
  }
}

std::string SimulateProof::receiver_url() const {
  return receiver_ ? "http://127.0.0.1:" + std::to_string(receiver_->port()) + "/" : std::string();
}

template <class Work>
bool SimulateProof::with_redis(const Work& work) {
  try {
    if (lost_) fleet_.reconnect();
    lost_ = false;
    work();
    return true;
  } catch (const ConnectionLost&) {
    lost_ = true;
    return false;
  }
}

void SimulateProof::look() {
  if (receiver_) {
    for (const auto& token : receiver_->take()) token ? ledger_.received(*token) : ledger_.foreign();
  } else if (!stream_.empty()) {
    with_redis([this] { read_stream(); });
  }
  if (const auto now = std::chrono::steady_clock::now(); now - looked_ >= kDeadLettersEvery) {
    looked_ = now;
    with_redis([this] { read_dead_letters(); });
  }
}

void SimulateProof::read_stream() {
  for (;;) {
    const redis::Reply page = fleet_.call({"XRANGE", stream_, '(' + stream_last_, "+", "COUNT", kStreamPage});
    for (std::size_t i = 0; i < page.view().size(); ++i) {
      const redis::ReplyView record = page.view()[i];
      stream_last_ = std::string(record[0].text());
      const auto token = simulate::Token::find(record[1].field("body").text());
      token ? ledger_.received(*token) : ledger_.foreign();
    }
    if (page.view().size() == 0) return;
  }
}

void SimulateProof::read_dead_letters() {
  for (unsigned p = 0; p < fleet_.partitions(); ++p) {
    for (;;) {
      const redis::Reply page = fleet_.range(fleet_.keys().dlq(p), dead_last_[p], "+", 100);
      for (std::size_t i = 0; i < page.view().size(); ++i) {
        const Found found = read_record(p, true, page.view()[i]);
        dead_last_[p] = after(found.ref.id);
        if (!found.entry) continue;
        if (const auto token = simulate::Token::find(found.entry->body)) ledger_.dead(*token);
      }
      if (page.view().size() == 0) break;
    }
  }
}

bool SimulateProof::settled() {
  bool ended = false;
  with_redis([&] {
    // The backlog first: what has left it has been received, or is dead, before.
    std::uint64_t backlog = 0;
    std::vector<Words> lengths;
    for (unsigned p = 0; p < fleet_.partitions(); ++p) lengths.push_back({"XLEN", fleet_.keys().stream(p)});
    for (const redis::Reply& reply : fleet_.ask_all(lengths)) backlog += static_cast<std::uint64_t>(reply.view().integer());
    backlog_ = backlog;
    look();
    read_dead_letters();
    ended = backlog == 0;
  });
  return ended || ledger_.missing() == 0;
}

std::string simulate_routes(const std::string& url, const std::string& stream) {
  if (url.empty()) return "routes:\n  - actions: [{stream: {key: " + shown(stream) + ", maxlen: 1000000}}]\n";
  return "routes:\n  - actions: [{forward: {name: simulate, url: \"" + url + "\"}}]\n";
}

}  // namespace hookfleet::cli
