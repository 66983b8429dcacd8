// Scores for the cells of a protocol: from crops, by one model a row, or from one file of scores a row.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/commands/evaluate_options.hpp"
#include "eval/card_facts.hpp"
#include "eval/protocol_items.hpp"
#include "eval/protocol_run.hpp"

namespace dfa::cli {

// ROW=FILE as given.
struct RowFile {
  std::string row;
  std::string file;
};

// "ROW=FILE", or a file alone where the protocol has one row. `option` names it in messages. Errors: usage for rows
// that the protocol does not have or that are given twice.
Result<std::vector<RowFile>> row_files(const Protocol& protocol, const std::vector<std::string>& given,
                                       const std::string& option);

class CellGatherer {
 public:
  CellGatherer(const Protocol& protocol, const EvaluateOptions& options, CommandContext& context)
      : protocol_(protocol), options_(options), context_(context) {}

  // Manifests come first. Errors: those of read_manifest().
  Status add_manifests(const std::vector<std::string>& paths);
  // Scores what the row's cells need. The walls are asked first. Errors: those of load_model(), score_crops() and
  // raise_wall().
  Status run_model(const RowFile& model);
  // Errors: those of read_scores_file().
  Status read_scores(const RowFile& scores);
  // Rows that nothing was given for become gaps; `option` is how to give it.
  std::vector<CellScores> finish(const std::string& option);

  const std::vector<RowSource>& sources() const { return sources_; }
  std::string precision() const { return precision_; }

 private:
  std::set<std::size_t> tests_of(const std::string& row) const;
  std::set<Role> roles() const;
  Status raise_walls(const Model& model, ProtocolCard& card) const;
  Status score_manifest(const Model& model, const TestedData& data, const std::set<std::size_t>& tests,
                        ProtocolItems& items, std::vector<CellScores>& cells);
  Status add_missing(const TestedData& data, const std::set<std::size_t>& tests, ProtocolItems& items,
                     std::vector<CellScores>& cells) const;
  // A place for each test of the protocol.
  std::vector<CellScores> empty_cells(const std::string& row) const;
  void keep(std::vector<CellScores> cells, const std::set<std::size_t>& tests, const ProtocolItems& items);

  const Protocol& protocol_;
  const EvaluateOptions& options_;
  CommandContext& context_;
  std::vector<TestedData> data_;
  std::vector<CellScores> cells_;
  std::vector<RowSource> sources_;
  std::string precision_;
};

}  // namespace dfa::cli
