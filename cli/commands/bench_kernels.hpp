// `dfa bench --kernels FILE`: the engine's kernels alone, at the sizes of a file.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "nn/kernel_trial.hpp"

namespace dfa {
class CancelFlag;
}

namespace dfa::cli {

struct BenchPlan;

// A line a shape, words separated by blanks; empty lines and what follows # are left out:
//   linear ROWS IN OUT [relu|gelu|add]
//   attention IMAGES HEADS QUERIES KEYS HEAD_DIM
// Errors: usage, naming `source` and the line; limit_exceeded for more shapes than kMostKernels, or larger ones than
// kMostKernelBytes.
Result<std::vector<KernelShape>> parse_kernel_shapes(std::string_view text, std::string_view source);

inline constexpr std::size_t kMostKernels = 10'000;
inline constexpr double kMostKernelBytes = 16e9;

struct KernelFigures {
  std::string op, shape, element, kernel;  // as the trace of class dispatch names them
  std::vector<double> seconds;             // one a timed pass
  double operations = 0;                   // of a pass
};

// Times one shape after the other. Errors: those of make_kernel_trial; cancelled.
Result<std::vector<KernelFigures>> time_kernels(const std::vector<KernelShape>& shapes, const BenchPlan& plan,
                                                const CancelFlag& cancel);

nlohmann::json kernels_json(const std::vector<KernelFigures>& figures);
void print_kernels(std::ostream& out, const std::vector<KernelFigures>& figures);

}  // namespace dfa::cli
