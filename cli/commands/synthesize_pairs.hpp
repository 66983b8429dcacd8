// One pair of `dfa synthesize`: made, written, and described by its lines of the manifest and of pairs.jsonl.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/commands/synthesize_job.hpp"

namespace dfa::cli {

// Two files, by their place in the list; `source` is empty for a picture blended with itself.
struct PairPlan {
  std::size_t number = 0;
  std::size_t target = 0;
  std::optional<std::size_t> source;
};

// The plans of the picture pairs, in order: targets in a seeded order, again from the start when it is used up; the
// source with the nearest landmarks among at most 100 drawn ones of the same role and another identity. A target
// without any is left out and counted in `without_partner`.
struct PairPlans {
  std::vector<PairPlan> plans;
  std::size_t without_partner = 0;
};
PairPlans plan_pairs(const SynthesisRequest& request, std::span<const SourceFile> files);

// The same choice of a source for one more target, e.g. the face of a video.
std::optional<std::size_t> choose_source(std::span<const SourceFile> files, const SourceFile& target,
                                         const Landmarks68& landmarks, RngStream stream);

// What a written pair adds to the result.
struct WrittenPair {
  std::array<ManifestEntry, 2> entries;  // real, fake
  std::string parameters;                // a line of JSON
};

// What the files of a pair are called, below real/, fake/ and masks/, and what the manifest says of the crops.
struct PairName {
  std::string stem;   // "000012", "v0003/000120"
  std::string video;  // stem of the video; empty for pictures
  std::optional<std::int64_t> frame;
  std::optional<double> pts_seconds;
};
// `draws` is a JSON text. Errors: file_unwritable, internal.
Result<WrittenPair> write_pair(const SynthesisRequest& request, const PairName& name, const FinishedPair& pair,
                               const SourceFile& target, const SourceFile* source, const std::string& draws);

// Reads the files, makes the pair and writes it. Errors: as reading pictures and synthesis.
Result<WrittenPair> make_pair(const SynthesisRequest& request, std::span<const SourceFile> files, const PairPlan& plan);

// A file of the folder with its face. Errors: as read_picture().
Result<FaceSource> load_source(const SynthesisRequest& request, const SourceFile& file);

}  // namespace dfa::cli
