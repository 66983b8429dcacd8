// A protocol of which some cells were run.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "report/protocol_format.hpp"

namespace dfa::test {

struct MadeProtocol {
  ProtocolReport report;
  std::vector<CellScores> scores;
};

// Reals .2 and .4, fakes .3 and .9 in each cell of `run`, a crop a video: AUC .75.
inline MadeProtocol made_protocol(const std::string& name, const std::vector<CellName>& run) {
  MadeProtocol protocol;
  for (const CellName& cell : run) {
    CellScores made;
    made.cell = cell;
    const double p_fakes[] = {.2, .3, .4, .9};
    for (int i = 0; i < 4; ++i) {
      const std::string path = cell_title(cell) + "/" + std::to_string(i) + ".png";
      ScoreRow row;
      row.path = path;
      row.label = i % 2;
      row.p_fake = p_fakes[i];
      EXPECT_TRUE(made.scores.add(row));
    }
    made.notes = {"2 real videos, the whole set has 178"};
    protocol.scores.push_back(std::move(made));
  }
  EvaluationOptions options;
  options.bootstrap.rounds = 50;
  options.bootstrap.threads = 1;
  protocol.report.tool = {"1", "test"};
  protocol.report.result = *run_protocol(*find_protocol(name), protocol.scores, options);
  return protocol;
}

}  // namespace dfa::test
