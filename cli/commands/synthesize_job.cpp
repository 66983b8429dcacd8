#include "cli/commands/synthesize_job.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/machine.hpp"
#include "base/parallel_for.hpp"
#include "cli/commands/synthesize_pairs.hpp"
#include "cli/commands/synthesize_video.hpp"
#include "media/read_picture.hpp"
#include "pipeline/inputs.hpp"

namespace dfa::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kKinds = {SynthesisKind::self_blend, SynthesisKind::cross_blend, SynthesisKind::swap};

// Of 100 hash values each; what is left is test.
constexpr unsigned kTrainShare = 80, kValShare = 10, kCalibrationShare = 5, kAllShares = 100;

// Counts items that are done and tells the sink, one at a time.
class Counter {
 public:
  Counter(const SynthesisSinks& sinks, std::string_view what, std::size_t of) : sinks_(sinks), what_(what), of_(of) {}
  void one_more() {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (sinks_.progress) sinks_.progress(what_, done_, of_);
  }

 private:
  const SynthesisSinks& sinks_;
  const std::string_view what_;
  const std::size_t of_;
  std::mutex mutex_;
  std::size_t done_ = 0;
};

Status take_empty_folder(const std::filesystem::path& out) {
  std::error_code problem;
  std::filesystem::create_directories(out, problem);
  if (problem) return fail(ErrorCode::file_unwritable, "{}: {}", out.string(), problem.message());
  if (!std::filesystem::is_empty(out, problem) || problem)
    return fail(
        ErrorCode::usage,
        "{}: the folder is not empty\n  next step: name a new one, so that no pairs of another run are mixed in",
        out.string());
  return {};
}

Result<std::vector<SourceFile>> list_files(const SynthesisRequest& request, SynthesisReport& report) {
  const std::vector<std::string> paths = {request.folder};
  const InputList inputs = list_inputs(paths);
  if (inputs.folders == 0) return fail(ErrorCode::file_not_found, "{}: no folder that can be read", request.folder);
  std::vector<SourceFile> files;
  for (const Input& input : inputs.inputs) {
    SourceFile file;
    file.path = std::filesystem::path(input.path).lexically_relative(request.folder).generic_string();
    file.identity = request.identity == IdentityRule::folder
                        ? std::filesystem::path(file.path).parent_path().generic_string()
                        : file.path;
    if (input.problem) file.problem = input.problem->message;
    files.push_back(std::move(file));
  }
  report.skipped_files = static_cast<std::size_t>(inputs.skipped.hidden + inputs.skipped.links + inputs.skipped.other);
  return files;
}

// Kind, hash and role of a file; of a picture its face too. What cannot be read says so in `file.problem`.
Status look_at(const SynthesisRequest& request, FaceSeeker& seeker, SourceFile& file) {
  if (!file.problem.empty()) return {};
  const std::filesystem::path path = std::filesystem::path(request.folder) / file.path;
  const auto unreadable = [&file](const Error& error) {
    file.problem = error.message;
    return Status{};
  };
  const Result<MediaKind> kind = sniff(path);
  if (!kind) return unreadable(kind.error());
  file.kind = *kind;
  Result<std::string> sha256 = sha256_file(path);
  if (!sha256) return unreadable(sha256.error());
  file.sha256 = std::move(*sha256);
  file.role = request.role.value_or(role_by_hash(file.sha256));
  if (file.kind != MediaKind::picture) {
    file.use = SourceUse::not_wanted;
    return {};
  }
  const Result<Picture> picture = read_picture(path, request.limits);
  if (!picture) return unreadable(picture.error());
  DFA_ASSIGN_OR_RETURN(const FoundFace found, seeker.find(picture->view(), file.path));
  file.use = found.use, file.face = found.face, file.landmarks = found.landmarks;
  return {};
}

using Seekers = std::vector<std::unique_ptr<FaceSeeker>>;

Status look_at_all(const SynthesisRequest& request, const SynthesisSinks& sinks, const CancelFlag& cancel,
                   const Seekers& seekers, std::vector<SourceFile>& files) {
  Counter counter(sinks, "files looked at", files.size());
  std::vector<Status> states(files.size());
  parallel_for(files.size(), static_cast<int>(seekers.size()), cancel, [&](std::size_t worker, std::size_t i) {
    states[i] = look_at(request, *seekers[worker], files[i]);
    counter.one_more();
  });
  for (const Status& state : states) DFA_TRY(state);
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  return {};
}

