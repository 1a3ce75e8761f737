#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/search.hpp"

/// What the verbs `dead-letters …` share: which dead letters are meant.
namespace hookfleet::cli {

/// A dead letter to be worked on later: what is needed of it without its body.
struct Letter {
  Ref ref;
  std::string id;  ///< empty: foreign
  stream::DeadClass dead_class = stream::DeadClass::kFailed;
  bool readable = false;  ///< it is a dead letter of a format we know
  Names names{};          ///< of an entry of ours
  std::int64_t received_ms = 0;
  bool ours = false;
};
Letter to_letter(const Found& found);

/// Which dead letters: by ids and refs, or by filters.
class Selection {
 public:
  /// `must_choose`: neither ids nor a filter is an error unless --all is given.
  Selection(bool must_choose, std::uint64_t limit) : must_choose_(must_choose), limit_(limit) {}
  void declare(config::Arguments& arguments);
  /// Throws Failed with kUsage.
  void prepare();

  struct Outcome {
    std::uint64_t matched = 0;
    std::uint64_t seen = 0;
    bool limited = false;                ///< there may be more: --limit was reached, or Ctrl-C
    std::vector<std::string> missing{};  ///< ids and refs given that are no dead letters
    std::vector<std::string> unknown{};  ///< ids and refs given that were not looked for to the end: --limit was reached, or Ctrl-C

    /// Every id and ref given is known to be a dead letter.
    bool all_found() const { return missing.empty() && unknown.empty(); }
    /// Says on stderr which ids and refs are not.
    void tell(Console& console) const;
  };
  /// Calls `each` for each that is meant, partition by partition, oldest first, at most limit(). Ids and refs are all meant, unless --limit
  /// says otherwise.
  Outcome each(Fleet& fleet, Console& console, const std::function<void(const Found&)>& each) const;
  /// As each(), but of all partitions together the limit() that died first, in that order; `each` is called as they are met, and what it
  /// answers is what is kept of one meanwhile.
  struct Kept {
    Ref ref;
    std::string dead_class;          ///< "foreign" for what is no dead letter of ours
    std::vector<std::string> cells;  ///< `each`'s
  };
  Outcome oldest(Fleet& fleet, Console& console, std::vector<Kept>& kept,
                 const std::function<std::vector<std::string>(const Found&)>& each) const;

  const Filter& filter() const { return filter_; }
  const std::vector<std::string>& ids() const { return ids_; }
  std::uint64_t limit() const { return limit_; }
  /// For the audit record.
  std::string text() const;

 private:
  /// What `each` wants next: this partition's following one, another partition's, or nothing.
  enum class Next { kMore, kOtherPartition, kNothing };
  Outcome visit(Fleet& fleet, Console& console, const std::function<Next(const Found&)>& each) const;

  const bool must_choose_;
  std::uint64_t limit_;
  std::string limit_text_;
  bool all_ = false;
  std::vector<std::string> ids_;
  Filter filter_;
};

/// "10 failed, 2 crash"
std::string by_class(const std::map<std::string, std::uint64_t>& counts);

}  // namespace hookfleet::cli
