#include "cli/commands/perturb_job.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "media/read_picture.hpp"
#include "media/video_reader.hpp"
#include "media/video_writer.hpp"
#include "media/write_picture.hpp"
#include "perturb/perturb.hpp"

namespace dfa::cli {
namespace {

namespace fs = std::filesystem;

// For videos whose perturbation is no codec: what the file adds shall not count beside it.
constexpr int kNearLosslessCrf = 10;
constexpr int kMostLevels = 100;

std::string stem_of(const std::string& path) {
  return fs::path(path).stem().string();
}

fs::path output_path(const fs::path& folder, const std::string& input, const Perturbation& perturbation,
                     MediaKind kind) {
  return folder / fmt::format("{}_{}_{}.{}", stem_of(input), perturbation.code, perturbation.level,
                              kind == MediaKind::video ? "mp4" : "png");
}

PerturbItem plan_item(const Input& input, const std::vector<Perturbation>& perturbations, const fs::path& folder) {
  PerturbItem item;
  item.input = input.path;
  item.problem = input.problem;
  if (item.problem) return item;
  const Result<MediaKind> kind = sniff(input.path);
  if (!kind) {
    item.problem = kind.error();
    return item;
  }
  item.kind = *kind;
  for (const Perturbation& perturbation : perturbations)
    item.outputs.push_back({perturbation, output_path(folder, input.path, perturbation, *kind)});
  return item;
}

std::string canonical(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal().string() : whole.string();
}

Status check_paths(const std::vector<PerturbItem>& items) {
  constexpr const char* kNextStep = "next step: rename one, or give it a run of its own with another --out";
  std::map<std::string, std::string> inputs, outputs;  // canonical path: the input as given
  for (const PerturbItem& item : items) inputs.emplace(canonical(item.input), item.input);
  for (const PerturbItem& item : items)
    for (const PerturbOutput& output : item.outputs) {
      const std::string path = canonical(output.path);
      if (const auto [other, fresh] = outputs.emplace(path, item.input); !fresh)
        return fail(ErrorCode::usage, "{} would be written twice, from {} and from {}\n  {}", output.path.string(),
                    other->second, item.input, kNextStep);
      if (const auto over = inputs.find(path); over != inputs.end())
        return fail(ErrorCode::usage, "{} would be written over the input of that name, from {}\n  {}", over->second,
                    item.input, kNextStep);
    }
  return {};
}

bool ends_the_run(const Error& error) {
  return error.code == ErrorCode::cancelled || error.code == ErrorCode::file_unwritable ||
         error.code == ErrorCode::out_of_memory;
}

Status check_cancel(const CancelFlag& cancel) {
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  return {};
}

FrameRate rate_of(const VideoInfo& info) {
  constexpr int kMilli = 1000;
  if (info.frame_rate.is_known()) return info.frame_rate;
  if (info.duration_seconds <= 0) return {};
  const double rate = static_cast<double>(info.frames_counted) / info.duration_seconds;
  return {std::max(1, static_cast<int>(std::lround(kMilli * rate))), kMilli};
}

// One item while it is worked on.
class ItemJob {
 public:
  ItemJob(const PerturbItem& item, std::uint64_t seed, const PerturbReport& report, const CancelFlag& cancel)
      : item_(item), seed_(seed), report_(report), cancel_(cancel) {}

  Status run(std::vector<Error>& failures) {
    if (item_.kind == MediaKind::picture) {
      DFA_ASSIGN_OR_RETURN(picture_, read_picture(item_.input, MediaLimits{}));
    }
    for (const PerturbOutput& output : item_.outputs) {
      DFA_TRY(check_cancel(cancel_));
      const Status written = item_.kind == MediaKind::picture ? write_picture(output) : write_video(output);
      if (!written && ends_the_run(written.error())) return written;
      if (written)
        report_.on_written(output);
      else
        failures.push_back(Error{
            written.error().code,
            fmt::format("{} {}: {}", output.perturbation.code, output.perturbation.level, written.error().message)});
      ++done_;
      report_.on_progress(share(0));
    }
    return {};
  }

 private:
  double share(double of_this_output) const {
    return (static_cast<double>(done_) + of_this_output) / static_cast<double>(item_.outputs.size());
  }

  Status write_picture(const PerturbOutput& output) {
    const RngStream stream = perturb_stream(seed_, output.perturbation, stem_of(item_.input));
    DFA_ASSIGN_OR_RETURN(const Picture changed, perturb(picture_.view(), output.perturbation, stream));
    return write_picture_png(output.path, changed.view());
  }

