#include "train/config/recipe.hpp"

#include "train/config/precision.hpp"
#include "train/config/run_config.hpp"

namespace dfa::train {
namespace {

// The published scripts run 32 crops on each of two devices.
constexpr int kPublishedBatch = 64;
constexpr int kPublishedEvalBatch = 128;
constexpr double kPublishedFlip = 0.5;

RunConfig official() {
  RunConfig config;
  config.recipe = Recipe::official;
  config.seed = 777;
  config.select_on = Role::test;
  config.augment.flip = kPublishedFlip;
  config.optimizer.rule = Rule::sgd;
  config.optimizer.momentum = 0.9;
  config.optimizer.weight_decay = 1e-4;
  config.optimizer.decay = Decay::all;
  config.rate = 0.1;
  config.rate_unit = RateUnit::per_256;
  config.schedule.epochs = 100;
  config.schedule.warmup_epochs = 15;
  config.schedule.floor = 0;
  config.batch = kPublishedBatch;
  config.eval_batch = kPublishedEvalBatch;
  config.head_statistics = HeadStatistics::rank;
  config.compute = has_fast_bf16() ? Compute::bf16 : Compute::f32;
  return config;
}

RunConfig standard() {
  RunConfig config;
  config.recipe = Recipe::standard;
  config.select_on = Role::val;
  config.augment_set = AugmentSet::standard;
  config.augment = augment_options_of(config.augment_set);
  config.optimizer.decay = Decay::matrices_only;
  return config;
}

// fp16 with dynamic loss scaling is the published precision; processors compute in another here.
std::string precision_note(const RunConfig& config) {
  if (config.compute == Compute::f16)
    return "trained in fp16 with loss scaling, as published; evaluated in f32, not fp16";
  return fmt::format("trained in {} where the published recipe has fp16 with loss scaling; evaluated in f32, not fp16",
                     config.compute == Compute::bf16 ? "bf16" : "f32");
}

}  // namespace

std::string_view recipe_name(Recipe recipe) {
  return recipe == Recipe::official ? "official" : "default";
}

Result<Recipe> recipe_by_name(std::string_view name) {
  for (const Recipe recipe : {Recipe::standard, Recipe::official})
    if (recipe_name(recipe) == name) return recipe;
  return fail(ErrorCode::usage, "got recipe \"{}\", expected default or official", name);
}

RunConfig recipe_defaults(Recipe recipe) {
  return recipe == Recipe::official ? official() : standard();
}

std::vector<std::string> deviations_of(const RunConfig& config) {
  std::vector<std::string> sentences;
  if (config.select_on == Role::test)
    sentences.emplace_back(
        "selected on test: the best checkpoint was chosen by the test split, whose numbers are optimistic");
  if (config.optimizer.decay == Decay::all && config.optimizer.weight_decay > 0)
    sentences.emplace_back("weight decay acts on norms, biases, gates and scales too");
  if (config.recipe == Recipe::official) {
    if (config.augment_set == AugmentSet::none && config.augment.flip > 0)
      sentences.emplace_back("flipping is the only augmentation");
    sentences.push_back(precision_note(config));
    if (config.head_statistics == HeadStatistics::rank)
      sentences.emplace_back("where several devices train, each normalises the head's input by its own crops");
  }
  return sentences;
}

}  // namespace dfa::train
