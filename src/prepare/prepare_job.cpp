#include "prepare/prepare_job.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/machine.hpp"
#include "dataset/landmark_file.hpp"
#include "dataset/pack.hpp"
#include "media/read_picture.hpp"
#include "prepare/item_frames.hpp"
#include "prepare/job_record.hpp"
#include "prepare/journal.hpp"
#include "prepare/output_names.hpp"
#include "prepare/shared_crops.hpp"
#include "prepare/workers.hpp"

namespace dfa {
namespace {

using Results = std::map<std::string, ItemResult>;

Status check_unique(const SourceList& list) {
  std::set<std::string> folders;
  for (const SourceItem& item : list.items)
    if (!folders.insert(crop_folder(item.path)).second)
      return fail(ErrorCode::usage, "the data set lists {} twice", item.path);
  return {};
}

bool is_there(const std::filesystem::path& file, std::uint64_t bytes) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  return !error && size == bytes;
}

// Whether an earlier run's result still stands: the source is the same and no file of it is gone.
bool still_stands(const ItemResult& result, const SourceItem& item, const std::filesystem::path& root,
                  const std::filesystem::path& out) {
  if (result.outcome == ItemOutcome::unreadable || result.mask != item.mask ||
      result.source_bytes != source_bytes(item, root))
    return false;
  return std::all_of(result.crops.begin(), result.crops.end(), [&](const CropResult& crop) {
    return is_there(out / crop_file(item.path, crop.frame), crop.bytes) &&
           (crop.mask_bytes == 0 || is_there(out / mask_file(item.path, crop.frame), crop.mask_bytes)) &&
           (crop.landmark_bytes == 0 || is_there(out / landmark_file(item.path, crop.frame), crop.landmark_bytes));
  });
}

std::vector<std::size_t> items_to_do(const SourceList& list, const std::filesystem::path& out, const Journal& journal) {
  std::vector<std::size_t> todo;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const auto done = journal.done().find(list.items[i].path);
    if (done == journal.done().end() || !still_stands(done->second, list.items[i], list.root, out)) todo.push_back(i);
  }
  return todo;
}

// What a killed run left half-written beside its target.
void clear_temporaries(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().filename().string().find(".tmp-") != std::string::npos) files.push_back(at->path());
  for (const std::filesystem::path& file : files) std::filesystem::remove(file, error);
}

ManifestEntry entry_of(const SourceItem& item, const CropResult& crop, const PrepareOptions& options) {
  ManifestEntry entry;
  entry.path = crop_file(item.path, crop.frame);
  entry.label = item.label;
  entry.role = item.role.value_or(options.default_role);
  entry.set = item.set;
  entry.method = item.method;
  entry.identity = joined_identities(item);
  entry.source = item.source;
  entry.video = item.kind == SourceKind::picture ? std::string() : item.path;
  if (item.kind != SourceKind::picture) entry.frame = crop.frame;
  entry.pts_seconds = crop.pts_seconds;
  entry.box_px = crop.box_px;
  entry.landmarks_px = crop.landmarks_px;
  if (crop.mask_bytes > 0) entry.mask = mask_file(item.path, crop.frame);
  if (crop.landmark_bytes > 0) entry.landmarks68 = landmark_file(item.path, crop.frame);
  entry.crop_sha256 = crop.sha256;
  return entry;
}

Manifest make_manifest(const SourceList& list, const std::vector<const ItemResult*>& results,
                       const PrepareOptions& options) {
  Manifest manifest;
  manifest.crop_name = options.recipe.name;
  manifest.stored_px = options.recipe.stored_px;
  manifest.crop_sha256 = crop_recipe_hash(options.recipe);
  for (std::size_t i = 0; i < results.size(); ++i)
    for (const CropResult& crop : results[i]->crops) manifest.entries.push_back(entry_of(list.items[i], crop, options));
  return manifest;
}

Status write_manifest_of(const Manifest& manifest, const std::filesystem::path& out) {
  Status written = write_manifest(manifest, out / kManifestName);
  if (written || written.error().code != ErrorCode::manifest_invalid) return written;
  return fail(ErrorCode::manifest_invalid, "{}\n  next step: `dfa doctor` finds what belongs together",
              written.error().message);
}

