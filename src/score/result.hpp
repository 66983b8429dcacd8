// The result record `dfa.result/1`: what was asked, what was measured, and what was not. One set of types for the
// command line, the server, reports and Python; one serialiser (result_json.hpp). "Nothing measured" is never a number:
// it is an empty optional.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geometry/geometry.hpp"
#include "media/sniff.hpp"
#include "model/calibration.hpp"
#include "model/item_rule.hpp"

namespace dfa {

inline constexpr std::string_view kResultSchema = "dfa.result/1";
inline constexpr std::string_view kScoreSemantics = "p_fake is the probability of class fake; 1 = fake";

enum class Outcome {
  scored,        // at least one crop was scored
  no_face,       // read, but no face was found
  low_quality,   // faces, but none that may be scored: too small or too low_probability
  decode_error,  // could not be read
  abstained,     // readable and with a usable face, yet the program has no number it stands for
};
enum class Verdict { fake, real, inconclusive };
// Why a face was or was not scored.
enum class FaceFate { scored, too_small, low_probability, not_scored };

std::string_view media_kind_name(MediaKind kind);  // a picture is an "image" in records
std::string_view outcome_name(Outcome outcome);
std::string_view verdict_name(Verdict verdict);
std::string_view face_fate_name(FaceFate fate);

struct FaceQuality {
  double shorter_side_px = 0;  // of the box, in pixels of the original frame
  FaceFate fate = FaceFate::scored;
};

struct FaceRecord {
  std::int64_t frame = 0;  // in presentation order, from 0; a still picture is frame 0
  double pts_seconds = 0;
  Box box_px;  // in the original frame
  std::array<Point, 5> landmarks_px;
  double detector_score = 0;
  FaceQuality quality;
  std::optional<double> p_fake;  // of this crop, calibrated
};

// A stretch of a person's time line: consecutive scored crops.
struct IntervalRecord {
  double from_seconds = 0;  // time of the first crop
  double to_seconds = 0;    // time of the last crop
  double p_fake_mean = 0;
  double p_fake_max = 0;
};

struct PersonRecord {
  int id = 0;                             // from 1, by first appearance, then larger box first
  std::optional<double> p_fake;           // mean over the scored crops; empty when there is none
  std::vector<FaceRecord> faces;          // in time order
  std::vector<IntervalRecord> intervals;  // videos only
};

struct StageSeconds {
  double decode = 0;
  double detect = 0;
  double score = 0;
};

struct WorkRecord {
  std::int64_t frames_declared = 0;   // by the container's header, 0 = it does not say; 1 for a picture
  std::int64_t frames_counted = 0;    // packets that carry a shown frame
  std::int64_t frames_decoded = 0;    // frames that the decoder had to produce
  std::int64_t frames_searched = 0;   // distinct frames in which faces were looked for
  std::int64_t frames_failed = 0;     // wanted, but could not be decoded
  std::int64_t faces_found = 0;       // worth mentioning: probability at least 0.7
  std::int64_t faces_used = 0;        // scored
  std::int64_t faces_over_limit = 0;  // left out because a frame had more than --max-faces
  StageSeconds seconds;               // time spent on this item in each stage; stages overlap
};

// How much more probable the item's score is among fakes than among reals, by the model's calibration set.
enum class LikelihoodBound { none, lowest, highest };
struct LikelihoodRatio {
  double value = 1;  // > 1 speaks for a forgery, < 1 for a genuine item
  double log10 = 0;
  // The set is too small to support a ratio further from 1: the true one may lie beyond.
  LikelihoodBound bound = LikelihoodBound::none;
  std::string words;  // on a verbal scale
};

struct ItemRecord {
  std::string input;                  // the path as it was given or found; bytes of the file system
  std::optional<std::string> sha256;  // empty when the file could not be read
  MediaKind kind = MediaKind::unknown;
  Outcome outcome = Outcome::abstained;
  std::string reason;  // why not scored; for scored items what a reader must know besides, often empty
  std::optional<double> p_fake;
  std::optional<Verdict> verdict;
  std::optional<LikelihoodRatio> likelihood_ratio = {};  // of scored items, where the model's calibration has one
  std::vector<PersonRecord> persons;
  WorkRecord work;
};

struct ToolRecord {
  std::string version;
  std::string build;
};

struct ModelRecord {
  std::string name;
  std::string sha256;
  std::string card;
  ItemRule item_rule = ItemRule::persons;  // how crops become one number an item
  std::string substituted = {};            // what stands in for a part of the published program; empty: nothing
};

struct EngineRecord {
  std::string precision;
  std::string isa;  // what the processor offers, joined by spaces
  int threads = 0;
};

// The recipe by which faces became crops, and whether it was forced on the model.
enum class CropForced { no, yes };
struct CropRecord {
  std::string recipe;  // name
  std::string recipe_sha256;
  std::string detector;  // that found the faces
  std::string detector_sha256;
  CropForced forced = CropForced::no;
  std::string difference;  // from the model's recipe, in words; empty unless forced
};

struct OperatingPoint {
  std::string name;  // "fpr1", "fpr5", "custom", "not validated"
  std::optional<double> threshold;
  std::optional<double> expected_fpr;
  std::optional<double> expected_tpr;
  std::optional<std::string> calibrated_on;
  std::optional<ShareInterval> expected_fpr_interval = {};  // 95 %
  std::optional<ShareInterval> expected_tpr_interval = {};
  std::optional<AbstainBand> abstain = {};  // of a calibrated model's own points; a caller's threshold has none
  std::optional<Evidence> evidence = {};    // where items get a likelihood ratio; not part of the record
  std::vector<std::string> stamps = {};     // of the calibration: what makes its rates doubtful
  std::string why_no_threshold = {};        // a calibrated model without the default point: what its set lacked
};

// What holds for every item of a run.
struct RunRecord {
  ToolRecord tool;
  ModelRecord model;
  EngineRecord engine;
  CropRecord crop;
  OperatingPoint operating_point;
};

// Files of searched folders that are not inputs, by reason.
struct SkippedFiles {
  std::int64_t hidden = 0;
  std::int64_t links = 0;
  std::int64_t other = 0;  // no picture or video by name
};

struct SummaryRecord {
  // inputs = the five outcomes + not_analysed.
  std::int64_t inputs = 0;
  std::int64_t scored = 0;
  std::int64_t no_face = 0;
  std::int64_t low_quality = 0;
  std::int64_t decode_error = 0;
  std::int64_t abstained = 0;
  std::int64_t not_analysed = 0;  // left when the run was stopped
  std::int64_t fakes = 0;         // verdict fake
  SkippedFiles skipped;
  double seconds = 0;

  void count(const ItemRecord& item);
  std::int64_t analysed() const { return scored + no_face + low_quality + decode_error + abstained; }
};

}  // namespace dfa
