#include "common/alert/sink_state.hpp"

#include "common/stream/netstring.hpp"

namespace hookfleet::alert {
namespace {

constexpr char kSinkStateFormat = '1';
constexpr std::string_view kBeginning = "sink:";

}  // namespace

std::string SinkState::text() const {
  std::string out(1, kSinkStateFormat);
  stream::put(out, cursor.text());
  stream::put(out, tries);
  stream::put(out, name);
  stream::put(out, problem);
  return out;
}

std::optional<SinkState> SinkState::parse(std::string_view text) {
  if (!text.starts_with(kSinkStateFormat)) return std::nullopt;
  stream::NetstringReader reader(text.substr(1));
  SinkState state;
  const auto cursor = stream::StreamId::parse(reader.text());
  state.tries = reader.number<unsigned>();
  state.name = reader.text();
  state.problem = reader.text();
  if (!cursor || !reader.ok()) return std::nullopt;
  state.cursor = *cursor;
  return state;
}

std::string gone_field(std::string_view key) { return std::string("gone:").append(key); }

std::string sink_field(std::string_view key) { return std::string(kBeginning).append(key); }

std::optional<std::string_view> sink_of_field(std::string_view field) {
  if (!field.starts_with(kBeginning)) return std::nullopt;
  return field.substr(kBeginning.size());
}

}  // namespace hookfleet::alert
