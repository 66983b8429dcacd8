// What messengers do to what is sent: shrink, then encode hard. No messenger publishes its settings and they change
// from one version to the next, so chain and levels are ours: a scale of damage, not a model of a certain program.
#include <algorithm>
#include <cmath>

#include "media/write_picture.hpp"
#include "perturb/code_table.hpp"
#include "preprocess/crop.hpp"

namespace dfa {
namespace {

struct Sending {
  int longer_side;  // at most; smaller pictures are not enlarged
  int quality;      // of the JPEG, or the crf
};

CodeInfo info(std::string code, std::string name, std::string operation) {
  CodeInfo result;
  result.kind = PerturbKind::messenger;
  result.code = std::move(code);
  result.name = std::move(name);
  result.operation = std::move(operation);
  result.size = SizeEffect::changes;
  return result;
}

Result<Picture> shrink(const PictureView& picture, int longer_side) {
  const double share = std::min(1.0, static_cast<double>(longer_side) / std::max(picture.width, picture.height));
  const auto side = [share](int from) { return std::max(1, static_cast<int>(std::lround(share * from))); };
  return resize_antialiased(picture, side(picture.width), side(picture.height), "bilinear");
}

Result<Picture> send_photo(const PictureView& picture, const Sending& sending, RngStream&) {
  DFA_ASSIGN_OR_RETURN(const Picture small, shrink(picture, sending.longer_side));
  return reencode_picture(small.view(), LossyPicture::jpeg, sending.quality);
}

Code photo() {
  return picture_code(
      info("PHOTO", "sent as a photo", "longer side at most this (antialiased bilinear), then JPEG of this quality"),
      std::vector<Sending>{{1600, 80}, {1280, 70}, {1024, 60}, {800, 45}, {640, 30}},
      [](const Sending& s) { return fmt::format("{} px, quality {}", s.longer_side, s.quality); }, send_photo);
}

Code clip() {
  const std::vector<Sending> sendings = {{1280, 26}, {960, 28}, {848, 31}, {640, 34}, {480, 37}};
  Code code = picture_code(
      info("CLIP", "sent as a video",
           "longer side at most this (antialiased bilinear), then H.264 by x264, preset medium; a still picture is one "
           "frame"),
      sendings, [](const Sending& s) { return fmt::format("{} px, crf {}", s.longer_side, s.quality); },
      [](const PictureView& picture, const Sending& s, RngStream&) { return shrink(picture, s.longer_side); });
  code.info.reach = Reach::run;
  code.encoding = [sendings](int level) {
    VideoEncoding encoding;
    encoding.crf = sendings[static_cast<std::size_t>(level - 1)].quality;
    return encoding;
  };
  return code;
}

}  // namespace

std::vector<Code> messenger_codes() {
  return {photo(), clip()};
}

}  // namespace dfa
