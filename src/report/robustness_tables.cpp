#include "report/robustness_tables.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "eval/robustness_published.hpp"

namespace dfa {
namespace {

using Row = std::vector<ReportCell>;

constexpr const char* kDropNote =
    "drop = under the perturbation - clean, over the same videos: negative where the figure became smaller";
constexpr const char* kJointNote =
    "intervals of means and drops: bootstrap over videos, the same resampled videos in every cell";
constexpr std::size_t kAllLevels = 5;
// What kPublishedCodes do, for the heads of columns: "JPEG" there would be read as JPEG.
constexpr std::array<const char*, kPublishedCodes.size()> kTrueNames = {
    "saturation", "dimming", "blocks", "noise", "blur", "pixelation", "compression"};

std::int64_t count(std::size_t number) {
  return static_cast<std::int64_t>(number);
}

void add_metric_columns(std::vector<std::string>& columns, std::span<const Metric> metrics) {
  for (const char* level : {"video", "frame"})
    for (const Metric metric : metrics) columns.push_back(fmt::format("{}_{}", level, metric_info(metric).name));
}

void add_values(Row& row, std::span<const Metric> metrics, const std::vector<MetricValue>& video,
                const std::vector<MetricValue>& frame) {
  for (const Metric metric : metrics) row.emplace_back(video[static_cast<std::size_t>(metric)]);
  for (const Metric metric : metrics) row.emplace_back(frame[static_cast<std::size_t>(metric)]);
}

void add_coverage(Row& row, const Coverage& coverage) {
  row.emplace_back(count(coverage.videos.scored()));
  row.emplace_back(count(coverage.videos.inputs()));
  row.emplace_back(count(coverage.crops.scored()));
  row.emplace_back(count(coverage.crops.inputs()));
}

// Which outcomes took inputs away, "no_face 3, decode_error 1"; "-" where none did.
std::string lost_words(const OutcomeCounts& counts) {
  std::string words;
  for (const Outcome outcome : {Outcome::no_face, Outcome::low_quality, Outcome::decode_error, Outcome::abstained}) {
    const std::size_t lost =
        counts.of(counts.reals, outcome) + counts.of(counts.fakes, outcome) + counts.of(counts.unlabelled, outcome);
    if (lost > 0) words += fmt::format("{}{} {}", words.empty() ? "" : ", ", outcome_name(outcome), lost);
  }
  return words.empty() ? "-" : words;
}

Row cell_row(std::string code, std::string what, std::string level, std::string parameter, const Figures& figures,
             std::span<const Metric> metrics) {
  Row row = {std::move(code), std::move(what), std::move(level), std::move(parameter)};
  add_coverage(row, figures.coverage);
  row.emplace_back(lost_words(figures.coverage.crops));
  add_values(row, metrics, figures.video.values, figures.frame.values);
  return row;
}

void add_mean_rows(std::vector<Row>& rows, const MeanFigures& mean, std::span<const Metric> metrics) {
  const std::string code = mean.code.empty() ? "all" : mean.code;
  const std::string what = mean.code.empty() ? fmt::format("mean over {} codes", mean.parts) : mean.name;
  const std::string over = mean.code.empty() ? "" : fmt::format("over {} levels", mean.parts);
  for (const auto& [word, figure] : {std::pair{"mean", &mean.mean}, std::pair{"drop", &mean.drop}}) {
    // Each part has counts of its own: one number here would hide them.
    Row row = {code, what, std::string(word), over, "-", "-", "-", "-", "-"};
    add_values(row, metrics, figure->video, figure->frame);
    rows.push_back(std::move(row));
  }
}

ReportTable main_table(const Robustness& robustness, std::span<const Metric> metrics) {
  ReportTable table;
  table.key = "robustness";
  table.title = fmt::format("Robustness: {}", perturb_kind_name(robustness.kind));
  table.columns = {"code",   "what",         "level", "parameter",          "videos_scored",
                   "videos", "crops_scored", "crops", "crops_without_score"};
  add_metric_columns(table.columns, metrics);
  table.rows.push_back(cell_row("clean", "nothing done", "0", "", robustness.clean, metrics));
  for (const MeanFigures& code : robustness.codes) {
    for (const PerturbedFigures& cell : robustness.cells)
      if (cell.perturbation.code == code.code)
        table.rows.push_back(cell_row(code.code, code.name, std::to_string(cell.perturbation.level), cell.parameter,
                                      cell.figures, metrics));
    add_mean_rows(table.rows, code, metrics);
  }
  add_mean_rows(table.rows, robustness.overall, metrics);
  table.notes = {kDropNote, kJointNote};
  table.notes.push_back(fmt::format("coverage: the worst cell has a score for {:.1f} % of the videos",
                                    100 * robustness.overall.least_coverage));
  return table;
}

// The seven codes at five levels: else a mean would be of something else than theirs.
bool is_whole_sweep(const Robustness& robustness) {
  return robustness.kind == PerturbKind::deeperforensics && robustness.codes.size() == kPublishedCodes.size() &&
         std::all_of(robustness.codes.begin(), robustness.codes.end(),
                     [](const MeanFigures& code) { return code.parts == kAllLevels; });
}

ReportTable published_table(const Robustness& robustness) {
  const auto auc = static_cast<std::size_t>(Metric::auc);
  ReportTable table;
  table.key = "robustness_published";
  table.title = "Beside published figures: video AUC, each code averaged over its levels";
  table.columns = {"detector", "figures_by", "clean"};
  table.columns.insert(table.columns.end(), kTrueNames.begin(), kTrueNames.end());
  table.columns.insert(table.columns.end(), {"mean", "drop"});
  Row ours = {"this one", "measured here", robustness.clean.video.values[auc]};
  for (const std::string_view code : kPublishedCodes)
    for (const MeanFigures& mean : robustness.codes)
      if (mean.code == code) ours.emplace_back(mean.mean.video[auc]);
  ours.emplace_back(robustness.overall.mean.video[auc]);
  ours.emplace_back(robustness.overall.drop.video[auc]);
  table.rows.push_back(std::move(ours));
  for (const PublishedRobustness& published : published_robustness()) {
    Row row = {std::string(published.method), std::string(published_grade_name(published.grade)), published.clean};
    for (const double code : published.codes) row.emplace_back(code);
    row.emplace_back(published.mean);
    row.emplace_back(published.drop);
    table.rows.push_back(std::move(row));
  }
  table.notes = {fmt::format("published: {}; FaceForensics++, not measured here; comparable only where this run is on "
                             "FaceForensics++ too",
                             kRobustnessSource),
                 "dimming is what its authors call contrast; pixelation is what they call JPEG: no JPEG is involved"};
  return table;
}

std::string gap_words(const TransferGap& gap, const std::string& side) {
  return gap.videos == 0 ? fmt::format("no video is in {} alone", side)
                         : fmt::format("{} videos are in {} alone, e.g. {}: left out of the common rows", gap.videos,
                                       side, gap.first);
}

}  // namespace

std::vector<ReportTable> robustness_tables(const Robustness& robustness, std::span<const Metric> metrics) {
  std::vector<ReportTable> tables = {main_table(robustness, metrics)};
  const bool has_auc = std::find(metrics.begin(), metrics.end(), Metric::auc) != metrics.end();
  if (has_auc && is_whole_sweep(robustness)) tables.push_back(published_table(robustness));
  return tables;
}

std::vector<ReportTable> transfer_tables(const Transfer& transfer, const std::string& from, const std::string& to,
                                         std::span<const Metric> metrics) {
  ReportTable table;
  table.key = "transfer";
  table.title = fmt::format("Transfer: {} -> {}", from, to);
  table.columns = {"videos_of", "side", "videos_scored", "videos", "crops_scored", "crops"};
  add_metric_columns(table.columns, metrics);
  for (const auto& [side, figures] : {std::pair{&from, &transfer.from}, std::pair{&to, &transfer.to}}) {
    Row row = {"all of this side", *side};
    add_coverage(row, figures->coverage);
    add_values(row, metrics, figures->video.values, figures->frame.values);
    table.rows.push_back(std::move(row));
  }
  const std::string drop = "drop";
  for (const auto& [side, figure] : {std::pair{&from, &transfer.from_common}, std::pair{&to, &transfer.to_common},
                                     std::pair{&drop, &transfer.drop}}) {
    Row row = {"both", *side, "-", count(transfer.common), "-", "-"};
    add_values(row, metrics, figure->video, figure->frame);
    table.rows.push_back(std::move(row));
  }
  table.notes = {"drop = second side - first side over the common videos; its interval draws the same videos on both",
                 "two videos are the same when their paths are, apart from a folder raw, c0, c23 or c40",
                 gap_words(transfer.only_from, from), gap_words(transfer.only_to, to)};

  ReportTable published;
  published.key = "transfer_published";
  published.title = "Published: frame AUC, trained on c23 of FaceForensics++";
  published.columns = {"detector", "figures_by", "c23", "c40", "drop"};
  for (const PublishedTransfer& one : published_transfer())
    published.rows.push_back(
        {std::string(one.method), std::string(published_grade_name(one.grade)), one.c23, one.c40, one.c40 - one.c23});
  published.notes = {fmt::format("published: {}; not measured here", kTransferSource)};
  return {std::move(table), std::move(published)};
}

}  // namespace dfa
