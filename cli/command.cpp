#include "cli/command.hpp"

namespace dfa::cli {

ExitStatus exit_status_for(const Error& error) {
  switch (error.code) {
    case ErrorCode::usage:
      return ExitStatus::usage;
    case ErrorCode::file_not_found:
    case ErrorCode::file_unreadable:
    case ErrorCode::limit_exceeded:
    case ErrorCode::not_media:
    case ErrorCode::media_truncated:
    case ErrorCode::media_corrupt:
    case ErrorCode::media_unsupported:
    case ErrorCode::manifest_invalid:
      return ExitStatus::no_input;
    case ErrorCode::model_format:
    case ErrorCode::model_incompatible:
    case ErrorCode::model_tensors:
    case ErrorCode::model_missing:
    case ErrorCode::recipe_mismatch:
      return ExitStatus::model;
    case ErrorCode::cancelled:
    case ErrorCode::file_unwritable:
    case ErrorCode::out_of_memory:
    case ErrorCode::landmarks_degenerate:
    case ErrorCode::non_finite_loss:
    case ErrorCode::rank_lost:
    case ErrorCode::internal:
      break;
  }
  return ExitStatus::internal;
}

void CommandContext::fail_with(const Error& error) {
  fail_with(error, exit_status_for(error));
}

void CommandContext::fail_with(const Error& error, ExitStatus status) {
  if (error.code == ErrorCode::cancelled && cancel != nullptr && cancel->requested()) {
    exit_status = static_cast<int>(ExitStatus::signal_base) + cancel->signal();
    return;
  }
  err << "dfa: " << error.message << '\n';
  finish(status);
}

}  // namespace dfa::cli
