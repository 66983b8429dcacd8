#include "cli/commands/evaluate_options.hpp"

#include <algorithm>
#include <sstream>

#include "cli/options.hpp"
#include "report/evaluation_format.hpp"

namespace dfa::cli {
namespace {

constexpr int kMostRounds = 1'000'000;
constexpr std::int64_t kMostFrames = 1'000'000;

// An option whose value is one of a few words.
template <class T>
CLI::Option* add_word(CLI::App& command, const std::string& name, T& value,
                      const std::vector<std::pair<std::string, T>>& words, const std::string& help) {
  std::vector<std::string> names;
  names.reserve(words.size());
  for (const auto& [word, meaning] : words) names.push_back(word);
  const auto take = [&value, words, names, name](const std::string& text) {
    const auto found = std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.first == text; });
    if (found == words.end())
      throw CLI::ValidationError(name, fmt::format("\"{}\" is not known; expected {}", text, fmt::join(names, ", ")));
    value = found->second;
  };
  return command.add_option_function<std::string>(name, take, help)->type_name("NAME")->default_str(names.front());
}

// A flag that sets an enum.
template <class T>
void add_switch(CLI::App& command, const std::string& name, T& value, T meaning, const std::string& help) {
  command.add_flag_callback(
      name, [&value, meaning] { value = meaning; }, help);
}

void add_inputs(CLI::App& command, EvaluateOptions& options) {
  command.add_option("--data", options.data, "Manifest (version 1), one or more: its crops are scored by the model");
  command.add_option("--role", options.role, "Crops of this role: train, val, calibration or test")
      ->capture_default_str();
  command.add_option(
      "--from", options.from,
      "Instead of --data: CSV with path,label,p_fake and optional method,video,set,outcome,identity,frame; "
      "- = standard input");
  add_switch(command, "--logits", options.scale, ScoreScale::logit,
             "The column p_fake of --from holds logits that grow towards fake");
  command.add_option(
      "--trained-on", options.trained_on,
      "Manifests that the model was trained, selected or calibrated on: what the test shares with them is "
      "an error");
  add_switch(command, "--i-know", options.i_know, IKnow::yes,
             "Go on where the test data are not independent of the model; every output is stamped");
  add_switch(command, "--force-crop", options.recipe, RecipeCheck::skip,
             "Score crops that were made by another recipe than the model's; every output is stamped");
}

void add_rules(CLI::App& command, EvaluateOptions& options) {
  add_word<Aggregation>(command, "--aggregation", options.evaluation.video,
                        {{"mean", Aggregation::mean}, {"median", Aggregation::median}, {"max", Aggregation::max}},
                        "How the frames of a video become its score: mean, median, max");
  add_word<NoFaceRule>(command, "--no-face", options.evaluation.no_face,
                       {{"leave-out", NoFaceRule::leave_out}, {"half", NoFaceRule::half}, {"worst", NoFaceRule::worst}},
                       "Inputs without a score: leave-out (headline), half (0.5, as SBI), worst (real 1, fake 0)");
  add_integer(command, "--min-frames", options.min_frames, "Scored frames that a video must have to be scored", 1,
              kMostFrames)
      ->capture_default_str();
  command
      .add_option("--threshold", options.threshold,
                  "Threshold of the accuracies: a number, or fpr1 or fpr5 of the model; \"best\" on the test set "
                  "needs --i-know")
      ->type_name("X");
  command.add_option("--by", options.by, "Rows beside \"all\": set, method (separated by a comma)")
      ->delimiter(',')
      ->check(CLI::IsMember({"set", "method"}))
      ->default_str("set,method");
  add_integer(command, "--bootstrap", options.evaluation.bootstrap.rounds, "Rounds of the bootstrap", 1, kMostRounds)
      ->capture_default_str();
  add_integer(command, "--seed", options.seed, "Seed of the bootstrap", 0)->capture_default_str();
}

}  // namespace

bool EvaluateOptions::groups_by(std::string_view word) const {
  return by.empty() || std::find(by.begin(), by.end(), word) != by.end();
}

EvaluationOptions EvaluateOptions::evaluation_options() const {
  EvaluationOptions full = evaluation;
  full.bootstrap.seed = static_cast<std::uint64_t>(seed);
  full.min_frames_per_video = static_cast<std::size_t>(min_frames);
  return full;
}

void add_evaluate_options(CLI::App& command, EvaluateOptions& options, CommandContext& context) {
  add_inputs(command, options);
  add_rules(command, options);
  command.add_option("--scores", options.scores, "Write a CSV with a row for each crop")->type_name("FILE");
  command.add_option("--out", options.out, "Write every form, scores.csv and videos.csv into this folder")
      ->type_name("DIR");
  command.add_option("--report", options.page, "Write the evaluation as one HTML file that needs nothing else")
      ->type_name("FILE");
  add_models_option(command, context,
                    "Model file (default: the model inside this program); with --protocol ROW=FILE, one a row");
  add_engine_option(command, context);
  add_threads_option(command, context);
  std::vector<std::string> forms;
  for (const EvaluationFormInfo& info : evaluation_forms()) forms.emplace_back(info.name);
  add_format_option(command, context, forms);
  // What would have no effect is a mistake.
  for (const char* of_crops : {"--data", "--role", "--force-crop", "--model", "--engine", "--threads"})
    command.get_option("--from")->excludes(command.get_option(of_crops));
  command.get_option("--logits")->excludes(command.get_option("--data"));
}

}  // namespace dfa::cli