void count_files(std::span<const SourceFile> files, const SynthesisSinks& sinks, SynthesisReport& report) {
  for (const SourceFile& file : files) {
    ++(file.kind == MediaKind::video ? report.videos : report.pictures)[file.use];
    if (!file.problem.empty() && sinks.log != nullptr)
      log_to(*sinks.log, LogLevel::warning, "{}: not used: {}", file.path, file.problem);
  }
}

// What a run collects in the order of its plans.
struct Results {
  std::vector<ManifestEntry> entries;
  std::string parameters;
};

void take(const Result<WrittenPair>& written, std::string_view what, const SynthesisSinks& sinks, Results& results,
          SynthesisReport& report) {
  if (!written) {
    ++report.pairs_failed[std::string(error_code_name(written.error().code))];
    if (sinks.log != nullptr) log_to(*sinks.log, LogLevel::warning, "{}: no pair: {}", what, written.error().message);
    return;
  }
  ++report.pairs_made;
  results.entries.insert(results.entries.end(), written->entries.begin(), written->entries.end());
  results.parameters += written->parameters;
}

// A full disk and a lack of memory end the run; anything else is the pair's own trouble.
bool ends_the_run(const Error& error) {
  return error.code == ErrorCode::file_unwritable || error.code == ErrorCode::out_of_memory;
}

Status make_picture_pairs(const SynthesisRequest& request, const SynthesisSinks& sinks, const CancelFlag& cancel,
                          int threads, std::span<const SourceFile> files, Results& results, SynthesisReport& report) {
  const PairPlans plans = plan_pairs(request, files);
  report.pairs_asked += plans.plans.size() + plans.without_partner;
  if (plans.without_partner > 0) report.pairs_failed["no_partner"] += plans.without_partner;
  Counter counter(sinks, "pairs", plans.plans.size());
  std::vector<Result<WrittenPair>> written(plans.plans.size(), WrittenPair{});
  parallel_for(plans.plans.size(), threads, cancel, [&](std::size_t, std::size_t i) {
    written[i] = make_pair(request, files, plans.plans[i]);
    counter.one_more();
  });
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (!written[i] && ends_the_run(written[i].error())) return tl::unexpected<Error>(written[i].error());
    take(written[i], files[plans.plans[i].target].path, sinks, results, report);
  }
  return {};
}

Status make_video_pairs(const SynthesisRequest& request, const SynthesisSinks& sinks, const CancelFlag& cancel,
                        const Seekers& seekers, std::span<const SourceFile> files, Results& results,
                        SynthesisReport& report) {
  std::vector<std::size_t> videos;
  for (std::size_t i = 0; i < files.size(); ++i)
    if (files[i].kind == MediaKind::video) videos.push_back(i);
  Counter counter(sinks, "videos", videos.size());
  std::vector<Result<SwappedVideo>> swapped(videos.size(), SwappedVideo{});
  parallel_for(videos.size(), static_cast<int>(seekers.size()), cancel, [&](std::size_t worker, std::size_t i) {
    swapped[i] = swap_video(request, files, videos[i], i, *seekers[worker], cancel);
    counter.one_more();
  });
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  for (std::size_t i = 0; i < videos.size(); ++i) {
    const std::string& path = files[videos[i]].path;
    --report.videos[SourceUse::not_wanted];
    if (!swapped[i]) {
      if (ends_the_run(swapped[i].error())) return tl::unexpected<Error>(swapped[i].error());
      ++report.videos[SourceUse::unreadable];
      if (sinks.log != nullptr)
        log_to(*sinks.log, LogLevel::warning, "{}: not used: {}", path, swapped[i].error().message);
      continue;
    }
    ++report.videos[swapped[i]->use];
    for (const auto& [use, count] : swapped[i]->frames) report.frames[use] += count;
    report.frames_swapped += swapped[i]->frames_swapped;
    report.frames_kept += swapped[i]->frames_kept;
    report.pairs_asked += swapped[i]->pairs.size();
    for (const Result<WrittenPair>& pair : swapped[i]->pairs) take(pair, path, sinks, results, report);
  }
  std::erase_if(report.videos, [](const auto& entry) { return entry.second == 0; });
  return {};
}

