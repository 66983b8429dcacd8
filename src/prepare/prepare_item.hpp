// One item of a data set: frames -> faces -> the forged one's crops -> files. Internal to this room.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/source_list.hpp"
#include "face/crop_points.hpp"
#include "prepare/item_result.hpp"
#include "prepare/prepare_options.hpp"

namespace dfa {

struct ItemContext {
  const std::filesystem::path& root;  // of the data set
  const std::filesystem::path& out;
  const PrepareOptions& options;
  std::function<bool()> stopping;           // looked at between frames
  std::function<void(double)> on_progress;  // share of the item that is done
};

// What one worker works with.
struct ItemTools {
  std::unique_ptr<Detector> detector;
  std::unique_ptr<CropPointFinder> points;  // null: no 68 points are looked for
};

// Crops (and masks, and points) lie on the disk, synced, when this returns. Trouble with the item is in its result.
// Errors, which concern the whole job: file_unwritable, out_of_memory, cancelled.
Result<ItemResult> prepare_item(const SourceItem& item, const ItemContext& context, const ItemTools& tools);

}  // namespace dfa
