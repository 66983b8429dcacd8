#include "cli/commands/detect_setup.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/machine.hpp"
#include "cli/options.hpp"
#include "nn/isa.hpp"
#include "pipeline/media_source.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

constexpr int kSharedBatch = 8;        // for a network of many threads; a larger batch gains nothing on a CPU
constexpr int kLonelyBatch = 4;        // for one of few, of which there are many: as fast as 8 in half the workspace
constexpr int kThreadsPerDecoder = 4;  // searching a frame takes several times as long as decoding it
constexpr int kMostInstances = 16;     // each has a workspace of its own, some 30 MB for a batch of ViT-B/16

std::string detector_name(const DetectRequest& request, const CropRecipe& recipe) {
  if (!request.detector.empty()) return request.detector;
  return recipe.detector == kAnyDetector ? std::string(kDefaultDetector) : recipe.detector;
}

Status check_kind(const Model& model) {
  if (model.kind == "detector") return {};
  return fail(
      ErrorCode::model_incompatible,
      "the model file is of kind \"{}\", detect needs a \"detector\"\n  next step: give another one with --model",
      model.kind);
}

// Fills run.crop and the recipe in use.
Status settle_crops(const DetectRequest& request, const Model& model, const Detector& detector, DetectSetup& setup) {
  setup.parts.recipe = recipe_in_use(model.crop, detector.name(), detector.weights_sha256());
  const std::string difference = crop_recipe_difference(model.crop, setup.parts.recipe);
  if (!difference.empty() && request.force_crop == ForceCrop::no)
    return fail(
        ErrorCode::recipe_mismatch,
        "this model was made for other crops than these would be ({})\n  likely cause: --detector is not the model's\n"
        "  next step: leave --detector out; --force-crop scores such crops all the same, and the record says so",
        difference);
  setup.run.crop = {setup.parts.recipe.name,
                    crop_recipe_hash(setup.parts.recipe),
                    std::string(detector.name()),
                    std::string(detector.weights_sha256()),
                    difference.empty() ? CropForced::no : CropForced::yes,
                    difference};
  return {};
}

int threads_of(const CommandContext& context) {
  return context.options.threads > 0 ? context.options.threads : usable_processors();
}

// Threads that share a face wait for each other after every step, and for the other stages' threads as well: instances
// of one thread each score more faces a second.
int instance_count(ScoreMode mode, int threads) {
  return mode == ScoreMode::latency ? 1 : std::min(threads, kMostInstances);
}

int largest_batch(ScoreMode mode) {
  return mode == ScoreMode::latency ? kSharedBatch : kLonelyBatch;
}

// The processors that this process may use, dealt out to the threads of the networks one after the other; again from
// the first where there are more threads.
std::vector<std::vector<int>> deal_processors(std::size_t networks, int threads_each) {
  const std::vector<int> usable = usable_processor_numbers();
  std::vector<std::vector<int>> dealt(networks);
  if (usable.empty()) return {};
  std::size_t next = 0;
  for (std::vector<int>& processors : dealt)
    for (int i = 0; i < threads_each; ++i) processors.push_back(usable[next++ % usable.size()]);
  return dealt;
}

Status build_networks(const Model& model, Precision precision, const DetectRequest& request,
                      const CommandContext& context, DetectSetup& setup) {
  const int threads = threads_of(context);
  const int instances = instance_count(request.mode, threads);
  const NetworkOptions options{.precision = precision,
                               .threads = threads / instances,
                               .max_batch = largest_batch(request.mode),
                               .trace = context.trace};
  DFA_ASSIGN_OR_RETURN(std::unique_ptr<Network> network, model_network(model, options));
  setup.networks.push_back(std::move(network));
  while (setup.networks.size() < static_cast<std::size_t>(instances)) {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<Network> instance, setup.networks.front()->make_instance());
    setup.networks.push_back(std::move(instance));
  }
  for (const auto& each : setup.networks) setup.parts.networks.push_back(each.get());
  if (request.pin == Pin::yes) setup.parts.processors = deal_processors(setup.networks.size(), options.threads);
  return {};
}

// Whether the frames that are asked for can be close together. Where they cannot, none waits for the next to be
// decoded.
bool may_follow(const FrameSelection& frames) {
  return frames.way == FrameSelection::Way::every ||
         (frames.way == FrameSelection::Way::rate && frames.fps * kFollowSeconds >= 1);
}

}  // namespace

DetectOptions job_options(const DetectRequest& request, const CommandContext& context) {
  const int threads = threads_of(context);
  DetectOptions options;
  options.intake = {request.limits, request.frames, {}};
  options.faces.min_side_px = request.min_face_px;
  options.max_faces = request.max_faces;
  options.search_every = may_follow(request.frames) ? request.search_every : 1;
  options.detect_workers = request.mode == ScoreMode::latency ? 1 : threads;
  options.decode_workers = (threads + kThreadsPerDecoder - 1) / kThreadsPerDecoder;
  // One long video alone must keep every processor busy too; small inputs never engage more than one.
  options.intake.video.runners = std::clamp(threads / options.decode_workers, 1, kThreadsPerDecoder);
  options.max_batch = largest_batch(request.mode);
  return options;
}

CropRecipe recipe_in_use(const CropRecipe& wanted, std::string_view detector, std::string_view detector_sha256) {
  CropRecipe recipe = wanted;
  if (wanted.detector == kAnyDetector) return recipe;
  recipe.detector = detector;
  if (!wanted.detector_sha256.empty()) recipe.detector_sha256 = detector_sha256;
  return recipe;
}

Result<DetectSetup> prepare_detect(const DetectRequest& request, const CommandContext& context) {
  DetectSetup setup;
  DFA_ASSIGN_OR_RETURN(Model model, load_selected_model(context.options));
  DFA_ASSIGN_OR_RETURN(const Precision precision, resolve_engine(context.options.engine, model));
  DFA_TRY(check_kind(model));
  DFA_ASSIGN_OR_RETURN(setup.parts.operating_point, choose_operating_point(request.operating_point, model.calibration));

  const std::string name = detector_name(request, model.crop);
  const int threads = threads_of(context);
  const int detector_threads = request.mode == ScoreMode::latency ? threads : 1;
  setup.parts.make_detector = [name, detector_threads, min_face_px = request.min_face_px, trace = context.trace] {
    return make_detector(name, {.threads = detector_threads, .min_face_px = min_face_px, .trace = trace});
  };
  DFA_ASSIGN_OR_RETURN(const std::unique_ptr<Detector> detector, setup.parts.make_detector());
  DFA_TRY(settle_crops(request, model, *detector, setup));

  setup.options = job_options(request, context);
  DFA_TRY(build_networks(model, precision, request, context, setup));
  setup.parts.temperature = model.calibration ? model.calibration->temperature : 1.0;
  setup.parts.open_media = open_media;
  setup.parts.trace = context.trace;
  setup.run.tool = {kVersion, kBuildId};
  setup.parts.item_rule = model.item_rule;
  setup.run.model = {model.name, model.sha256, model.card, model.item_rule, model.substituted};
  setup.run.engine = {std::string(precision_name(precision)), std::string(effective_isa()), threads};
  setup.run.operating_point = setup.parts.operating_point;
  return setup;
}

}  // namespace dfa::cli
