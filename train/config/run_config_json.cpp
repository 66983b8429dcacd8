#include "train/config/run_config_json.hpp"

#include <algorithm>
#include <climits>
#include <utility>

#include "model/model.hpp"
#include "train/config/class_weights_json.hpp"

namespace dfa::train {
namespace {

constexpr double kPublishedBatch = 256;

// A word for each value of an enum, both ways.
template <class Enum>
struct Word {
  Enum value;
  const char* text;
};
constexpr Word<Sampling> kSamplings[] = {
    {Sampling::shuffle, "shuffle"}, {Sampling::balanced, "balanced"}, {Sampling::paired, "paired"}};
constexpr Word<Outside> kOutsides[] = {{Outside::mirror, "mirror"}, {Outside::black, "black"}};
constexpr Word<RateUnit> kRateUnits[] = {{RateUnit::absolute, "absolute"}, {RateUnit::per_256, "per_256"}};
constexpr Word<Rule> kRules[] = {{Rule::sgd, "sgd"}, {Rule::adamw, "adamw"}};
constexpr Word<Decay> kDecays[] = {{Decay::all, "all"}, {Decay::matrices_only, "matrices_only"}};
constexpr Word<HeadStatistics> kHeadStatistics[] = {{HeadStatistics::whole, "whole"}, {HeadStatistics::rank, "rank"}};
constexpr Word<Recompute> kRecomputes[] = {{Recompute::nothing, "nothing"}, {Recompute::stages, "stages"}};
constexpr Word<Compute> kComputes[] = {{Compute::f32, "f32"}, {Compute::bf16, "bf16"}, {Compute::f16, "fp16"}};
constexpr Word<RankBackend> kRankBackends[] = {
    {RankBackend::automatic, "auto"}, {RankBackend::gloo, "gloo"}, {RankBackend::nccl, "nccl"}};
constexpr Word<ScaleWhen> kScaleWhens[] = {{ScaleWhen::fp16, "fp16"}, {ScaleWhen::always, "always"}};

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

Json augment_json(AugmentSet set, const AugmentOptions& options) {
  const AffineChance& affine = options.affine;
  const ColourChance& colour = options.colour;
  return {{"set", augment_set_name(set)},
          {"crop", chance_json(options.crop)},
          {"flip", options.flip},
          {"affine",
           {{"p", affine.p},
            {"degrees", affine.degrees},
            {"shift", affine.shift},
            {"scale_low", affine.scale_low},
            {"scale_high", affine.scale_high},
            {"outside", text_of(kOutsides, affine.outside)}}},
          {"gain", chance_json(options.gain)},
          {"brightness", chance_json(options.brightness)},
          {"contrast", chance_json(options.contrast)},
          {"colour",
           {{"p", colour.p},
            {"light", colour.light},
            {"pca", colour.pca},
            {"hue", colour.hue},
            {"saturation", colour.saturation},
            {"value", colour.value}}},
          {"grey", options.grey},
          {"blur", chance_json(options.blur)},
          {"blur_side", options.blur_side},
          {"kernel_blur", chance_json(options.kernel_blur)},
          {"noise", chance_json(options.noise)},
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
    {"svd_orthogonality", &LossOptions::svd_orthogonality, 0, kMostWeight},
    {"svd_norm", &LossOptions::svd_norm, 0, kMostWeight},
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

Status take_affine(const Json& json, AffineChance& to) {
  to.p = json["p"].get<double>();
  to.degrees = json["degrees"].get<double>();
  to.shift = json["shift"].get<double>();
  to.scale_low = json["scale_low"].get<double>();
  to.scale_high = json["scale_high"].get<double>();
  return take_word(json["outside"], "augment.affine.outside", kOutsides, to.outside);
}

ColourChance colour_of(const Json& json) {
  return {json["p"].get<double>(),   json["light"].get<double>(),      json["pca"].get<double>(),
          json["hue"].get<double>(), json["saturation"].get<double>(), json["value"].get<double>()};
}

Status take_augment(const Json& json, AugmentSet& set, AugmentOptions& to) {
  DFA_ASSIGN_OR_RETURN(set, augment_set_by_name(json["set"].get<std::string>()));
  to.flip = json["flip"].get<double>();
  to.grey = json["grey"].get<double>();
  DFA_TRY(take_whole(json["blur_side"], "augment.blur_side", 0, INT_MAX, to.blur_side));
  DFA_TRY(take_affine(json["affine"], to.affine));
  to.colour = colour_of(json["colour"]);
  for (const auto& [key, chance] : {std::pair{"crop", &to.crop},
                                    {"gain", &to.gain},
                                    {"brightness", &to.brightness},
                                    {"contrast", &to.contrast},
                                    {"blur", &to.blur},
                                    {"kernel_blur", &to.kernel_blur},
                                    {"noise", &to.noise},
                                    {"jpeg", &to.jpeg},
                                    {"erase", &to.erase}})
    DFA_TRY(take_chance(json[key], *chance));
  return check_augment(to);
}

Status take_number(const Json& json, std::string_view key, double low, double high, double& to) {
  const double value = json.get<double>();
  if (!(value >= low && value <= high))
    return fail(ErrorCode::usage, "configuration: \"{}\" is {}, expected {} to {}", key, value, low, high);
  to = value;
  return {};
}

Status take_loss(const Json& json, const NetworkConfig& network, const Tuning& tuning, LossOptions& to) {
  for (const LossKey& key : kLossKeys)
    DFA_TRY(take_number(json[key.name], std::string("loss.") + key.name, key.low, key.high, to.*key.field));
  return check_losses(network, tuning, to);
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
  constexpr std::int64_t kMostSamples = std::int64_t{1} << 40, kMostWorkers = 256, kMostPrefetch = 64,
                         kMostMib = std::int64_t{1} << 30;
  to.manifest = json["manifest"].get<std::string>();
  for (const Json& method : json["methods"]) {
    if (!method.is_string())
      return fail(ErrorCode::usage, "configuration: \"data.methods\" holds {}, expected names of methods",
                  short_dump(method));
    to.methods.push_back(method.get<std::string>());
  }
  DFA_TRY(take_word(json["sampling"], "data.sampling", kSamplings, to.sampling));
  DFA_TRY(take_whole(json["samples_per_epoch"], "data.samples_per_epoch", 0, kMostSamples, to.samples_per_epoch));
  DFA_TRY(take_number(json["self_blend"], "data.self_blend", 0, 1, to.self_blend));
  DFA_ASSIGN_OR_RETURN(to.class_weights, class_weights_from_json(json["class_weights"]));
  if (to.class_weights.kind == ClassWeights::Kind::balanced && (to.sampling == Sampling::balanced || to.self_blend > 0))
    return fail(
        ErrorCode::usage,
        "configuration: \"data.class_weights\" is \"balanced\", which follows the crops of the manifest, and {} "
        "shows the classes in shares of its own\n  next step: \"none\", or a list of weights",
        to.self_blend > 0 ? "self_blend" : "balanced sampling");
  if (to.samples_per_epoch > 0 && to.sampling != Sampling::balanced && to.self_blend != 1)
    return fail(ErrorCode::usage,
                "configuration: \"data.samples_per_epoch\" is {}, expected 0: only balanced sampling and self_blend 1 "
                "can show another number of samples than there are",
                to.samples_per_epoch);
  DFA_TRY(take_whole(json["prefetch"], "data.prefetch", 1, kMostPrefetch, to.prefetch));
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

Status take_loss_scale(const Json& json, LossScaleOptions& to) {
  constexpr double kMostScale = 0x1p127;  // the last power of two of f32
  constexpr std::int64_t kMostSteps = std::int64_t{1} << 40;
  DFA_TRY(take_word(json["when"], "loss_scale.when", kScaleWhens, to.when));
  DFA_TRY(take_number(json["start"], "loss_scale.start", 1, kMostScale, to.start));
  return take_whole(json["growth_steps"], "loss_scale.growth_steps", 1, kMostSteps, to.growth_steps);
}

Status take_saving(const Json& json, RunConfig& to) {
  constexpr int kMostEpochs = 1 << 20, kMostSteps = 1 << 30;
  constexpr double kMostMinutes = 1e6;
  DFA_TRY(take_whole(json["checkpoint_every"], "checkpoint_every", 1, kMostEpochs, to.checkpoint_every));
  DFA_TRY(take_whole(json["checkpoint_steps"], "checkpoint_steps", 0, kMostSteps, to.checkpoint_steps));
  DFA_TRY(take_number(json["checkpoint_minutes"], "checkpoint_minutes", 0, kMostMinutes, to.checkpoint_minutes));
  DFA_TRY(take_whole(json["keep_every"], "keep_every", 0, kMostEpochs, to.keep_every));
  return take_whole(json["log_every"], "log_every", 0, kMostSteps, to.log_every);
}

constexpr Word<Role> kSelections[] = {{Role::val, "val"}, {Role::test, "test"}};

Status take_selection(const Json& json, RunConfig& to) {
  DFA_TRY(take_word(json, "select_on", kSelections, to.select_on));
  if (to.select_on == Role::val || to.recipe == Recipe::official) return {};
  return fail(ErrorCode::usage,
              "configuration: \"select_on\" is \"test\": a checkpoint that the test split chose has no honest number "
              "on it\n  next step: \"val\", or recipe \"official\", which does it as published and says so everywhere");
}

}  // namespace

std::string short_dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

Json run_config_to_json(const RunConfig& config) {
  Json json;
  json["recipe"] = recipe_name(config.recipe);
  json["name"] = config.name;
  json["out"] = config.out;
  json["seed"] = config.seed;
  json["network"] = Json::parse(network_config_json(config.network));
  json["pretrained"] = config.pretrained;
  json["tuning"] = tuning_word(config.tuning);
  json["crop"] = Json::parse(crop_recipe_json(config.crop));
  json["select_on"] = role_name(config.select_on);
  json["data"] = {{"manifest", config.data.manifest},
                  {"methods", config.data.methods},
                  {"sampling", text_of(kSamplings, config.data.sampling)},
                  {"samples_per_epoch", config.data.samples_per_epoch},
                  {"class_weights", class_weights_json(config.data.class_weights)},
                  {"self_blend", config.data.self_blend},
                  {"workers", config.data.workers},
                  {"prefetch", config.data.prefetch},
                  {"cache_mib", config.data.cache_mib}};
  json["augment"] = augment_json(config.augment_set, config.augment);
  json["loss"] = loss_json(config.loss);
  json["optimizer"] = optimizer_json(config.optimizer);
  json["schedule"] = {{"rate", config.rate},
                      {"rate_unit", text_of(kRateUnits, config.rate_unit)},
                      {"epochs", config.schedule.epochs},
                      {"warmup_epochs", config.schedule.warmup_epochs},
                      {"floor", config.schedule.floor}};
  json["batch"] = config.batch;
  json["accumulate"] = config.accumulate;
  json["head_statistics"] = text_of(kHeadStatistics, config.head_statistics);
  json["rank_timeout_s"] = config.rank_timeout_s;
  json["rank_backend"] = text_of(kRankBackends, config.rank_backend);
  json["eval_batch"] = config.eval_batch;
  json["ema"] = config.ema;
  json["device"] = device_word(config.device);
  json["compute"] = text_of(kComputes, config.compute);
  json["loss_scale"] = {{"when", text_of(kScaleWhens, config.loss_scale.when)},
                        {"start", config.loss_scale.start},
                        {"growth_steps", config.loss_scale.growth_steps}};
  json["attention"] = attention_name(config.attention);
  json["recompute"] = text_of(kRecomputes, config.recompute);
  json["threads"] = config.threads;
  json["checkpoint_every"] = config.checkpoint_every;
  json["checkpoint_steps"] = config.checkpoint_steps;
  json["checkpoint_minutes"] = config.checkpoint_minutes;
  json["keep_every"] = config.keep_every;
  json["log_every"] = config.log_every;
  return json;
}

Result<RunConfig> run_config_from_json(const Json& json, const NetworkConfig& network) {
  constexpr int kMostBatch = 65536, kMostThreads = 4096, kMostRankSeconds = 86400;
  RunConfig config;
  DFA_ASSIGN_OR_RETURN(config.recipe, recipe_by_name(json["recipe"].get<std::string>()));
  config.name = json["name"].get<std::string>();
  config.out = json["out"].get<std::string>();
  if (config.out.empty()) return fail(ErrorCode::usage, "configuration: \"out\" is empty, expected the run folder");
  if (!json["seed"].is_number_unsigned())
    return fail(ErrorCode::usage, "configuration: \"seed\" is {}, expected a whole number from 0",
                short_dump(json["seed"]));
  config.seed = json["seed"].get<std::uint64_t>();
  config.network = network;
  config.pretrained = json["pretrained"].get<std::string>();
  DFA_ASSIGN_OR_RETURN(config.tuning, parse_tuning(json["tuning"].get<std::string>()));
  DFA_ASSIGN_OR_RETURN(config.crop, parse_crop_recipe(json["crop"].dump()));
  DFA_TRY(take_selection(json["select_on"], config));
  DFA_TRY(take_data(json["data"], config.data));
  DFA_TRY(take_augment(json["augment"], config.augment_set, config.augment));
  DFA_TRY(take_loss(json["loss"], network, config.tuning, config.loss));
  DFA_TRY(take_optimizer(json["optimizer"], config.optimizer));
  DFA_TRY(take_whole(json["batch"], "batch", 2, kMostBatch, config.batch));
  DFA_TRY(take_whole(json["accumulate"], "accumulate", 1, kMostBatch, config.accumulate));
  DFA_TRY(take_word(json["head_statistics"], "head_statistics", kHeadStatistics, config.head_statistics));
  DFA_TRY(take_whole(json["rank_timeout_s"], "rank_timeout_s", 2, kMostRankSeconds, config.rank_timeout_s));
  DFA_TRY(take_word(json["rank_backend"], "rank_backend", kRankBackends, config.rank_backend));
  DFA_TRY(take_schedule(json["schedule"], config));
  DFA_TRY(take_whole(json["eval_batch"], "eval_batch", 1, kMostBatch, config.eval_batch));
  DFA_TRY(take_number(json["ema"], "ema", 0, 1, config.ema));
  DFA_ASSIGN_OR_RETURN(config.device, device_by_word(json["device"].get<std::string>()));
  DFA_TRY(take_word(json["compute"], "compute", kComputes, config.compute));
  DFA_TRY(take_loss_scale(json["loss_scale"], config.loss_scale));
  DFA_ASSIGN_OR_RETURN(config.attention, attention_by_name(json["attention"].get<std::string>()));
  DFA_TRY(take_word(json["recompute"], "recompute", kRecomputes, config.recompute));
  DFA_TRY(take_whole(json["threads"], "threads", 0, kMostThreads, config.threads));
  DFA_TRY(take_saving(json, config));
  return config;
}

}  // namespace dfa::train
