#pragma once

#include <string>
#include <string_view>

namespace hookfleet::redis {

/// Why a connection can't be used any more. Kinds are told apart by code, never by text.
enum class ErrorKind {
  kConnect,   ///< no connection: nothing was sent
  kAuth,      ///< connected, but AUTH or SELECT was refused: nothing else was sent
  kClosed,    ///< cut off: what was sent and not answered may have happened
  kTimeout,   ///< no reply in time: what was sent and not answered may have happened
  kProtocol,  ///< what came back isn't RESP: as kClosed
};

struct Error {
  ErrorKind kind;
  std::string message;
};

std::string_view to_text(ErrorKind kind);

/// The first word of an error reply, as far as we treat it by itself.
enum class ReplyError {
  kNone,  ///< not an error reply
  kOom,
  kMisconf,
  kReadonly,
  kNoReplicas,
  kLoading,
  kMasterDown,
  kBusy,
  kNoScript,
  kNoAuth,
  kNoPerm,
  kWrongPass,
  kWrongType,
  kUnblocked,
  kMoved,
  kAsk,
  kTryAgain,
  kClusterDown,
  kOther,
};

/// True for refusals that say "not now" and wrote nothing: OOM, MISCONF, READONLY, NOREPLICAS, LOADING, MASTERDOWN, BUSY, TRYAGAIN,
/// CLUSTERDOWN. The same command may be tried again.
bool is_refusal(ReplyError error);

/// True for errors that a new connection, with scripts loaded anew, may cure: the server is another one by now, restarts, or has lost its
/// scripts.
bool cured_by_reconnecting(ReplyError error);

}  // namespace hookfleet::redis
