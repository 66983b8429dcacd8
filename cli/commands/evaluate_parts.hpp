// The parts of `dfa evaluate`. The command itself gathers scores (evaluate_gather), evaluates them and writes the
// report (evaluate_write). What goes beyond that - perturbed crops, protocols, pages - is a part: a class in a file of
// its own and one line in evaluate_parts.cpp.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>
#include <vector>

#include "cli/command.hpp"
#include "cli/commands/evaluate_options.hpp"
#include "eval/score_table.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"
#include "report/evaluation_format.hpp"

namespace dfa::cli {

// What a run has come to.
struct EvaluateRun {
  EvaluateOptions options;
  std::optional<Model> model;  // nothing: the scores are another program's
  Precision precision = Precision::f32;
  ScoreTable scores;
  EvaluationReport report;
};

class EvaluatePart {
 public:
  virtual ~EvaluatePart() = default;
  virtual void add_options(CLI::App& command) = 0;
  // Whether this part was asked for and does the whole run by itself (--protocol, --compare).
  virtual bool replaces_run() const { return false; }
  // The whole run; called only if replaces_run(). The part writes by write_report(), which see.
  virtual Result<ExitStatus> run(const EvaluateOptions& options, CommandContext& context);
  // Called when the figures are there and nothing has been written: adds tables, card items, stamps to run.report.
  virtual Status extend(EvaluateRun& run, CommandContext& context);
  // Called when the report is complete: writes files of its own.
  virtual Status write(const EvaluateRun& run, CommandContext& context);
};

// All parts, in the order in which they are asked.
std::vector<std::unique_ptr<EvaluatePart>> evaluate_parts();

}  // namespace dfa::cli
