#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/durability/durability.hpp"
#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::append {

/// What a server is asked before anything is appended on a connection, and again every few seconds, and what follows from its answers.
/// Pure: commands go out, replies come in. One at a time; ask() begins anew, whatever became of the last one.
class Preflight {
 public:
  Preflight(const stream::Layout& layout, const durability::Requirements& requirements);

  /// Gives all questions to `send`, in order; how many there were.
  std::size_t ask(const std::function<void(redis::Argv)>& send);
  /// Takes in the next reply. True when it was the last one: conclude() follows.
  bool answered(redis::ReplyView reply);

  struct Conclusion {
    durability::Judgement judgement;  ///< durability, replicas and layout
    bool foreign_layout = false;      ///< another fleet's layout stands there: this process must not go on
    bool transactions = false;        ///< MULTI and EXEC are allowed
    bool sync_always = true;          ///< each turn of Redis' event loop that wrote ends with an fsync; assumed when it isn't told
    std::optional<std::uint64_t> used_memory, maxmemory;
  };
  Conclusion conclude(durability::AofHistory& history) const;

 private:
  enum class Topic { kWait, kMulti, kExec, kLayoutSet, kLayout, kInfo, kConfig, kDryRun };
  struct Question {
    Topic topic;
    std::vector<std::string> argv;
  };
  void read_layout(redis::ReplyView reply);

  const stream::Layout layout_;
  const std::string meta_;
  const durability::Requirements requirements_;
  std::vector<Question> questions_;

  // What was answered since ask()
  std::size_t next_ = 0;
  durability::ServerFacts facts_;
  bool multi_allowed_ = false;
  bool exec_allowed_ = false;
  bool foreign_layout_ = false;
  std::string wait_problem_, layout_problem_;  ///< empty: none
};

}  // namespace hookfleet::append
