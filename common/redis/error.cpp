#include "common/redis/error.hpp"

namespace hookfleet::redis {

std::string_view to_text(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kConnect: return "connect";
    case ErrorKind::kAuth: return "auth";
    case ErrorKind::kClosed: return "closed";
    case ErrorKind::kTimeout: return "timeout";
    case ErrorKind::kProtocol: return "protocol";
  }
  return "";
}

bool is_refusal(ReplyError error) {
  switch (error) {
    case ReplyError::kOom:
    case ReplyError::kMisconf:
    case ReplyError::kReadonly:
    case ReplyError::kNoReplicas:
    case ReplyError::kLoading:
    case ReplyError::kMasterDown:
    case ReplyError::kBusy:
    case ReplyError::kTryAgain:
    case ReplyError::kClusterDown: return true;
    case ReplyError::kNone:
    case ReplyError::kNoScript:
    case ReplyError::kNoAuth:
    case ReplyError::kNoPerm:
    case ReplyError::kWrongPass:
    case ReplyError::kWrongType:
    case ReplyError::kUnblocked:
    case ReplyError::kMoved:
    case ReplyError::kAsk:
    case ReplyError::kOther: return false;
  }
  return false;
}

bool cured_by_reconnecting(ReplyError error) {
  return error == ReplyError::kNoScript || error == ReplyError::kReadonly || error == ReplyError::kLoading ||
         error == ReplyError::kMasterDown || error == ReplyError::kNoAuth;
}

}  // namespace hookfleet::redis
