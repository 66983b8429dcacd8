#include "cli/commands/bench_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <span>

#include "base/cancel.hpp"
#include "base/machine.hpp"
#include "cli/commands/bench.hpp"
#include "cli/commands/bench_facts.hpp"

namespace dfa::cli {
namespace {

constexpr int kLargestSize = 10'000'000;
constexpr std::string_view kForms =
    "expected \"linear ROWS IN OUT [relu|gelu|add]\" or \"attention IMAGES HEADS QUERIES KEYS HEAD_DIM\"";

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  for (std::size_t begin = line.find_first_not_of(kBlanks); begin != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

// The first Count words as sizes; nothing where one is none.
template <std::size_t Count>
std::optional<std::array<int, Count>> sizes_of(std::span<const std::string_view> words) {
  std::array<int, Count> sizes{};
  if (words.size() < Count) return std::nullopt;
  for (std::size_t i = 0; i < Count; ++i) {
    const std::string_view word = words[i];
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), sizes[i]);
    const bool whole = error == std::errc() && stop == word.data() + word.size();
    if (!whole || sizes[i] < 1 || sizes[i] > kLargestSize) return std::nullopt;
  }
  return sizes;
}

std::optional<After> after_of(std::span<const std::string_view> words) {
  if (words.empty()) return After::nothing;
  if (words.size() > 1) return std::nullopt;
  if (words.front() == "relu") return After::relu;
  if (words.front() == "gelu") return After::gelu;
  if (words.front() == "add") return After::add_to_destination;
  return std::nullopt;
}

std::optional<KernelShape> shape_of(std::span<const std::string_view> words) {
  const std::span<const std::string_view> rest = words.subspan(1);
  if (words.front() == "linear") {
    const auto sizes = sizes_of<3>(rest);
    const auto after = sizes ? after_of(rest.subspan(3)) : std::nullopt;
    if (!after) return std::nullopt;
    return LinearTrial{(*sizes)[0], (*sizes)[1], (*sizes)[2], *after};
  }
  const auto sizes = words.front() == "attention" && rest.size() == 5 ? sizes_of<5>(rest) : std::nullopt;
  if (!sizes) return std::nullopt;
  return AttentionTrial{(*sizes)[0], (*sizes)[1], (*sizes)[2], (*sizes)[3], (*sizes)[4]};
}

Result<double> timed_pass(KernelTrial& trial, const CancelFlag& cancel) {
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped between two passes");
  const auto begin = std::chrono::steady_clock::now();
  DFA_TRY(trial.run());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Result<KernelFigures> time_kernel(const KernelShape& shape, const BenchPlan& plan, const CancelFlag& cancel) {
  const int threads = plan.threads > 0 ? plan.threads : usable_processors();
  DFA_ASSIGN_OR_RETURN(const auto trial, make_kernel_trial(shape, plan.precision, threads));
  KernelFigures figures{trial->op(), trial->shape(), trial->element(), trial->kernel(), {}, trial_operations(shape)};
  // The first pass also makes the operands: at least one goes before the clock counts.
  for (int i = 0; i < std::max(1, plan.warmup); ++i) DFA_TRY(timed_pass(*trial, cancel));
  for (int i = 0; i < plan.repeats; ++i) {
    DFA_ASSIGN_OR_RETURN(const double seconds, timed_pass(*trial, cancel));
    figures.seconds.push_back(seconds);
  }
  return figures;
}

double gflops(const KernelFigures& figures) {
  return 1e-9 * figures.operations / quantile(figures.seconds, 0.5);
}

}  // namespace

Result<std::vector<KernelShape>> parse_kernel_shapes(std::string_view text, std::string_view source) {
  std::vector<KernelShape> shapes;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    const std::optional<KernelShape> shape = shape_of(words);
    if (!shape)
      return fail(ErrorCode::usage, "{}, line {}: {}, sizes from 1 to {}", source, number, kForms, kLargestSize);
    if (trial_bytes(*shape) > kMostKernelBytes)
      return fail(ErrorCode::limit_exceeded, "{}, line {}: operands of {:.0f} GB, at most {:.0f} are taken", source,
                  number, 1e-9 * trial_bytes(*shape), 1e-9 * kMostKernelBytes);
    if (shapes.size() == kMostKernels)
      return fail(ErrorCode::limit_exceeded, "{}: more than {} shapes", source, kMostKernels);
    shapes.push_back(*shape);
  }
  if (shapes.empty()) return fail(ErrorCode::usage, "{}: no shape in it; {}", source, kForms);
  return shapes;
}

Result<std::vector<KernelFigures>> time_kernels(const std::vector<KernelShape>& shapes, const BenchPlan& plan,
                                                const CancelFlag& cancel) {
  std::vector<KernelFigures> all;
  for (const KernelShape& shape : shapes) {
    DFA_ASSIGN_OR_RETURN(KernelFigures figures, time_kernel(shape, plan, cancel));
    all.push_back(std::move(figures));
  }
  return all;
}

nlohmann::json kernels_json(const std::vector<KernelFigures>& figures) {
  nlohmann::json rows = nlohmann::json::array();
  for (const KernelFigures& row : figures) {
    rows.push_back({{"op", row.op},
                    {"shape", row.shape},
                    {"element", row.element},
                    {"kernel", row.kernel},
                    {"seconds", row.seconds},
                    {"seconds_quartiles", quartiles(row.seconds)},
                    {"operations", row.operations},
                    {"gflops_median", gflops(row)}});
  }
  return rows;
}

void print_kernels(std::ostream& out, const std::vector<KernelFigures>& figures) {
  out << fmt::format("{:<10} {:<24} {:<5} {:<26}{:>11}{:>22}{:>10}\n", "op", "shape", "reads", "kernel", "median ms",
                     "quartiles ms", "GFLOP/s");
  for (const KernelFigures& row : figures) {
    const auto [low, middle, high] = quartiles(row.seconds);
    out << fmt::format("{:<10} {:<24} {:<5} {:<26}{:>11.4f}{:>11.4f}{:>11.4f}{:>10.1f}\n", row.op, row.shape,
                       row.element, row.kernel, 1e3 * middle, 1e3 * low, 1e3 * high, gflops(row));
  }
}

}  // namespace dfa::cli
