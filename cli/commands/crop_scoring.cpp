#include "cli/commands/crop_scoring.hpp"

#include <fmt/format.h>

#include <ostream>

namespace dfa::cli {
namespace {

constexpr int kBatch = 16;

}  // namespace

ScoreCropsOptions crop_scoring(const CommandContext& context, Precision precision, RecipeCheck recipe) {
  ScoreCropsOptions scoring;
  scoring.network.precision = precision;
  scoring.network.threads = context.options.threads;
  scoring.network.max_batch = kBatch;
  scoring.network.trace = context.trace;
  scoring.recipe = recipe;
  if (context.err_terminal == Terminal::yes && context.options.talk != Talk::quiet)
    scoring.progress = [&context](std::size_t done, std::size_t of) {
      if (done % kBatch == 0 || done == of)
        context.err << fmt::format("\r{}/{} crops{}", done, of, done == of ? "\n" : "") << std::flush;
    };
  return scoring;
}

}  // namespace dfa::cli
