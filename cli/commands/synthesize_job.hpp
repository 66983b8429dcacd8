// The work of `dfa synthesize`: files -> faces -> pairs -> a folder with a manifest. What is random is drawn from
// (seed, pair), so the result is the same whatever the number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/log.hpp"
#include "cli/commands/synthesize_faces.hpp"
#include "media/limits.hpp"
#include "synthesis/pair.hpp"

namespace dfa::cli {

enum class SynthesisKind { self_blend, cross_blend, swap };
std::string_view synthesis_kind_name(SynthesisKind kind);
// Errors: usage.
Result<SynthesisKind> synthesis_kind_by_name(std::string_view name);

enum class IdentityRule {
  file,   // every file shows another person
  folder  // files of one folder show one person
};

enum class VideoOutput {
  crops,  // pairs of sampled frames
  whole   // also the whole video, real and fake, through one encoder
};

struct SynthesisRequest {
  std::string folder;
  std::filesystem::path out;
  SynthesisKind kind = SynthesisKind::self_blend;
  std::size_t count = 0;  // pairs of pictures; 0: as many as there are usable pictures
  std::uint64_t seed = 1;
  PairOptions pair;
  std::string recipe = "sbi-train";  // name of the final crop, as it stands in the manifest
  std::optional<Role> role;          // of everything; nothing: by the hash of the (target) picture
  IdentityRule identity = IdentityRule::file;
  std::string landmarks;       // file with 68 points; empty: dlib
  std::string landmark_model;  // empty: the build's
  int frames = 32;             // of a video, evenly spaced
  VideoOutput videos = VideoOutput::crops;
  int threads = 0;
  MediaLimits limits;
};

struct SynthesisReport {
  std::map<SourceUse, std::size_t> pictures;
  std::map<SourceUse, std::size_t> videos;  // used: at least one frame was
  std::map<SourceUse, std::size_t> frames;  // of the videos, sampled
  std::size_t frames_swapped = 0;           // of whole videos
  std::size_t frames_kept = 0;              // of whole videos: no usable face, written as they were
  std::size_t skipped_files = 0;            // hidden, links, other kinds
  std::size_t pairs_asked = 0;
  std::size_t pairs_made = 0;
  std::map<std::string, std::size_t> pairs_failed;  // by the stable word of the error, or "no_partner"
};
std::string report_json(const SynthesisReport& report);

struct SynthesisSinks {
  LogSink* log = nullptr;
  // Called on any thread, one at a time.
  std::function<void(std::string_view what, std::size_t done, std::size_t of)> progress;
};

// The share of roles when they go by hash: 80 % train, 10 % val, 5 % calibration, 5 % test. A picture's copies under
// other names have its role.
Role role_by_hash(std::string_view sha256);

// Errors: usage (no such kind or recipe, a folder that is not empty), those of dlib's absence, file_unwritable,
// cancelled, out_of_memory. Single files that cannot be used are counted, never replaced by others.
Result<SynthesisReport> synthesize(const SynthesisRequest& request, const SynthesisSinks& sinks,
                                   const CancelFlag& cancel);

}  // namespace dfa::cli
