#include "common/stream/poll_trouble.hpp"

#include "common/stream/netstring.hpp"

namespace hookfleet::stream {

std::string PollTrouble::text() const {
  std::string out = "1";
  put(out, epoch);
  put(out, since_ms);
  put(out, kind);
  put(out, message);
  return out;
}

std::optional<PollTrouble> PollTrouble::parse(std::string_view text) {
  if (!text.starts_with('1')) return std::nullopt;
  NetstringReader in(text.substr(1));
  PollTrouble trouble;
  trouble.epoch = in.text();
  trouble.since_ms = in.number<std::int64_t>();
  trouble.kind = in.text();
  trouble.message = in.text();
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return trouble;
}

}  // namespace hookfleet::stream
