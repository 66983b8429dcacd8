// A study: a grid of trainings with one question, read from STUDY.json.
//
// {"dfa_study": 1, "name": "tuning", "out": "runs/study-tuning",
//  "config": "small-faces.json",                     beside STUDY.json; what all cells have in common
//  "set": {"data.manifest": "faces.jsonl"},          over it
//  "axes": {"tuning": ["linear", "full"],            a key of the configuration and its values, or a name and variants
//           "way": [{"name": "low rate", "set": {"tuning": "full", "schedule.rate": 1e-4}}, ...]},
//  "seeds": [1, 2, 3],
//  "leave_out": ["DF", "F2F"],                       methods: each cell trains on all of these but one
//  "tests": [{"name": "faces", "data": "faces.jsonl", "role": "test"}],
//  "metric": "auc", "level": "video", "compare": "all", "bootstrap": {"rounds": 2000, "seed": 777}, "i_know": false}
// Required: dfa_study, name, config, axes, seeds. Schema: docs/study.schema.json.
//
// Note [What a study may look at]
// Cells choose their best epoch on role val, as every run does; the test role serves the table and nothing else, so
// the rows stand in the order of the file, never by their figures. A configuration that selects on test is refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "eval/walls.hpp"

namespace dfa::train {

// What a cell is measured on.
struct StudyTest {
  std::string name;
  std::string data;  // manifest, relative to the working directory; empty = the cell's own data.manifest
  Role role = Role::test;
};

struct AxisValue {
  std::string name;                   // in the cell's name and the table
  std::vector<std::string> settings;  // "key=value", as --set takes them
};

struct StudyAxis {
  std::string name;
  std::vector<AxisValue> values;
};

enum class StudyLevel { frame, video };
// Which combinations are compared: each with each, or each with the first.
enum class StudyPairs { all, first };

struct Study {
  std::string name;
  std::filesystem::path out;     // folder of the cells and tables
  std::filesystem::path config;  // of the configuration they share
  std::vector<std::string> settings;
  std::vector<StudyAxis> axes;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> leave_out;
  std::vector<StudyTest> tests;
  std::string metric = "auc";  // by its word in eval/metric.hpp
  StudyLevel level = StudyLevel::video;
  StudyPairs pairs = StudyPairs::all;
  int bootstrap_rounds = 2000;
  std::uint64_t bootstrap_seed = 777;
  IKnow i_know = IKnow::no;  // goes on, stamped, where a test is not independent of a training
};

inline constexpr std::size_t kMostCells = 10'000;

// `overrides`: "key=value" over the study's "set", for all cells. Errors: usage (unknown key with the nearest known
// one, a key given twice, wrong type, nothing to vary, more than kMostCells), file_*.
Result<Study> read_study(const std::filesystem::path& path, std::span<const std::string> overrides);
// `folder`: of STUDY.json; "config" is relative to it. `what` names the text in messages.
Result<Study> parse_study(std::string_view json, std::string_view what, const std::filesystem::path& folder,
                          std::span<const std::string> overrides);

}  // namespace dfa::train
