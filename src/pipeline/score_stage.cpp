// Runs the network on batches of crops.
#include <span>
#include <utility>

#include "nn/pin_threads.hpp"
#include "pipeline/flow.hpp"

namespace dfa::flow {
namespace {

void tell_scores(Flow& flow, const CropBatch& batch, const Result<std::vector<float>>& logits, double seconds) {
  const std::size_t classes = logits ? logits->size() / batch.crops.size() : 0;
  for (std::size_t i = 0; i < batch.crops.size(); ++i) {
    CropScored scored;
    scored.item = batch.item->item;
    scored.place = batch.crops[i].place;
    scored.face = batch.crops[i].face;
    scored.seconds = seconds / static_cast<double>(batch.crops.size());
    if (logits)
      scored.p_fake = p_fake_from_logits(std::span(*logits).subspan(i * classes, classes), flow.parts.temperature);
    else if (logits.error().code != ErrorCode::cancelled)
      scored.error = logits.error();
    flow.tell(std::move(scored));
  }
}

// (N, 3, S, S), one behind the other.
std::vector<float> images_of(CropGroup& crops) {
  std::vector<float> images = std::move(crops.front().image);
  images.reserve(images.size() * crops.size());
  for (CropTensor& crop : std::span(crops).subspan(1)) {
    images.insert(images.end(), crop.image.begin(), crop.image.end());
    crop.image = {};
  }
  return images;
}

// Logits (N, classes).
Result<std::vector<float>> forward(Flow& flow, Network& network, CropBatch& batch) {
  const TraceSpan span(flow.parts.trace, "score", trace_item(flow, *batch.item, batch.crops.front().place));
  const std::vector<float> images = images_of(batch.crops);
  std::vector<float> logits(batch.crops.size() * static_cast<std::size_t>(network.config().classes));
  DFA_TRY(network.forward(images, static_cast<int>(batch.crops.size()), {.logits = logits, .feature = {}}));
  return logits;
}

}  // namespace

void run_score_worker(Flow& flow, Network& network, std::span<const int> processors) {
  // A wish: the numbers do not depend on where they are computed.
  (void)pin_engine_threads(processors);
  while (std::optional<CropBatch> batch = flow.crops.pop()) {
    const Stopwatch watch;
    // Nobody waits for the numbers of an abandoned item, but the collector counts its crops. Who abandoned it says why.
    Result<std::vector<float>> logits = fail(ErrorCode::cancelled, "given up");
    if (!batch->item->abandoned) logits = guarded([&] { return forward(flow, network, *batch); });
    if (!logits) batch->item->abandoned = true;
    tell_scores(flow, *batch, logits, watch.seconds());
  }
}

}  // namespace dfa::flow
