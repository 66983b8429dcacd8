#include "base/result.hpp"

namespace dfa {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return "usage";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::file_not_found:
      return "file_not_found";
    case ErrorCode::file_unreadable:
      return "file_unreadable";
    case ErrorCode::file_unwritable:
      return "file_unwritable";
    case ErrorCode::limit_exceeded:
      return "limit_exceeded";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::not_media:
      return "not_media";
    case ErrorCode::media_truncated:
      return "media_truncated";
    case ErrorCode::media_corrupt:
      return "media_corrupt";
    case ErrorCode::media_unsupported:
      return "media_unsupported";
    case ErrorCode::model_format:
      return "model_format";
    case ErrorCode::model_incompatible:
      return "model_incompatible";
    case ErrorCode::model_missing:
      return "model_missing";
    case ErrorCode::model_tensors:
      return "model_tensors";
    case ErrorCode::landmarks_degenerate:
      return "landmarks_degenerate";
    case ErrorCode::recipe_mismatch:
      return "recipe_mismatch";
    case ErrorCode::manifest_invalid:
      return "manifest_invalid";
    case ErrorCode::non_finite_loss:
      return "non_finite_loss";
    case ErrorCode::rank_lost:
      return "rank_lost";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace dfa
