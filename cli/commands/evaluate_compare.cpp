// dfa evaluate --compare A.csv B.csv: are the figures of two detectors on the same inputs different?
#include <fmt/format.h>

#include "cli/commands/evaluate_parts.hpp"
#include "cli/commands/evaluate_write.hpp"
#include "eval/comparison.hpp"
#include "eval/score_csv.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

ReportCell number_cell(const std::optional<double>& value, const std::string& otherwise) {
  return value ? ReportCell(*value) : ReportCell(otherwise);
}

void add_rows(ReportTable& table, const std::string& level, const LevelComparison& comparison) {
  for (const MetricInfo& info : metric_registry()) {
    if (info.id == Metric::balanced_accuracy) continue;  // nobody chose a threshold
    const MetricDifference& difference = comparison.of(info.id);
    const std::string undefined = fmt::format("undefined ({})", difference.undefined);
    table.rows.push_back({level, std::string(info.name), number_cell(difference.first, undefined),
                          number_cell(difference.second, undefined),
                          MetricValue{difference.difference, difference.undefined, {}},
                          number_cell(difference.p, undefined),
                          info.id == Metric::auc ? number_cell(comparison.delong_p, "-") : ReportCell("-")});
  }
}

std::string left_out_words(std::string_view what, const LeftOut& left) {
  return fmt::format(
      "{} left out: {} only in the first, {} only in the second; without a score: {} in the first, {} in the second, "
      "{} "
      "in both",
      what, left.only_first, left.only_second, left.unscored_in_first, left.unscored_in_second, left.unscored_in_both);
}

bool left_any(const LeftOut& left) {
  return left.only_first + left.only_second + left.unscored_in_first + left.unscored_in_second > 0;
}

ReportTable comparison_table(const Comparison& comparison, const std::vector<std::string>& files) {
  ReportTable table;
  table.key = "comparison";
  table.title = fmt::format("{} (first) against {} (second), paired", files[0], files[1]);
  table.columns = {"level", "figure", "first", "second", "difference", "p", "delong_p"};
  add_rows(table, "video", comparison.video);
  add_rows(table, "frame", comparison.frame);
  table.notes = {fmt::format("both scored {} + {} videos and {} + {} crops (real + fake)", comparison.video.reals,
                             comparison.video.fakes, comparison.frame.reals, comparison.frame.fakes),
                 left_out_words("videos", comparison.left_out_videos),
                 left_out_words("crops", comparison.left_out_crops),
                 "difference = first - second; interval and p by the paired bootstrap over videos"};
  if (left_any(comparison.left_out_videos) || left_any(comparison.left_out_crops))
    table.notes.push_back("the coverage of the two differs: the test is on the intersection alone");
  return table;
}

class ComparePart final : public EvaluatePart {
 public:
  void add_options(CLI::App& command) override {
    CLI::Option* compare =
        command
            .add_option("--compare", files_,
                        "Instead of --data: paired test of two CSV files of scores on the inputs that both scored")
            ->type_name("A.csv B.csv")
            ->expected(kFiles);
    for (const char* other : {"--data", "--from", "--role", "--trained-on", "--i-know", "--force-crop", "--threshold",
                              "--by", "--scores", "--model", "--engine", "--threads"})
      compare->excludes(command.get_option(other));
  }
  bool replaces_run() const override { return !files_.empty(); }

  Result<ExitStatus> run(const EvaluateOptions& options, CommandContext& context) override {
    EvaluateRun run;
    run.options = options;
    run.report.tool = {kVersion, kBuildId};
    ScoreTable tables[kFiles];
    for (std::size_t i = 0; i < kFiles; ++i) {
      ScoreCsvOptions csv;
      csv.scale = options.scale;
      DFA_ASSIGN_OR_RETURN(const ScoreCsvReading reading, read_scores_file(files_[i], csv, tables[i]));
      for (const std::string& note : reading.notes) run.report.notes.push_back(fmt::format("{}: {}", files_[i], note));
    }
    DFA_ASSIGN_OR_RETURN(const Comparison comparison,
                         compare_scores(tables[0], tables[1], options.evaluation_options()));
    run.report.sources = files_;
    run.report.tables.push_back(comparison_table(comparison, files_));
    fill_card(run.report.card, comparison);
    DFA_TRY(write_evaluation(run, context));
    return ExitStatus::success;
  }

 private:
  static constexpr int kFiles = 2;

  void fill_card(ProtocolCard& card, const Comparison& comparison) const {
    const EvaluationOptions& options = comparison.options;
    card = blank_protocol_card();
    card.set("scores_by", fmt::format("{}", fmt::join(files_, " and ")));
    card.set("aggregation",
             fmt::format("{} over the crops of a video that both scored", aggregation_name(options.video)));
    card.set("no_face_rule", "inputs that one of the two did not score are left out");
    card.set("coverage",
             fmt::format("{} + {} videos that both scored", comparison.video.reals, comparison.video.fakes));
    card.set("threshold", fmt::format("{}", options.threshold));
    card.set("interval_method", fmt::format("95 %, paired {} bootstrap over videos, {} rounds, seed {}",
                                            interval_method_name(options.bootstrap.method), options.bootstrap.rounds,
                                            options.bootstrap.seed));
  }

  std::vector<std::string> files_;
};

}  // namespace

std::unique_ptr<EvaluatePart> make_compare_part() {
  return std::make_unique<ComparePart>();
}

}  // namespace dfa::cli
