// `dfa bench --video FILE`: the whole detect job on one file, and where its time goes.
#pragma once

#include <iosfwd>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "score/result.hpp"

namespace dfa::cli {

struct BenchPlan;
struct CommandContext;

struct VideoBenchRequest {
  std::string file;
  int frames = 32;  // taken evenly, as `dfa detect --frames`
};

struct VideoFigures {
  double build_seconds = 0;           // from the model file to networks that can run
  std::vector<double> whole_seconds;  // one a timed run, from opening the file to its record
  // Seconds that the workers of a stage were busy, summed, median of the runs: open (look at the file, count its
  // packets), decode, detect, crop, score. Stages overlap: their sum may be more than the whole.
  std::map<std::string, double> stage_seconds;
  ItemRecord item;  // of the last run
  double peak_memory_mib = 0;
};

// Runs the job as `dfa detect` does, model and engine by context.options. Errors: those of setting up the job;
// cancelled; for a file without any result, its trouble as not_media.
Result<VideoFigures> time_video(const VideoBenchRequest& request, const BenchPlan& plan, const CommandContext& context);

nlohmann::json video_json(const VideoBenchRequest& request, const VideoFigures& figures);
void print_video(std::ostream& out, const VideoBenchRequest& request, const VideoFigures& figures);

}  // namespace dfa::cli
