#include "train/config/run_config_json.hpp"

#include <algorithm>

#include "model/model.hpp"

namespace dfa::train {
namespace {

constexpr double kPublishedBatch = 256;

// A word for each value of an enum, both ways.
template <class Enum>
struct Word {
  Enum value;
  const char* text;
};
constexpr Word<Sampling> kSamplings[] = {{Sampling::shuffle, "shuffle"}, {Sampling::balanced, "balanced"}};
constexpr Word<RateUnit> kRateUnits[] = {{RateUnit::absolute, "absolute"}, {RateUnit::per_256, "per_256"}};
constexpr Word<Rule> kRules[] = {{Rule::sgd, "sgd"}, {Rule::adamw, "adamw"}};
constexpr Word<Decay> kDecays[] = {{Decay::all, "all"}, {Decay::matrices_only, "matrices_only"}};
constexpr Word<Compute> kComputes[] = {{Compute::f32, "f32"}, {Compute::bf16, "bf16"}};

template <class Enum, std::size_t count>
const char* text_of(const Word<Enum> (&words)[count], Enum value) {
  for (const Word<Enum>& word : words)
    if (word.value == value) return word.text;
  return "";
}

template <class Enum, std::size_t count>
Status take_word(const Json& json, std::string_view key, const Word<Enum> (&words)[count], Enum& to) {
  std::string known;
  for (const Word<Enum>& word : words) {
    if (json == word.text) {
      to = word.value;
      return {};
    }
    known += (known.empty() ? "" : ", ") + std::string(word.text);
  }
  return fail(ErrorCode::usage, "configuration: \"{}\" is {}, expected one of: {}", key, short_dump(json), known);
}

Json chance_json(const Chance& chance) {
  return {{"p", chance.p}, {"low", chance.low}, {"high", chance.high}};
}

Json augment_json(const AugmentOptions& options) {
  return {{"crop", chance_json(options.crop)},
          {"flip", options.flip},
          {"brightness", chance_json(options.brightness)},
          {"contrast", chance_json(options.contrast)},
          {"blur", chance_json(options.blur)},
          {"jpeg", chance_json(options.jpeg)},
          {"erase", chance_json(options.erase)}};
}

Json optimizer_json(const OptimizerOptions& options) {
  return {{"rule", text_of(kRules, options.rule)},
          {"momentum", options.momentum},
          {"beta1", options.beta1},
          {"beta2", options.beta2},
          {"epsilon", options.epsilon},
          {"weight_decay", options.weight_decay},
          {"decay", text_of(kDecays, options.decay)},
          {"clip_norm", options.clip_norm},
          {"sam_rho", options.sam_rho}};
}

// The loss's numbers, all of them real.
struct LossKey {
  const char* name;
  double LossOptions::*field;
  double low, high;
};
constexpr double kMostWeight = 1000;
constexpr LossKey kLossKeys[] = {
    {"label_smoothing", &LossOptions::label_smoothing, 0, 1},
    {"alignment", &LossOptions::alignment, 0, kMostWeight},
    {"uniformity", &LossOptions::uniformity, 0, kMostWeight},
    {"mask", &LossOptions::mask, 0, kMostWeight},
    {"boundary", &LossOptions::boundary, 0, kMostWeight},
    {"patch_contrast", &LossOptions::patch_contrast, 0, kMostWeight},
    {"patch_temperature", &LossOptions::patch_temperature, 0.01, 100},
    {"consistency", &LossOptions::consistency, 0, kMostWeight},
    {"consistency_ramp_epochs", &LossOptions::consistency_ramp_epochs, 0, 100000},
};

Json loss_json(const LossOptions& options) {
  Json json;
  for (const LossKey& key : kLossKeys) json[key.name] = options.*key.field;
  return json;
}

Status take_chance(const Json& json, Chance& to) {
  to = {json["p"].get<double>(), json["low"].get<double>(), json["high"].get<double>()};
  return {};
}

Status take_augment(const Json& json, AugmentOptions& to) {
  to.flip = json["flip"].get<double>();
  DFA_TRY(take_chance(json["crop"], to.crop));
  DFA_TRY(take_chance(json["brightness"], to.brightness));
  DFA_TRY(take_chance(json["contrast"], to.contrast));
  DFA_TRY(take_chance(json["blur"], to.blur));
  DFA_TRY(take_chance(json["jpeg"], to.jpeg));
  DFA_TRY(take_chance(json["erase"], to.erase));
  return check_augment(to);
}

// A whole number within [low, high]. Errors: usage.
template <class Integer>
Status take_whole(const Json& json, std::string_view key, std::int64_t low, std::int64_t high, Integer& to) {
  const bool whole = json.is_number_integer() && !(json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX);
  if (!whole || json.get<std::int64_t>() < low || json.get<std::int64_t>() > high)
    return fail(ErrorCode::usage, "configuration: \"{}\" is {}, expected a whole number from {} to {}", key,
                short_dump(json), low, high);
  to = static_cast<Integer>(json.get<std::int64_t>());
  return {};
}

Status take_number(const Json& json, std::string_view key, double low, double high, double& to) {
  const double value = json.get<double>();
  if (!(value >= low && value <= high))
    return fail(ErrorCode::usage, "configuration: \"{}\" is {}, expected {} to {}", key, value, low, high);
  to = value;
  return {};
}

Status take_loss(const Json& json, const NetworkConfig& network, LossOptions& to) {
  for (const LossKey& key : kLossKeys)
    DFA_TRY(take_number(json[key.name], std::string("loss.") + key.name, key.low, key.high, to.*key.field));
  return check_losses(network, to);
}

Status take_optimizer(const Json& json, OptimizerOptions& to) {
  constexpr double kBelowOne = 1.0 - 1e-9;
  DFA_TRY(take_word(json["rule"], "optimizer.rule", kRules, to.rule));
  DFA_TRY(take_word(json["decay"], "optimizer.decay", kDecays, to.decay));
  DFA_TRY(take_number(json["momentum"], "optimizer.momentum", 0, kBelowOne, to.momentum));
  DFA_TRY(take_number(json["beta1"], "optimizer.beta1", 0, kBelowOne, to.beta1));
  DFA_TRY(take_number(json["beta2"], "optimizer.beta2", 0, kBelowOne, to.beta2));
  DFA_TRY(take_number(json["epsilon"], "optimizer.epsilon", 1e-30, 1, to.epsilon));
  DFA_TRY(take_number(json["weight_decay"], "optimizer.weight_decay", 0, 10, to.weight_decay));
  DFA_TRY(take_number(json["clip_norm"], "optimizer.clip_norm", 0, 1e6, to.clip_norm));
  return take_number(json["sam_rho"], "optimizer.sam_rho", 0, 10, to.sam_rho);
}

Status take_data(const Json& json, DataOptions& to) {
  constexpr std::int64_t kMostSamples = std::int64_t{1} << 40, kMostWorkers = 256, kMostMib = std::int64_t{1} << 30;
  to.manifest = json["manifest"].get<std::string>();
  DFA_TRY(take_word(json["sampling"], "data.sampling", kSamplings, to.sampling));
  DFA_TRY(take_whole(json["samples_per_epoch"], "data.samples_per_epoch", 0, kMostSamples, to.samples_per_epoch));
  DFA_TRY(take_whole(json["workers"], "data.workers", 1, kMostWorkers, to.workers));
  return take_whole(json["cache_mib"], "data.cache_mib", 0, kMostMib, to.cache_mib);
}

Status take_schedule(const Json& json, RunConfig& to) {
  constexpr std::int64_t kMostEpochs = 100000;
  DFA_TRY(take_number(json["rate"], "schedule.rate", 0, 1000, to.rate));
  DFA_TRY(take_word(json["rate_unit"], "schedule.rate_unit", kRateUnits, to.rate_unit));
  DFA_TRY(take_whole(json["epochs"], "schedule.epochs", 1, kMostEpochs, to.schedule.epochs));
  DFA_TRY(take_number(json["warmup_epochs"], "schedule.warmup_epochs", 0, static_cast<double>(to.schedule.epochs),
                      to.schedule.warmup_epochs));
  DFA_TRY(take_number(json["floor"], "schedule.floor", 0, 1000, to.schedule.floor));
  to.schedule.peak = to.rate_unit == RateUnit::per_256 ? to.rate * to.batch / kPublishedBatch : to.rate;
  return {};
}

Status take_trained(const Json& json, Groups& to) {
  to.clear();
  for (const Json& name : json) {
    if (!name.is_string())
      return fail(ErrorCode::usage, "configuration: \"trained\" holds {}, expected names of parameter groups",
                  short_dump(name));
    DFA_ASSIGN_OR_RETURN(const ParameterGroup group, group_by_name(name.get<std::string>()));
    to.insert(group);
  }
  if (to.empty())
    return fail(ErrorCode::usage, "configuration: \"trained\" is empty, expected at least one parameter group");
  return {};
}

}  // namespace

std::string short_dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

Json run_config_to_json(const RunConfig& config) {
  Json trained = Json::array();
  for (const ParameterGroup group : config.trained) trained.push_back(group_name(group));
  Json json;
  json["name"] = config.name;
  json["out"] = config.out;
  json["seed"] = config.seed;
  json["network"] = Json::parse(network_config_json(config.network));
  json["pretrained"] = config.pretrained;
  json["trained"] = trained;
  json["crop"] = Json::parse(crop_recipe_json(config.crop));
  json["data"] = {{"manifest", config.data.manifest},
                  {"sampling", text_of(kSamplings, config.data.sampling)},
                  {"samples_per_epoch", config.data.samples_per_epoch},
                  {"workers", config.data.workers},
                  {"cache_mib", config.data.cache_mib}};
  json["augment"] = augment_json(config.augment);
  json["loss"] = loss_json(config.loss);
  json["optimizer"] = optimizer_json(config.optimizer);
  json["schedule"] = {{"rate", config.rate},
                      {"rate_unit", text_of(kRateUnits, config.rate_unit)},
                      {"epochs", config.schedule.epochs},
                      {"warmup_epochs", config.schedule.warmup_epochs},
                      {"floor", config.schedule.floor}};
  json["batch"] = config.batch;
  json["eval_batch"] = config.eval_batch;
  json["ema"] = config.ema;
  json["compute"] = text_of(kComputes, config.compute);
  json["attention"] = attention_name(config.attention);
  json["threads"] = config.threads;
  json["checkpoint_every"] = config.checkpoint_every;
  return json;
}

Result<RunConfig> run_config_from_json(const Json& json, const NetworkConfig& network) {
  constexpr int kMostBatch = 65536, kMostThreads = 4096;
  RunConfig config;
  config.name = json["name"].get<std::string>();
  config.out = json["out"].get<std::string>();
  if (config.out.empty()) return fail(ErrorCode::usage, "configuration: \"out\" is empty, expected the run folder");
  if (!json["seed"].is_number_unsigned())
    return fail(ErrorCode::usage, "configuration: \"seed\" is {}, expected a whole number from 0",
                short_dump(json["seed"]));
  config.seed = json["seed"].get<std::uint64_t>();
  config.network = network;
  config.pretrained = json["pretrained"].get<std::string>();
  DFA_TRY(take_trained(json["trained"], config.trained));
  DFA_ASSIGN_OR_RETURN(config.crop, parse_crop_recipe(json["crop"].dump()));
  DFA_TRY(take_data(json["data"], config.data));
  DFA_TRY(take_augment(json["augment"], config.augment));
  DFA_TRY(take_loss(json["loss"], network, config.loss));
  DFA_TRY(take_optimizer(json["optimizer"], config.optimizer));
  DFA_TRY(take_whole(json["batch"], "batch", 2, kMostBatch, config.batch));
  DFA_TRY(take_schedule(json["schedule"], config));
  DFA_TRY(take_whole(json["eval_batch"], "eval_batch", 1, kMostBatch, config.eval_batch));
  DFA_TRY(take_number(json["ema"], "ema", 0, 1, config.ema));
  DFA_TRY(take_word(json["compute"], "compute", kComputes, config.compute));
  DFA_ASSIGN_OR_RETURN(config.attention, attention_by_name(json["attention"].get<std::string>()));
  DFA_TRY(take_whole(json["threads"], "threads", 0, kMostThreads, config.threads));
  DFA_TRY(take_whole(json["checkpoint_every"], "checkpoint_every", 1, 1 << 20, config.checkpoint_every));
  return config;
}

}  // namespace dfa::train
