#include "train/loop/checkpoint.hpp"

#include <nlohmann/json.hpp>

#include "tensorfile/safetensors.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 2;
constexpr std::string_view kNetwork = "network/", kLossHeads = "loss_heads/", kOptimizer = "optimizer/",
                           kAverage = "average/";

void put(const TensorMap& from, std::string_view prefix, TensorMap& to) {
  for (const auto& [name, tensor] : from) to[std::string(prefix) + name] = tensor;
}

TensorMap take(const TensorMap& from, std::string_view prefix) {
  TensorMap to;
  for (auto it = from.lower_bound(prefix); it != from.end() && it->first.starts_with(prefix); ++it)
    to[it->first.substr(prefix.size())] = it->second;
  return to;
}

constexpr const char *kWhole = "whole", *kWeights = "weights";

Json terms_json(const TermMeans& terms) {
  Json json = Json::object();
  for (const auto& [name, term] : terms) json[name] = {{"sum", term.sum}, {"steps", term.steps}};
  return json;
}

// null without one
Json scale_json(const std::optional<LossScaleState>& scale) {
  if (!scale) return nullptr;
  return {{"scale", scale->scale}, {"good_steps", scale->good_steps}};
}

std::optional<LossScaleState> scale_from_json(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return LossScaleState{json.at("scale").get<double>(), json.at("good_steps").get<std::int64_t>()};
}

Json state_json(const Checkpoint& checkpoint) {
  const RunPosition& at = checkpoint.position;
  return {{"epoch", at.epoch},
          {"step", at.step},
          {"loss_sum", at.loss_sum},
          {"terms", terms_json(at.terms)},
          {"norm_sum", at.norm_sum},
          {"skipped", at.skipped},
          {"seconds", at.seconds},
          {"best_auc", at.best_auc},
          {"best_epoch", at.best_epoch},
          {"history", at.history},
          {"logs",
           {{"steps_bytes", at.logs.steps_bytes},
            {"events_file", at.logs.events_file},
            {"events_bytes", at.logs.events_bytes}}},
          {"loss_scale", scale_json(checkpoint.loss_scale)},
          {"kind", checkpoint.kind == CheckpointKind::whole ? kWhole : kWeights},
          {"code_version", checkpoint.code_version},
          {"manifest_sha256", checkpoint.manifest_sha256},
          {"initial_sha256", checkpoint.initial_sha256},
          {"trunk_sha256", checkpoint.trunk_sha256}};
}

Status take_state(const std::string& text, Checkpoint& to) {
  const Json json = Json::parse(text, nullptr, false);
  try {
    RunPosition& at = to.position;
    json.at("epoch").get_to(at.epoch);
    json.at("step").get_to(at.step);
    json.at("loss_sum").get_to(at.loss_sum);
    for (const auto& [name, term] : json.at("terms").items())
      at.terms[name] = {term.at("sum").get<double>(), term.at("steps").get<std::int64_t>()};
    json.at("norm_sum").get_to(at.norm_sum);
    at.skipped = json.value("skipped", std::int64_t{0});  // runs of before loss scaling have neither
    to.loss_scale = scale_from_json(json.value("loss_scale", Json()));
    json.at("seconds").get_to(at.seconds);
    json.at("best_auc").get_to(at.best_auc);
    json.at("best_epoch").get_to(at.best_epoch);
    json.at("history").get_to(at.history);
    const Json& logs = json.at("logs");
    logs.at("steps_bytes").get_to(at.logs.steps_bytes);
    logs.at("events_file").get_to(at.logs.events_file);
    logs.at("events_bytes").get_to(at.logs.events_bytes);
    to.kind = json.at("kind") == kWhole ? CheckpointKind::whole : CheckpointKind::weights;
    json.at("code_version").get_to(to.code_version);
    json.at("manifest_sha256").get_to(to.manifest_sha256);
    json.at("initial_sha256").get_to(to.initial_sha256);
    json.at("trunk_sha256").get_to(to.trunk_sha256);
  } catch (const Json::exception& error) {
    return fail(ErrorCode::model_format, "dfa.run_state is damaged: {}", error.what());
  }
  return {};
}

}  // namespace

std::filesystem::path kept_checkpoint(const std::filesystem::path& folder, std::int64_t epoch) {
  return folder / fmt::format("epoch-{:04}.safetensors", epoch);
}

Status save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  TensorFile file;
  put(checkpoint.network, kNetwork, file.tensors);
  put(checkpoint.loss_heads, kLossHeads, file.tensors);
  put(checkpoint.optimizer, kOptimizer, file.tensors);
  put(checkpoint.average, kAverage, file.tensors);
  file.metadata["dfa.checkpoint"] = std::to_string(kFormat);
  file.metadata["dfa.run_config"] = run_config_json(checkpoint.config);
  file.metadata["dfa.run_state"] = state_json(checkpoint).dump(-1, ' ', false, Json::error_handler_t::replace);
  return write_safetensors(file, path);
}

Result<Checkpoint> read_checkpoint(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const TensorFile file, read_safetensors(path));
  const auto text = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (text("dfa.checkpoint") != std::to_string(kFormat))
    return fail(ErrorCode::model_incompatible,
                "{}: dfa.checkpoint is \"{}\", this build reads \"{}\"\n  likely cause: this is {}\n  next step: give "
                "the run folder or its {}",
                path.string(), text("dfa.checkpoint"), kFormat,
                file.metadata.contains("dfa.format") ? "a model file, no checkpoint" : "no checkpoint of dfa-train",
                kLastCheckpoint);
  Checkpoint checkpoint;
  auto config = parse_run_config(text("dfa.run_config"), path.string(), {});
  if (!config) return tl::unexpected<Error>(std::move(config).error());
  checkpoint.config = std::move(*config);
  if (const Status state = take_state(text("dfa.run_state"), checkpoint); !state)
    return fail_within(path.string(), state.error());
  checkpoint.network = take(file.tensors, kNetwork);
  checkpoint.loss_heads = take(file.tensors, kLossHeads);
  checkpoint.optimizer = take(file.tensors, kOptimizer);
  checkpoint.average = take(file.tensors, kAverage);
  return checkpoint;
}

}  // namespace dfa::train