  // Read anew for every output: memory does not grow with the length, and encoding takes longer than decoding.
  Status write_video(const PerturbOutput& output) {
    DFA_ASSIGN_OR_RETURN(const auto reader, VideoReader::open(item_.input, MediaLimits{}));
    DFA_TRY(reader->select({FrameSelection::Way::every, 0, 0}));
    const FrameRate rate = rate_of(reader->info());
    DFA_ASSIGN_OR_RETURN(const std::optional<VideoEncoding> codec, codec_of(output.perturbation, rate));
    VideoEncoding near_lossless;
    near_lossless.crf = kNearLosslessCrf;
    near_lossless.rate = rate;
    DFA_ASSIGN_OR_RETURN(const auto writer, VideoWriter::create(output.path, codec.value_or(near_lossless)));
    DFA_TRY(write_frames(*reader, *writer, output.perturbation));
    DFA_TRY(writer->finish());
    warn_once(*reader);
    return {};
  }

  Status write_frames(VideoReader& reader, VideoWriter& writer, const Perturbation& perturbation) {
    const RngStream stream = perturb_stream(seed_, perturbation, stem_of(item_.input));
    const double frames = static_cast<double>(std::max<std::int64_t>(1, reader.info().frames_counted));
    for (std::int64_t index = 0;; ++index) {
      DFA_TRY(check_cancel(cancel_));
      DFA_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader.next());
      if (!frame) return {};
      DFA_ASSIGN_OR_RETURN(const Picture changed,
                           perturb_before_codec(frame->picture.view(), perturbation, stream, index));
      DFA_TRY(writer.add(changed.view()));
      report_.on_progress(share(static_cast<double>(index + 1) / frames));
    }
  }

  // Equal for every output.
  void warn_once(const VideoReader& reader) {
    if (warned_) return;
    warned_ = true;
    if (!reader.info().cut.empty()) report_.on_warning(fmt::format("{}: {}", item_.input, reader.info().cut));
    if (const std::int64_t lost = reader.work().frames_failed; lost > 0)
      report_.on_warning(fmt::format("{}: {} frames could not be decoded and are left out", item_.input, lost));
  }

  const PerturbItem& item_;
  std::uint64_t seed_;
  const PerturbReport& report_;
  const CancelFlag& cancel_;
  Picture picture_;
  std::size_t done_ = 0;
  bool warned_ = false;
};

// One piece of --levels: "3" or "2-4".
Status add_levels(std::string_view piece, const std::string& text, std::vector<int>& levels) {
  int first = 0, last = 0;
  const char* const end = piece.data() + piece.size();
  auto [stop, error] = std::from_chars(piece.data(), end, first);
  last = first;
  if (error == std::errc() && stop != end && *stop == '-') {
    const auto second = std::from_chars(stop + 1, end, last);
    stop = second.ptr, error = second.ec;
  }
  if (error != std::errc() || stop != end || first < 1 || last < first || last > kMostLevels)
    return fail(ErrorCode::usage, "--levels \"{}\": \"{}\" is neither a level nor a range of levels; e.g. 1-3,5", text,
                piece);
  for (int level = first; level <= last; ++level)
    if (std::find(levels.begin(), levels.end(), level) == levels.end()) levels.push_back(level);
  return {};
}

}  // namespace

Result<std::vector<int>> parse_levels(const std::string& text) {
  std::vector<int> levels;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    DFA_TRY(add_levels(rest.substr(0, comma), text, levels));
    if (comma == std::string_view::npos) return levels;
    rest.remove_prefix(comma + 1);
  }
}

Result<std::vector<Perturbation>> chosen_perturbations(PerturbKind kind, const std::vector<std::string>& codes,
                                                       const std::vector<int>& levels) {
  std::vector<std::string> names;
  for (const std::string& code : codes)
    if (std::find(names.begin(), names.end(), code) == names.end()) names.push_back(code);
  if (names.empty())
    for (const CodeInfo* info : codes_of(kind)) names.push_back(info->code);
  std::vector<Perturbation> chosen;
  for (const std::string& code : names) {
    DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(kind, code));
    std::vector<int> wanted = levels;
    if (wanted.empty())
      for (std::size_t level = 1; level <= info->levels.size(); ++level) wanted.push_back(static_cast<int>(level));
    for (const int level : wanted) {
      chosen.push_back({kind, code, level});
      DFA_TRY(check_perturbation(chosen.back()));
    }
  }
  return chosen;
}

Result<std::vector<PerturbItem>> plan_outputs(const InputList& inputs, const std::vector<Perturbation>& perturbations,
                                              const std::filesystem::path& folder) {
  std::vector<PerturbItem> items;
  for (const Input& input : inputs.inputs) items.push_back(plan_item(input, perturbations, folder));
  DFA_TRY(check_paths(items));
  return items;
}

Status write_outputs(const PerturbItem& item, std::uint64_t seed, const PerturbReport& report, const CancelFlag& cancel,
                     std::vector<Error>& failures) {
  if (item.problem) {
    failures.push_back(*item.problem);
    return {};
  }
  Status done = ItemJob(item, seed, report, cancel).run(failures);
  if (done || ends_the_run(done.error())) return done;
  failures.push_back(std::move(done).error());
  return {};
}

}  // namespace dfa::cli
