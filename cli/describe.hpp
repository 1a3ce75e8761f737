#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/search.hpp"
#include "common/stream/attempts.hpp"

/// One notification in full: what `show`, `find` and `dead-letters show` print.
namespace hookfleet::cli {

/// What else Redis knows of a record: the attempts on record and the mark of its identity.
struct Context {
  std::optional<stream::Attempts> attempts;
  std::optional<stream::Mark> mark;
};
Context context_of(Fleet& fleet, const Found& found);

/// Several lines; the body pretty, behind the rest.
std::string describe(const Found& found, const Context& context);
Json to_json(const Found& found, const Context& context);
/// A mark alone, of what has been handled and is not stored any more.
std::string describe(const stream::Mark& mark);
Json to_json(const stream::Mark& mark);

}  // namespace hookfleet::cli