Status write_pack_of(const Manifest& manifest, const std::filesystem::path& out, const PrepareOptions& options,
                     const CancelFlag& cancel) {
  if (options.pack == PackUse::none) return {};
  PackPictures pictures;
  pictures.crop = [&](std::size_t i) { return read_picture(out / manifest.entries[i].path, options.limits); };
  pictures.mask = [&](std::size_t i) { return read_picture(out / manifest.entries[i].mask, options.limits); };
  pictures.landmarks68 = [&](std::size_t i) { return read_landmark_file(out / manifest.entries[i].landmarks68); };
  return write_pack(manifest, pictures, out / kPackName, cancel);
}

Result<ItemTools> make_tools(const PrepareParts& parts) {
  ItemTools tools;
  DFA_ASSIGN_OR_RETURN(tools.detector, parts.make_detector());
  if (parts.make_points) {
    DFA_ASSIGN_OR_RETURN(tools.points, parts.make_points());
  }
  return tools;
}

// The one detector says whether the recipe can be followed before anything is written.
Status check_detector(const Detector& detector, const CropRecipe& recipe) {
  if (detector.name() == recipe.detector) return {};
  return fail(ErrorCode::recipe_mismatch, "detector {}, crop recipe {} is made with {}", detector.name(), recipe.name,
              recipe.detector);
}

// Everything that follows from all results, in list order.
Result<PrepareReport> finish(const SourceList& list, const std::filesystem::path& out, const PrepareOptions& options,
                             Journal& journal, const CancelFlag& cancel) {
  std::vector<const ItemResult*> results;
  for (const SourceItem& item : list.items) results.push_back(&journal.done().at(item.path));
  PrepareReport report;
  report.coverage = count_coverage(list, results, options.default_role);
  report.coverage.recipe = options.recipe.name;
  report.coverage.recipe_sha256 = crop_recipe_hash(options.recipe);
  Manifest manifest = make_manifest(list, results, options);
  report.coverage.shared = leave_out_shared_crops(manifest);
  DFA_TRY(write_file_atomically(out / kCoverageJsonName, coverage_json(report.coverage)));
  DFA_TRY(write_file_atomically(out / kCoverageTextName, coverage_text(report.coverage)));
  report.crops = manifest.entries.size();
  DFA_TRY(write_manifest_of(manifest, out));
  DFA_TRY(write_pack_of(manifest, out, options, cancel));
  DFA_TRY(journal.rewrite(results));
  return report;
}

}  // namespace

Result<PrepareReport> run_prepare(const SourceList& list, const std::filesystem::path& out, const PrepareOptions& asked,
                                  const PrepareParts& parts, const std::function<void(const Progress&)>& on_progress,
                                  const CancelFlag& cancel) {
  PrepareOptions options = asked;
  options.recipe.frames = fmt::format("even:{}", options.frames);
  DFA_TRY(check_unique(list));
  std::vector<ItemTools> tools(1);
  DFA_ASSIGN_OR_RETURN(tools.front(), make_tools(parts));
  DFA_TRY(check_detector(*tools.front().detector, options.recipe));
  DFA_TRY(agree_on_job(out, job_record(list, options, tools.front())));
  DFA_ASSIGN_OR_RETURN(Journal journal, Journal::open(out / kStateFolder));
  clear_temporaries(out);
  clear_temporaries(out / kStateFolder);
  if (journal.lines_dropped() > 0)
    log_to(*parts.log, LogLevel::info, "{}: {} unfinished records are done again", out.string(),
           journal.lines_dropped());

  const std::vector<std::size_t> todo = items_to_do(list, out, journal);
  const int wanted = options.workers > 0 ? options.workers : usable_processors();
  const std::size_t workers = std::clamp<std::size_t>(todo.size(), 1, static_cast<std::size_t>(wanted));
  while (tools.size() < workers) {
    DFA_ASSIGN_OR_RETURN(ItemTools more, make_tools(parts));
    tools.push_back(std::move(more));
  }
  DFA_TRY(run_workers({list, todo, out, options, tools, on_progress, cancel}, journal));
  DFA_ASSIGN_OR_RETURN(PrepareReport report, finish(list, out, options, journal, cancel));
  report.items_kept = list.items.size() - todo.size();
  return report;
}

}  // namespace dfa
