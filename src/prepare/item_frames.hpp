// The sampled frames of an item, whether it is a video, a picture or a folder of pictures; and the mask that belongs to
// a frame.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataset/source_list.hpp"
#include "media/frame_rate.hpp"
#include "media/limits.hpp"
#include "media/picture.hpp"

namespace dfa {

struct ItemFrame {
  Picture picture;
  std::size_t place = 0;              // among wanted()
  std::int64_t number = 0;            // within the item: presentation order, or the number in the picture's name
  std::optional<double> pts_seconds;  // videos only
};

// Which frames are read again, by numbers that a manifest holds.
struct FrameWish {
  enum class Between {
    skip,  // only these
    read   // every frame of the item: for who needs what lies around them
  };
  std::vector<std::int64_t> numbers;  // rising, each once
  Between between = Between::skip;
};

// One thread at a time. Memory: one frame.
class ItemFrames {
 public:
  // `count` even frames (data-and-protocols: the rule of even_frame_indices()), each once. Errors: those of opening the
  // file.
  static Result<std::unique_ptr<ItemFrames>> open(const SourceItem& item, const std::filesystem::path& root, int count,
                                                  const MediaLimits& limits);
  // Frames of an item that was prepared before: the same pixels as then, where the source is the same. A folder is read
  // by the numbers in its pictures' names; numbers that are not there are passed over. Errors: those of opening the
  // file.
  static Result<std::unique_ptr<ItemFrames>> open_again(const std::filesystem::path& path, const FrameWish& wish,
                                                        const MediaLimits& limits);
  virtual ~ItemFrames() = default;
  // Numbers of the frames that were asked for, rising.
  virtual const std::vector<std::int64_t>& wanted() const = 0;
  // The next one that decodes; nothing at the end. A frame that does not is passed over, never replaced by its
  // neighbour. An error ends the stream.
  virtual Result<std::optional<ItemFrame>> next() = 0;
  // What a reader of the result must know: a cut file, pictures that cannot be read; final after the last next().
  virtual std::vector<std::string> notes() const = 0;
  // For the rate control of video codecs; a default where there is no video.
  virtual FrameRate rate() const { return {}; }
  // Of each frame of a video; 0 where it is not known before the first one.
  virtual std::int64_t frame_pixels() const { return 0; }
};

// Bytes of the item's file, or of all its frames together; 0 where nothing is there.
std::uint64_t source_bytes(const SourceItem& item, const std::filesystem::path& root);

// The mask of a forgery: a video with the item's frame numbers, one picture for all frames, or a folder of pictures
// named by frame number.
class MaskFrames {
 public:
  // `wanted`: numbers that at() will be asked for, rising. Errors: those of opening the file.
  static Result<std::unique_ptr<MaskFrames>> open(const std::filesystem::path& path,
                                                  const std::vector<std::int64_t>& wanted, const MediaLimits& limits);
  virtual ~MaskFrames() = default;
  // The mask of that frame, in the mask's own size; nothing where it has none. Numbers must rise from call to call.
  // Errors: those of reading it.
  virtual Result<std::optional<Picture>> at(std::int64_t number) = 0;
};

}  // namespace dfa