Status write_results(const SynthesisRequest& request, Results results, const SynthesisReport& report) {
  Manifest manifest;
  manifest.crop_name = request.recipe;
  manifest.stored_px = request.pair.side;
  if (request.pair.crop == FinalCrop::recipe) {
    CropRecipe recipe = request.pair.recipe;
    recipe.stored_px = request.pair.side;
    manifest.crop_sha256 = crop_recipe_hash(recipe);
  }
  manifest.entries = std::move(results.entries);
  DFA_TRY(write_file_atomically(request.out / "pairs.jsonl", results.parameters));
  DFA_TRY(write_file_atomically(request.out / "coverage.json", report_json(report)));
  // Last: a folder with a manifest is complete.
  return write_manifest(manifest, request.out / "manifest.jsonl");
}

Json counts_json(const std::map<SourceUse, std::size_t>& counts) {
  Json json = Json::object();
  for (const SourceUse use : kSourceUses)
    if (const auto entry = counts.find(use); entry != counts.end() && entry->second > 0)
      json[std::string(source_use_name(use))] = entry->second;
  return json;
}

}  // namespace

std::string_view synthesis_kind_name(SynthesisKind kind) {
  switch (kind) {
    case SynthesisKind::self_blend:
      return "self-blend";
    case SynthesisKind::cross_blend:
      return "cross-blend";
    case SynthesisKind::swap:
      return "swap";
  }
  return "unknown";
}

Result<SynthesisKind> synthesis_kind_by_name(std::string_view name) {
  for (const SynthesisKind kind : kKinds)
    if (synthesis_kind_name(kind) == name) return kind;
  return fail(ErrorCode::usage, "--kind {}: not known; known: self-blend, cross-blend, swap", name);
}

Role role_by_hash(std::string_view sha256) {
  unsigned value = 0;
  for (const char c : sha256.substr(0, 6))
    value = 16 * value + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  value %= kAllShares;
  if (value < kTrainShare) return Role::train;
  if (value < kTrainShare + kValShare) return Role::val;
  return value < kTrainShare + kValShare + kCalibrationShare ? Role::calibration : Role::test;
}

std::string report_json(const SynthesisReport& report) {
  const Json json = {
      {"schema", "dfa.synthesis/1"},
      {"pictures", counts_json(report.pictures)},
      {"videos", counts_json(report.videos)},
      {"video_frames", counts_json(report.frames)},
      {"whole_videos", {{"frames_swapped", report.frames_swapped}, {"frames_kept", report.frames_kept}}},
      {"skipped_files", report.skipped_files},
      {"pairs", {{"asked", report.pairs_asked}, {"made", report.pairs_made}, {"failed", report.pairs_failed}}}};
  return json.dump(1) + '\n';
}

Result<SynthesisReport> synthesize(const SynthesisRequest& request, const SynthesisSinks& sinks,
                                   const CancelFlag& cancel) {
  SynthesisReport report;
  DFA_TRY(check_pair_options(request.pair));
  std::optional<GivenLandmarks> given;
  if (!request.landmarks.empty()) {
    DFA_ASSIGN_OR_RETURN(given, read_landmarks(request.landmarks));
  }
  DFA_ASSIGN_OR_RETURN(std::vector<SourceFile> files, list_files(request, report));
  const int threads = request.threads > 0 ? request.threads : usable_processors();
  Seekers seekers(static_cast<std::size_t>(threads));
  for (auto& seeker : seekers) {
    DFA_ASSIGN_OR_RETURN(seeker, FaceSeeker::create(given ? &*given : nullptr, request.landmark_model));
  }
  DFA_TRY(take_empty_folder(request.out));
  DFA_TRY(look_at_all(request, sinks, cancel, seekers, files));
  count_files(files, sinks, report);
  Results results;
  DFA_TRY(make_picture_pairs(request, sinks, cancel, threads, files, results, report));
  if (request.kind == SynthesisKind::swap)
    DFA_TRY(make_video_pairs(request, sinks, cancel, seekers, files, results, report));
  DFA_TRY(write_results(request, std::move(results), report));
  return report;
}

}  // namespace dfa::cli
