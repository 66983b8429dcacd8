// dfa evaluate --legacy: beside the figures, what common but faulty definitions would give, each with its defect.
#include <fmt/format.h>

#include "cli/commands/evaluate_parts.hpp"
#include "eval/legacy.hpp"

namespace dfa::cli {
namespace {

ReportCell point_cell(const MetricPoint& point) {
  return point.value ? ReportCell(*point.value) : ReportCell(fmt::format("undefined ({})", point.undefined));
}

class LegacyPart final : public EvaluatePart {
 public:
  void add_options(CLI::App& command) override {
    CLI::Option* legacy = command.add_flag_callback(
        "--legacy", [this] { asked_ = Asked::yes; }, "Also what faulty common definitions would give, labelled so");
    legacy->excludes(command.get_option("--compare"));
  }

  Status extend(EvaluateRun& run, CommandContext&) override {
    if (asked_ == Asked::no) return {};
    const LegacyFigures legacy = legacy_figures(run.scores);
    ReportTable table;
    table.key = "legacy";
    table.title = "FAULTY definitions, only for comparison with published numbers";
    table.columns = {"figure", "faulty", "right", "defect"};
    for (const LegacyFigure& figure : legacy.figures)
      table.rows.push_back({std::string(figure.name), point_cell(figure.legacy), point_cell(figure.correct),
                            std::string(figure.defect)});
    table.notes.push_back(
        fmt::format("grouped by folder name, {} videos collapse to {}", legacy.videos, legacy.folder_groups));
    run.report.tables.push_back(std::move(table));
    return {};
  }

 private:
  enum class Asked { no, yes };
  Asked asked_ = Asked::no;
};

}  // namespace

std::unique_ptr<EvaluatePart> make_legacy_part() {
  return std::make_unique<LegacyPart>();
}

}  // namespace dfa::cli
