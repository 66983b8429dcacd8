// Errors as values. A function that can fail returns Result<T>; exceptions of libraries are caught in the room that
// calls them. An assert is our own mistake, an Error is somebody else's bad input or a machine that said no.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace dfa {

// One enum for the whole program, in ranges of a hundred by subject. Names are stable: they appear in records and logs.
enum class ErrorCode : int {
  // 100: how we were called
  usage = 100,      // an option, key or value that is not understood
  cancelled = 101,  // a signal or a caller asked to stop
  // 200: files and the machine
  file_not_found = 200,
  file_unreadable = 201,  // exists, but cannot be opened or read
  file_unwritable = 202,
  limit_exceeded = 203,  // larger, longer or more than the stated limit
  out_of_memory = 204,
  // 300: media
  not_media = 300,        // the bytes are no picture or video that we read
  media_truncated = 301,  // ends before its own structure says so
  media_corrupt = 302,
  media_unsupported = 303,  // recognised, but a kind we do not decode
  // 400: model files and checkpoints
  model_format = 400,        // the container is damaged or hostile
  model_incompatible = 401,  // well-formed, but not for this program, this configuration or this crop recipe
  model_tensors = 402,       // missing, unexpected or mis-shaped tensors; the message lists them
  model_missing = 403,       // the model file that was asked for cannot be read
  // 500: faces and crops
  landmarks_degenerate = 500,
  recipe_mismatch = 501,
  // 600: data sets and manifests
  manifest_invalid = 600,
  // 700: training
  non_finite_loss = 700,
  rank_lost = 701,  // another process of the training died, hangs, or never came
  // 900: a mistake of ours
  internal = 900,
};

// The stable word for a code, e.g. "media_truncated".
std::string_view error_code_name(ErrorCode code);

// `message` says what was got, what was expected and, where known, the likely cause and the next step. No trailing
// newline.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// The same error seen from further out: "<context>: <message>".
[[nodiscard]] inline tl::unexpected<Error> fail_within(std::string_view context, Error error) {
  return tl::unexpected<Error>(Error{error.code, fmt::format("{}: {}", context, error.message)});
}

}  // namespace dfa

#define DFA_CONCAT_IMPL(a, b) a##b
#define DFA_CONCAT(a, b) DFA_CONCAT_IMPL(a, b)

// Returns the error of `expression` (a Status or Result) to the caller, if it has one.
#define DFA_TRY(expression)                                                 \
  do {                                                                      \
    if (auto dfa_status = (expression); !dfa_status)                        \
      return ::tl::unexpected<::dfa::Error>(std::move(dfa_status).error()); \
  } while (false)

// DFA_ASSIGN_OR_RETURN(auto x, f()): x = value of f(), or return its error.
#define DFA_ASSIGN_OR_RETURN(declaration, expression) \
  DFA_ASSIGN_OR_RETURN_IMPL(DFA_CONCAT(dfa_result_, __LINE__), declaration, expression)
#define DFA_ASSIGN_OR_RETURN_IMPL(result, declaration, expression)               \
  auto result = (expression);                                                    \
  if (!result) return ::tl::unexpected<::dfa::Error>(std::move(result).error()); \
  declaration = std::move(*result)
