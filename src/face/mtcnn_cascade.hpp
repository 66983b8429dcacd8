// The cascade of MTCNN: windows from P-Net, sorted out by R-Net, measured by O-Net.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "base/trace.hpp"
#include "face/mtcnn_windows.hpp"
#include "nn/mtcnn/networks.hpp"

namespace dfa {

// Counts of the last picture, stage by stage.
struct CascadeCounts {
  long cells = 0;            // P-Net's places at or above its threshold, all sizes
  long after_each_size = 0;  // left by the suppression within each size
  long after_all_sizes = 0;  // left by that over all sizes: windows before R-Net
  long refined = 0;          // passed R-Net's threshold
  long after_refining = 0;   // left by the suppression: windows before O-Net
  long located = 0;          // passed O-Net's threshold
  long faces = 0;
};

// Windows between the stages, for tests and traces.
struct CascadeStages {
  std::vector<FloatWindow> kept;           // P-Net's, before correction
  std::vector<FloatWindow> first_square;   // corrected and squared: R-Net's input
  std::vector<FloatWindow> second_square;  // O-Net's input
};

// A face in pixels of the picture with its border; points are pixels, five x and five y.
using CascadeFace = FloatWindow;

// Not thread-safe. Keeps its buffers: after the largest picture nothing grows.
class MtcnnCascade {
 public:
  static Result<MtcnnCascade> create(int threads, TraceSink* trace);

  // Faces by falling score. Finds none in pictures too small for a window of min_face_px.
  const std::vector<CascadeFace>& run(const mtcnn::PictureSource& picture, int min_face_px);
  // The same for faces near those in `before` alone, of about their sizes: such a face comes out as run() finds it, as
  // long as nothing further off had a part in it.
  const std::vector<CascadeFace>& run_near(const mtcnn::PictureSource& picture, int min_face_px,
                                           std::span<const CascadeFace> before);

  const CascadeCounts& counts() const { return counts_; }
  const CascadeStages& stages() const { return stages_; }
  const std::vector<PyramidLevel>& pyramid() const { return pyramid_; }
  const std::vector<std::vector<mtcnn::Proposal>>& proposals() const { return proposals_; }

 private:
  MtcnnCascade(std::unique_ptr<mtcnn::Networks> networks, TraceSink* trace)
      : networks_(std::move(networks)), trace_(trace) {}

  using Score = void (mtcnn::Networks::*)(const mtcnn::PictureSource&, std::span<const mtcnn::Region>,
                                          std::span<mtcnn::WindowScore>);
  void plan_sizes(const mtcnn::PictureSource& picture, int min_face_px);
  // From proposals_ to faces.
  const std::vector<CascadeFace>& sort_out(const mtcnn::PictureSource& picture);
  // windows_ from proposals_.
  void place_windows();
  // Replaces scores, corrections and points of windows_ and drops those at or below `threshold`.
  void score_windows(const mtcnn::PictureSource& picture, Score score, float threshold, const char* net);
  void suppress_windows(Overlap overlap, double limit, const char* net);
  void trace_dropped(const char* net, const FloatWindow& window, const char* reason) const;

  std::unique_ptr<mtcnn::Networks> networks_;
  TraceSink* trace_;
  CascadeCounts counts_;
  CascadeStages stages_;
  std::vector<PyramidLevel> pyramid_;
  std::vector<mtcnn::ScaledSize> sizes_;
  std::vector<mtcnn::MapPart> parts_;
  std::vector<std::vector<mtcnn::Proposal>> proposals_;  // one list a size
  std::vector<FloatWindow> windows_, level_windows_;
  std::vector<mtcnn::Region> regions_;
  std::vector<mtcnn::WindowScore> scores_;
  SuppressScratch scratch_;
};

}  // namespace dfa
