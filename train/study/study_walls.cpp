#include "train/study/study_walls.hpp"

#include <fmt/ranges.h>

#include <map>
#include <set>

#include "eval/walls.hpp"

namespace dfa::train {

namespace {

// Each manifest is read once, whatever the number of cells.
class Manifests {
 public:
  Result<const NamedManifest*> read(const std::string& path) {
    const auto known = read_.find(path);
    if (known != read_.end()) return &known->second;
    DFA_ASSIGN_OR_RETURN(NamedManifest named, read_named_manifest(path));
    return &read_.emplace(path, std::move(named)).first->second;
  }

 private:
  std::map<std::string, NamedManifest> read_;
};

std::vector<std::string> breaches_of(const NamedManifest& made, const NamedManifest& tested) {
  TrainingFacts facts;
  facts.manifest_sha256 = made.sha256;
  facts.selected_on = role_name(Role::val);
  const bool is_same = made.sha256 == tested.sha256;
  std::vector<NamedManifest> all = {tested}, made_on;
  if (!is_same) {
    all.push_back(made);
    made_on.push_back(made);
  }
  std::vector<std::string> breaches = sharing_breaches(facts, all, Role::test, made_on);
  for (std::string& breach : role_breaches(facts, all)) breaches.push_back(std::move(breach));
  return breaches;
}

}  // namespace

Result<std::vector<std::string>> study_stamps(const Study& study, const StudyGrid& grid) {
  Manifests manifests;
  std::vector<std::string> stamps, breaches;
  std::set<std::pair<std::string, std::string>> seen;
  for (const StudyTest& test : study.tests) {
    if (test.role == Role::val)
      stamps.push_back(fmt::format("test \"{}\": role val chose the checkpoints; no test result", test.name));
    for (const StudyCell& cell : grid.cells) {
      const std::string made = cell.config.data.manifest, tested = test_manifest(test, cell).string();
      if (test.role == Role::val || !seen.emplace(made, tested).second) continue;
      DFA_ASSIGN_OR_RETURN(const NamedManifest* made_on, manifests.read(made));
      DFA_ASSIGN_OR_RETURN(const NamedManifest* tested_on, manifests.read(tested));
      for (std::string& breach : breaches_of(*made_on, *tested_on)) breaches.push_back(std::move(breach));
    }
  }
  if (!breaches.empty() && study.i_know == IKnow::no)
    return fail(ErrorCode::manifest_invalid,
                "study \"{}\": the test data are not independent of the trainings:\n  {}\n  next step: test on other "
                "data, or write \"i_know\": true into the study; every table is then stamped",
                study.name, fmt::join(breaches, "\n  "));
  for (const std::string& breach : breaches) stamps.push_back("i_know: " + breach);
  return stamps;
}

}  // namespace dfa::train
