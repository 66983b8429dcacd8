// Codecs that pictures and videos really go through. The levels are ours: from what passes for good to what is plainly
// bad.
#include "media/write_picture.hpp"
#include "perturb/code_table.hpp"

namespace dfa {
namespace {

CodeInfo info(std::string code, std::string name, std::string operation) {
  CodeInfo result;
  result.kind = PerturbKind::recompress;
  result.code = std::move(code);
  result.name = std::move(name);
  result.operation = std::move(operation);
  return result;
}

Code picture_codec(CodeInfo described, LossyPicture codec) {
  return picture_code(
      std::move(described), std::vector<int>{95, 80, 60, 40, 20},
      [](int quality) { return fmt::format("quality {}", quality); },
      [codec](const PictureView& picture, int quality, RngStream&) {
        return reencode_picture(picture, codec, quality);
      });
}

}  // namespace

std::vector<Code> recompress_codes() {
  return {
      picture_codec(info("JPEG", "JPEG", "baseline JPEG of this quality, chroma at half size, and back"),
                    LossyPicture::jpeg),
      picture_codec(info("WEBP", "WebP", "lossy WebP of this quality, and back"), LossyPicture::webp),
      // 23 and 40 are the settings that FaceForensics++ calls c23 and c40.
      codec_code(info("H264", "H.264", "x264, preset medium, 4:2:0, and back; a still picture is one frame"),
                 VideoCodec::h264, {18, 23, 28, 34, 40}),
      codec_code(info("H265", "H.265", "x265, preset medium, 4:2:0, and back; a still picture is one frame"),
                 VideoCodec::h265, {20, 25, 30, 36, 42}),
  };
}

}  // namespace dfa
