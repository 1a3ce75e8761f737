#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "common/notification/notification.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/news.hpp"
#include "worker/dispatch/checks.hpp"

namespace hookfleet::dispatch {

/// A notification and what is wrong with it, if anything.
struct Content {
  notification::Notification notification;
  bool parsed = false;                     ///< the body is JSON within the envelope's limits
  std::optional<stream::DeadClass> unfit;  ///< it is no notification at all: never handled, a dead letter of this class
  std::string why;                         ///< … and why; also of one that breaks its schema and is handled all the same
  std::vector<stream::Kind> unknown;       ///< what of it isn't described anywhere
};

/// An entry as it came from its stream.
struct Arrival {
  stream::StreamId stream_id;
  stream::Source source = stream::Source::kWebhook;
  std::shared_ptr<Content> content;  // shared: the record of an attempt outlives what the desk keeps
};

/// Reads the envelope once, names identity and content, and holds the body against the schemas. What can't be decoded as an entry (somebody
/// else's XADD) is unfit and has an identity of its own. Pure; any thread.
Arrival prepare(stream::StreamId stream_id, tl::expected<stream::Entry, std::string> entry, const Checks& checks = {});

}  // namespace hookfleet::dispatch
