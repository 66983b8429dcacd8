// A protocol in words: what it needs, from where, and what comes out.
#include <fmt/ranges.h>

#include <algorithm>

#include "report/protocol_format.hpp"

namespace dfa {
namespace {

std::string prepare_command(const ProtocolData& data) {
  return fmt::format("dfa prepare {} ROOT {}{}--out DIR", data.layout, data.options, data.options.empty() ? "" : " ");
}

std::string selector_text(const Protocol& protocol, const DataSelector& selector) {
  std::string text = protocol.data_named(selector.data).title;
  std::vector<std::string_view> roles;
  for (const Role role : selector.roles) roles.push_back(role_name(role));
  text += fmt::format(", role {}", fmt::join(roles, " or "));
  if (!selector.methods.empty()) text += fmt::format(", method {}", fmt::join(selector.methods, "|"));
  if (!selector.folder.empty()) text += fmt::format(", below a folder {}", selector.folder);
  return text + (selector.videos ? fmt::format(": {} videos", *selector.videos) : ": as many videos as there are");
}

std::string published_text(const Protocol& protocol) {
  if (protocol.published.empty()) return "nothing: no published figures are known to us\n";
  std::vector<std::string> methods;
  for (const PublishedRow& row : protocol.published)
    if (std::find(methods.begin(), methods.end(), row.method) == methods.end()) methods.push_back(row.method);
  return fmt::format("{}\n", fmt::join(methods, ", "));
}

}  // namespace

std::string protocol_explanation(const Protocol& protocol) {
  std::string text =
      fmt::format("{} ({})\nsource: {}\n{}\n", protocol.title, protocol.name, protocol.source, protocol.about);
  text += "\ndata sets:\n";
  for (const ProtocolData& data : protocol.data) {
    text += fmt::format("  {}: {}\n    get it: {}\n    prepare it: {}\n    manifests may call it: {}\n", data.title,
                        data.counts, data.from, prepare_command(data), fmt::join(data.sets, ", "));
  }
  text += "\nmodels, one a row:\n";
  for (const ProtocolRow& row : protocol.rows)
    text += fmt::format("  --model {}=FILE    trained on {}{}\n", row.name, row.title,
                        row.inferred.empty() ? "" : fmt::format(" (inferred: {})", fmt::join(row.inferred, ", ")));
  text += "\ntests:\n";
  for (const ProtocolTest& test : protocol.tests)
    text += fmt::format("  {}: {}{}\n    real: {}\n    fake: {}\n", test.name, test.title,
                        test.note.empty() ? "" : " (" + test.note + ")", selector_text(protocol, test.reals),
                        selector_text(protocol, test.fakes));
  std::vector<std::string> cells, levels, metrics;
  for (const CellName& cell : protocol.cells) cells.push_back(cell_title(cell));
  for (const ScoreLevel level : protocol.levels) levels.emplace_back(score_level_name(level));
  for (const Metric metric : protocol.metrics) metrics.emplace_back(metric_info(metric).title);
  text += fmt::format("\nprinted: {} of {}, with 95 % intervals, by {} level\n", fmt::join(metrics, ", "),
                      fmt::join(cells, ", "), fmt::join(levels, " and "));
  for (const ProtocolAverage& average : protocol.averages)
    text +=
        fmt::format("  {}: {}, only where all {} cells are there\n", average.name, average.title, average.cells.size());
  text += "beside them, as published: " + published_text(protocol);
  text += "\ndifferences in protocol:\n";
  for (const std::string& difference : protocol.differences) text += "  " + difference + '\n';
  text += fmt::format("\nrun it: dfa evaluate --protocol {} --data DIR/manifest.jsonl ... --model {}=FILE{}\n",
                      protocol.name, protocol.rows.front().name, protocol.rows.size() > 1 ? " ..." : "");
  return text + "Data sets and models that are not given leave gaps.\n";
}

std::string protocol_list(const std::vector<Protocol>& protocols) {
  std::size_t width = 0;
  for (const Protocol& protocol : protocols) width = std::max(width, protocol.name.size());
  std::string text;
  for (const Protocol& protocol : protocols)
    text += fmt::format("{:<{}}  {}; {} model{}, {} cells\n", protocol.name, width, protocol.title,
                        protocol.rows.size(), protocol.rows.size() == 1 ? "" : "s", protocol.cells.size());
  return text + "What each needs: dfa evaluate --protocol NAME --explain\n";
}

}  // namespace dfa
