#include "cli/commands/evaluate_protocol_gather.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "cli/commands/crop_scoring.hpp"
#include "cli/options.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa::cli {
namespace {

bool has_row(const Protocol& protocol, const std::string& name) {
  return std::any_of(protocol.rows.begin(), protocol.rows.end(), [&](const auto& row) { return row.name == name; });
}

std::string row_names(const Protocol& protocol) {
  std::vector<std::string> names;
  for (const ProtocolRow& row : protocol.rows) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// The numbers among `found` that are in `wanted`.
std::vector<std::size_t> both(const std::vector<std::size_t>& found, const std::set<std::size_t>& wanted) {
  std::vector<std::size_t> numbers;
  for (const std::size_t number : found)
    if (wanted.contains(number)) numbers.push_back(number);
  return numbers;
}

// What is the same in every cell of a row; the rest stands in the tables.
ProtocolCard row_card(std::span<const TestedData> data, const EvaluationOptions& options) {
  ProtocolCard card = blank_protocol_card();
  describe_data(card, data, Role::test);
  Evaluation nothing;
  nothing.options = options;
  describe_figures(card, ScoreTable(), nothing);
  card.set("role", "by the protocol, a test each");
  card.set("coverage", "a cell each, in the tables");
  return card;
}

}  // namespace

Result<std::vector<RowFile>> row_files(const Protocol& protocol, const std::vector<std::string>& given,
                                       const std::string& option) {
  std::vector<RowFile> files;
  for (const std::string& text : given) {
    const std::size_t sign = text.find('=');
    RowFile one;
    if (sign != std::string::npos && has_row(protocol, text.substr(0, sign)))
      one = {text.substr(0, sign), text.substr(sign + 1)};
    else if (protocol.rows.size() == 1)
      one = {protocol.rows.front().name, text};
    else
      return fail(ErrorCode::usage, "{} {}: protocol {} has a model a row, expected ROW=FILE with a row of {}", option,
                  text, protocol.name, row_names(protocol));
    if (std::any_of(files.begin(), files.end(), [&](const RowFile& other) { return other.row == one.row; }))
      return fail(ErrorCode::usage, "{} {}: row {} has one already", option, text, one.row);
    files.push_back(std::move(one));
  }
  return files;
}

Status CellGatherer::add_manifests(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    DFA_ASSIGN_OR_RETURN(NamedManifest named, read_named_manifest(path));
    DFA_ASSIGN_OR_RETURN(std::optional<PreparedData> prepared, read_prepared_data(path));
    data_.push_back({std::move(named), std::move(prepared)});
  }
  return {};
}

std::set<std::size_t> CellGatherer::tests_of(const std::string& row) const {
  std::set<std::size_t> tests;
  for (std::size_t i = 0; i < protocol_.tests.size(); ++i)
    if (std::find(protocol_.cells.begin(), protocol_.cells.end(), CellName{row, protocol_.tests[i].name}) !=
        protocol_.cells.end())
      tests.insert(i);
  return tests;
}

std::set<Role> CellGatherer::roles() const {
  std::set<Role> roles;
  for (const ProtocolTest& test : protocol_.tests)
    for (const DataSelector* selector : {&test.reals, &test.fakes})
      roles.insert(selector->roles.begin(), selector->roles.end());
  return roles;
}

std::vector<CellScores> CellGatherer::empty_cells(const std::string& row) const {
  std::vector<CellScores> cells(protocol_.tests.size());
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i].cell = {row, protocol_.tests[i].name};
  return cells;
}

void CellGatherer::keep(std::vector<CellScores> cells, const std::set<std::size_t>& tests, const ProtocolItems& items) {
  for (const std::size_t test : tests) {
    cells[test].gap = items.gap(test);
    cells[test].notes = items.notes(test);
    cells_.push_back(std::move(cells[test]));
  }
}

// Nothing that made the model may be among what is tested on.
Status CellGatherer::raise_walls(const Model& model, ProtocolCard& card) const {
  const TrainingFacts facts = training_facts(model);
  std::vector<NamedManifest> made_on, tested;
  for (const std::string& path : options_.trained_on) {
    DFA_ASSIGN_OR_RETURN(NamedManifest named, read_named_manifest(path));
    made_on.push_back(std::move(named));
  }
  for (const TestedData& data : data_) tested.push_back(data.named);
  std::vector<std::string> breaches;
  const auto add = [&breaches](std::vector<std::string> more) {
    for (std::string& one : more)
      if (std::find(breaches.begin(), breaches.end(), one) == breaches.end()) breaches.push_back(std::move(one));
  };
  for (const Role role : roles()) {
    add(selection_breaches(facts, tested, role, made_on));
    add(sharing_breaches(facts, tested, role, made_on));
  }
  tested.insert(tested.end(), made_on.begin(), made_on.end());
  add(role_breaches(facts, tested));
  for (const std::string& stamp : role_stamps(facts, Role::test)) card.stamp(stamp);
  return raise_wall(breaches, options_.i_know, card);
}

