// What preparing one item of a data set came to: the unit of the journal, from which manifest and coverage are made.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "face/tracker.hpp"
#include "geometry/geometry.hpp"

namespace dfa {

enum class ItemOutcome {
  used,             // at least one crop
  no_face,          // read, but no face, or none under the mask
  too_small,        // the face is smaller than may be used
  low_probability,  // the detector is not sure enough
  unreadable
};
inline constexpr std::array kItemOutcomes = {ItemOutcome::used, ItemOutcome::no_face, ItemOutcome::too_small,
                                             ItemOutcome::low_probability, ItemOutcome::unreadable};
std::string_view item_outcome_name(ItemOutcome outcome);

// What became of the frames that were asked for. wanted = the sum of the others.
struct FrameCounts {
  std::int64_t wanted = 0;  // distinct ones
  std::int64_t used = 0;
  std::int64_t no_face = 0;
  std::int64_t other_face = 0;  // faces, but not the chosen one
  std::int64_t too_small = 0;
  std::int64_t low_probability = 0;
  std::int64_t not_cropped = 0;  // points that fit no face shape; recipe dfb: no face found again in the crop
  std::int64_t failed = 0;       // did not decode

  void add(const FrameCounts& other);
  bool operator==(const FrameCounts&) const = default;
};

struct CropResult {
  std::int64_t frame = 0;             // number within the item
  std::optional<double> pts_seconds;  // videos only
  Box box_px;
  std::array<Point, 5> landmarks_px;
  double probability = 0;
  std::string sha256;  // of the crop's file
  std::uint64_t bytes = 0;
  std::uint64_t mask_bytes = 0;      // of the mask's file; 0 = there is none
  std::uint64_t landmark_bytes = 0;  // of the file of 68 points; 0 = there is none
};

struct ItemResult {
  std::string path;                // as in the source list
  std::uint64_t source_bytes = 0;  // of the file, or of all frames: another size is another source
  std::string mask;                // as in the source list
  ItemOutcome outcome = ItemOutcome::unreadable;
  std::string reason;  // unless used
  TrackRule rule = TrackRule::largest;
  std::int64_t tracks = 0;  // that were taken as the chosen face
  FrameCounts frames;
  std::vector<std::string> notes;  // e.g. that the file is cut short
  std::vector<CropResult> crops;   // in the order of the frames
};

// One line of JSON without a newline; equal results give equal bytes.
std::string item_result_json(const ItemResult& result);
// Strict about types and counts. Errors: manifest_invalid.
Result<ItemResult> parse_item_result(std::string_view line);

}  // namespace dfa
