#include "report/protocol_words.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "report/protocol_table.hpp"

namespace dfa {
namespace {

// Card items that all rows share, once; the others a line a row.
std::vector<std::string> card_lines(const ProtocolResult& result) {
  std::vector<std::string> common, own;
  if (result.sources.empty()) return {};
  for (const CardItem& item : result.sources.front().card.items) {
    const bool shared = std::all_of(result.sources.begin(), result.sources.end(),
                                    [&](const RowSource& source) { return source.card.get(item.key) == item.value; });
    if (shared) common.push_back(fmt::format("{}: {}", card_title(item.key), item.value));
    for (const RowSource& source : result.sources)
      if (!shared)
        own.push_back(fmt::format("{}, {}: {}", source.row, card_title(item.key), source.card.get(item.key)));
  }
  common.insert(common.end(), own.begin(), own.end());
  return common;
}

}  // namespace

std::vector<ProtocolSection> protocol_sections(const ProtocolReport& report) {
  const ProtocolResult& result = report.result;
  std::vector<std::string> sources;
  for (const RowSource& source : result.sources) sources.push_back(fmt::format("{}: {}", source.row, source.words));
  const BootstrapOptions& bootstrap = result.options.bootstrap;
  std::vector<std::string> rules = {
      fmt::format("intervals: 95 %, {} bootstrap over videos, {} rounds, seed {}; averages are plain means of cells, "
                  "and cells that share videos are drawn alike",
                  interval_method_name(bootstrap.method), bootstrap.rounds, bootstrap.seed),
      fmt::format("score of a video: {} over its scored crops; inputs without a score: {}",
                  aggregation_name(result.options.video), no_face_rule_name(result.options.no_face))};
  if (!report.data.empty()) rules.push_back(fmt::format("data: {}", fmt::join(report.data, ", ")));
  if (!report.precision.empty()) rules.push_back(fmt::format("engine: {}", report.precision));
  return {{"gaps", gap_lines(result)},
          {"what stands for the rows (that it was trained as the row says is the word of who named it)", sources},
          {"how ours were measured", rules},
          {"protocol card of ours", card_lines(result)},
          {"notes on ours", note_lines(result)},
          {"differences in protocol", result.protocol.differences},
          {std::string(kPublishedElsewhere), published_lines(result)}};
}

std::string protocol_summary(const ProtocolReport& report) {
  return fmt::format("{} of {} cells run", report.result.cells_run(), report.result.cells.size());
}

}  // namespace dfa
