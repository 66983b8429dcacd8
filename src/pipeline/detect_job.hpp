// The detect job: inputs -> decode -> detect -> score -> records in input order. Stages run at the same time, joined by
// bounded queues; memory does not grow with the length of a video or the size of a batch.
//
//   decode workers --frames--> detect workers --crops--> score workers
//         |                         |                         |
//         +--------- messages ------+-------------------------+------> collector (the caller's thread) -> on_item,
//         on_progress
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/trace.hpp"
#include "face/detector.hpp"
#include "nn/network.hpp"
#include "pipeline/inputs.hpp"
#include "pipeline/media_source.hpp"
#include "preprocess/crop_recipe.hpp"
#include "score/operating_point.hpp"
#include "score/outcome.hpp"
#include "score/result.hpp"

namespace dfa {

// Frames further apart are strangers: a face moves by more than is searched around it.
inline constexpr double kFollowSeconds = 0.125;

struct DetectOptions {
  IntakeOptions intake;
  FaceRules faces;
  // Faces kept per frame, largest first; what is left out is counted and named in the record. 0 = no limit.
  int max_faces = 8;
  // Detect workers, each with a detector of its own. 0 = one a processor.
  int detect_workers = 0;
  // Decode workers: an input is decoded by one of them. 0 = one for each four processors.
  int decode_workers = 0;
  // Of frames close together (kFollowSeconds) each search_every-th is searched wholly; in those behind it only the
  // places around its faces are (Detector::follow). 1 = every frame is searched.
  int search_every = 1;
  // Crops of one input that share a forward pass at most, towards its end fewer; those of different inputs never do.
  // Which ones meet follows from the input, this number and the number of networks, not from timing: the last bits of
  // a score may depend on it. So the same file gives the same numbers, every time, alone or in a folder.
  int max_batch = 8;
};

// What the job works with. Tests put stubs here.
struct DetectParts {
  OpenMedia open_media;
  // Called once for each detect worker, on the caller's thread, before any work.
  std::function<Result<std::unique_ptr<Detector>>()> make_detector;
  // Equal networks, one for each score worker, each used by one thread; must outlive the job. At least one; two
  // classes.
  std::vector<Network*> networks;
  // For each network the processors of its threads, to which they are bound; empty: not bound.
  std::vector<std::vector<int>> processors;
  CropRecipe recipe;
  ItemRule item_rule = ItemRule::persons;
  double temperature = 1;
  OperatingPoint operating_point;
  TraceSink* trace = nullptr;
};

struct Progress {
  std::size_t items_done = 0;
  std::size_t items_all = 0;
  double share = 0;  // of the whole job, 0 to 1; frames of unfinished items count
  double seconds = 0;
  double seconds_left = 0;  // by the pace so far; meaningless while share is 0
};

struct DetectCallbacks {
  // Each finished item, in input order. An error stops the job and becomes its result.
  std::function<Status(const ItemRecord&)> on_item;
  // After each piece of work; may be empty.
  std::function<void(const Progress&)> on_progress;
};

// Analyses every input; each gets its own record, whatever happens to it. Raising `cancel` stops between two frames:
// what was read completely is finished, the rest is counted as not_analysed. Callbacks run on the caller's thread.
// Errors: those of make_detector, of on_item, and model_incompatible for a network without two classes. Trouble with an
// input is no error of the job: it is in the input's record.
Result<SummaryRecord> run_detect(const InputList& inputs, const DetectOptions& options, const DetectParts& parts,
                                 const DetectCallbacks& callbacks, const CancelFlag& cancel);

}  // namespace dfa