Status CellGatherer::score_manifest(const Model& model, const TestedData& data, const std::set<std::size_t>& tests,
                                    ProtocolItems& items, std::vector<CellScores>& cells) {
  std::unordered_map<std::string, std::vector<std::size_t>> wanted;  // tests by path
  std::set<Role> there;
  for (const ManifestEntry& entry : data.named.manifest.entries) {
    const std::vector<std::size_t> found = items.take({entry.path, entry.video ? std::string_view(*entry.video) : "",
                                                       entry.set, entry.method, entry.label, entry.role});
    std::vector<std::size_t> chosen = both(found, tests);
    if (chosen.empty()) continue;
    there.insert(entry.role);
    wanted.emplace(entry.path, std::move(chosen));
  }
  DFA_ASSIGN_OR_RETURN(const Precision precision, resolve_engine(context_.options.engine, model));
  precision_ = precision_name(precision);
  ScoreCropsOptions scoring = crop_scoring(context_, precision, options_.recipe);
  scoring.wanted = [&wanted](const ManifestEntry& entry) { return wanted.contains(entry.path); };
  for (const Role role : there) {
    DFA_ASSIGN_OR_RETURN(const std::vector<CropScore> scores,
                         score_crops(model, data.named.name, role, scoring, *context_.cancel));
    for (const CropScore& score : scores) {
      if (!score.problem.empty())
        log_to(*context_.log, LogLevel::warning, "{}: not scored: {}", score.path, score.problem);
      for (const std::size_t test : wanted.at(score.path))
        DFA_TRY(add_scores(cells[test].scores, std::span(&score, 1)));
    }
  }
  for (const auto& [path, numbers] : wanted)
    for (const std::size_t test : numbers)
      if (!data.prepared || drops_without_trace(*data.prepared)) cells[test].dropped = DroppedInputs::unknown;
  return {};
}

// Items of the data set that never became crops: no score, and part of the coverage.
Status CellGatherer::add_missing(const TestedData& data, const std::set<std::size_t>& tests, ProtocolItems& items,
                                 std::vector<CellScores>& cells) const {
  if (!data.prepared) return {};
  const std::filesystem::path root = manifest_root(data.named.manifest, data.named.name);
  for (const MissingInput& missing : data.prepared->missing) {
    const std::vector<std::size_t> found =
        items.take({missing.path, missing.path, missing.set, missing.method, missing.label, missing.role});
    const std::string video = normal_path((root / missing.path).lexically_normal().generic_string());
    for (const std::size_t test : both(found, tests)) DFA_TRY(cells[test].scores.add(row_of(missing, video)));
  }
  return {};
}

Status CellGatherer::run_model(const RowFile& file) {
  SharedOptions shared = context_.options;
  shared.model = file.file;
  DFA_ASSIGN_OR_RETURN(const Model model, load_selected_model(shared));
  RowSource source{file.row, fmt::format("{} (sha256 {})", file.file, model.sha256),
                   row_card(data_, options_.evaluation_options())};
  describe_model(source.card, model);
  source.card.set("scores_by", fmt::format("{}, engine {}", model.name, context_.options.engine));
  DFA_TRY(raise_walls(model, source.card));
  ProtocolItems items(protocol_);
  const std::set<std::size_t> tests = tests_of(file.row);
  std::vector<CellScores> cells = empty_cells(file.row);
  for (const TestedData& data : data_) {
    if (const std::string other = manifest_recipe_difference(data.named.manifest, model.crop);
        !other.empty() && options_.recipe == RecipeCheck::skip)
      source.card.stamp(fmt::format("--force-crop: crops of another recipe than the model's ({})", other));
    DFA_TRY(score_manifest(model, data, tests, items, cells));
    DFA_TRY(add_missing(data, tests, items, cells));
  }
  keep(std::move(cells), tests, items);
  sources_.push_back(std::move(source));
  return {};
}

Status CellGatherer::read_scores(const RowFile& file) {
  ScoreCsvOptions csv;
  csv.scale = options_.scale;
  ScoreTable table;
  DFA_ASSIGN_OR_RETURN(const ScoreCsvReading reading, read_scores_file(file.file, csv, table));
  for (const std::string& note : reading.notes) log_to(*context_.log, LogLevel::info, "{}: {}", file.file, note);
  ProtocolItems items(protocol_);
  const std::set<std::size_t> tests = tests_of(file.row);
  std::vector<CellScores> cells = empty_cells(file.row);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ScoreRow row = table.row(i);
    for (const std::size_t test :
         both(items.take({row.path, row.video, row.set, row.method, row.label, std::nullopt}), tests)) {
      cells[test].dropped = reading.dropped;
      DFA_TRY(cells[test].scores.add(row));
    }
  }
  keep(std::move(cells), tests, items);
  RowSource source{file.row, file.file, row_card({}, options_.evaluation_options())};
  source.card.set("scores_by", "another program: " + file.file);
  sources_.push_back(std::move(source));
  return {};
}

std::vector<CellScores> CellGatherer::finish(const std::string& option) {
  for (const CellName& cell : protocol_.cells) {
    if (std::any_of(cells_.begin(), cells_.end(), [&](const CellScores& one) { return one.cell == cell; })) continue;
    CellScores gap;
    gap.cell = cell;
    gap.gap = fmt::format("nothing stands for row {} ({} {}=FILE)", cell.row, option, cell.row);
    cells_.push_back(std::move(gap));
  }
  return std::move(cells_);
}

}  // namespace dfa::cli
