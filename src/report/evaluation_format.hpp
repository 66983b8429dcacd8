// An evaluation with everything a reader needs beside its numbers, and the forms in which it is written: text for
// people, JSON (docs/evaluation.schema.json) and CSV for programs, Markdown and LaTeX for papers. Every form carries
// the protocol card, its stamps, coverage, and for an undefined number the reason in place of a number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "eval/evaluation.hpp"
#include "eval/metric.hpp"
#include "eval/protocol_card.hpp"
#include "score/result.hpp"

namespace dfa {

inline constexpr std::string_view kEvaluationSchema = "dfa.evaluation/1";

// A cell: words, a count, a number that was not measured here (a published figure, a level), or a figure of ours with
// its interval or the reason why there is none. A gap is words, never 0.
using ReportCell = std::variant<std::string, std::int64_t, double, MetricValue>;

// A table beside the figures: robustness rows, published numbers beside ours, a paired comparison, legacy figures.
struct ReportTable {
  std::string key;  // stable word of the JSON form: "robustness", "protocol", "comparison", "legacy"
  std::string title;
  std::vector<std::string> columns;           // stable words; shown with '_' as blanks
  std::vector<std::vector<ReportCell>> rows;  // as many cells as columns
  std::vector<std::string> notes;             // below the table
};

struct EvaluationReport {
  ToolRecord tool;
  std::string model_name;            // of the detector that made the scores; empty where they come from elsewhere
  std::string model_sha256;          // of its file
  std::string precision;             // of the engine; empty where the scores come from elsewhere
  std::vector<std::string> sources;  // manifests, or the files of scores
  std::string role;                  // of the crops; empty where the scores do not say
  Evaluation evaluation;
  ProtocolCard card;
  std::vector<ReportTable> tables;
  std::vector<std::string> notes;
};

enum class EvaluationForm { text, json, csv, markdown, latex };

struct EvaluationFormInfo {
  EvaluationForm form;
  std::string_view name;  // as --format has it
  std::string_view file;  // name below --out
};
std::vector<EvaluationFormInfo> evaluation_forms();
// Errors: usage, listing the known names.
Result<EvaluationForm> evaluation_form_by_name(std::string_view name);

// The whole report in one form, newline at the end.
std::string evaluation_text(const EvaluationReport& report, EvaluationForm form);

}  // namespace dfa
