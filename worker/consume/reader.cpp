#include "worker/consume/reader.hpp"

#include <algorithm>

#include "common/base/thread.hpp"

namespace hookfleet::consume {
namespace {

constexpr std::chrono::milliseconds kPause{150};  // after a failure

void take_entries(redis::ReplyView entries, Delivered& stream) {
  stream.entries.reserve(entries.size());
  for (std::size_t e = 0; e < entries.size(); ++e) {
    if (const auto id = stream::StreamId::parse(entries[e][0].text())) stream.entries.emplace_back(*id, stream::decode(entries[e][1]));
  }
}

}  // namespace

Reader::Reader(redis::Endpoint endpoint, redis::Timeouts timeouts, const stream::Keys& keys, Callbacks callbacks)
    : endpoint_(std::move(endpoint)),
      timeouts_(timeouts),
      keys_(keys),
      callbacks_(std::move(callbacks)),
      thread_(base::start_thread("reader", [this] { run(); })) {}

Reader::~Reader() {
  base::MutexLock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void Reader::read(std::vector<Position> positions, std::size_t count, std::chrono::milliseconds block) {
  base::MutexLock lock(mutex_);
  request_ = Request{std::move(positions), count, block};
  changed_.notify_all();
}

void Reader::run() {
  for (;;) {
    Request request;
    {
      base::MutexLock lock(mutex_);
      while (!request_ && !stopping_) changed_.wait(mutex_);
      if (stopping_) return;
      request = *std::move(request_);
      request_.reset();
    }
    auto delivered = serve(request);
    if (!delivered) {
      connection_.reset();
      base::MutexLock lock(mutex_);
      if (!stopping_) changed_.wait_for(mutex_, kPause);
    }
    {
      base::MutexLock lock(mutex_);
      if (stopping_) return;
    }
    if (delivered) {
      callbacks_.done(*std::move(delivered));
    } else {
      callbacks_.failed(delivered.error());
    }
  }
}

tl::expected<std::vector<Delivered>, std::string> Reader::serve(const Request& request) {
  if (!connection_) {
    auto opened = redis::Connection::open(endpoint_, timeouts_);
    if (!opened) return tl::unexpected(opened.error().message);
    connection_ = *std::move(opened);
  }
  redis::Command command;
  command.borrow("XREAD")
      .borrow("COUNT")
      .number(static_cast<std::int64_t>(request.count))
      .borrow("BLOCK")
      .number(request.block.count())
      .borrow("STREAMS");
  for (const Position& position : request.positions) command.borrow(keys_.stream(position.partition));
  for (const Position& position : request.positions) command.copy(position.cursor.text());
  auto reply = connection_->call(command.argv());
  if (!reply) return tl::unexpected(reply.error().message);
  const redis::ReplyView streams = reply->view();
  std::vector<Delivered> delivered;
  if (streams.is_nil()) return delivered;
  if (streams.error() == redis::ReplyError::kWrongType) return serve_each(request);
  if (!streams.is_array()) return tl::unexpected("XREAD: " + std::string(streams.text()));
  // The answer names streams in the order of the request, leaving out those without news.
  auto position = request.positions.begin();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const std::string_view name = streams[i][0].text();
    position =
        std::find_if(position, request.positions.end(), [&](const Position& asked) { return keys_.stream(asked.partition) == name; });
    if (position == request.positions.end()) return tl::unexpected(std::string("XREAD answered a stream that wasn't asked for"));
    Delivered& stream = delivered.emplace_back();
    stream.partition = position->partition;
    take_entries(streams[i][1], stream);
  }
  return delivered;
}

// One XREAD reads all of its streams or none: a single key of another type would hold up all partitions.
tl::expected<std::vector<Delivered>, std::string> Reader::serve_each(const Request& request) {
  std::vector<Delivered> delivered;
  std::string skipped;
  redis::Command command;
  for (const Position& position : request.positions) {
    const std::string& key = keys_.stream(position.partition);
    command.clear().borrow("XREAD").borrow("COUNT").number(static_cast<std::int64_t>(request.count));
    command.borrow("STREAMS").borrow(key).copy(position.cursor.text());
    const auto reply = connection_->call(command.argv());
    if (!reply) return tl::unexpected(reply.error().message);
    const redis::ReplyView streams = reply->view();
    if (streams.error() == redis::ReplyError::kWrongType) {
      skipped.append(skipped.empty() ? "WRONGTYPE: no stream at " : ", ").append(key);
    } else if (streams.is_error()) {
      return tl::unexpected("XREAD: " + std::string(streams.text()));
    } else if (streams.size() > 0) {
      take_entries(streams[0][1], delivered.emplace_back(Delivered{position.partition, {}}));
    }
  }
  if (!skipped.empty()) callbacks_.skipped(skipped);
  if (delivered.empty()) {  // these reads didn't wait
    base::MutexLock lock(mutex_);
    if (!stopping_) changed_.wait_for(mutex_, kPause);
  }
  return delivered;
}

}  // namespace hookfleet::consume
