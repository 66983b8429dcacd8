#include "media/frame_converter.hpp"

#include <cmath>
#include <cstring>

#include "media/picture_codecs.hpp"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

namespace dfa {
namespace {

constexpr double kMaxPixelAspect = 8.0;
constexpr int kRowAlignment = 64;

// FFmpeg passes on what stands in the file, also numbers that its enums do not have: reading those as an enum is
// undefined.
template <class Enum>
int number_of(const Enum& value) {
  static_assert(sizeof(Enum) == sizeof(int));
  int number;
  std::memcpy(&number, &value, sizeof number);
  return number;
}

// The "yuvj" formats say full range by their name.
bool is_full_range(const AVFrame& frame) {
  if (const int range = number_of(frame.color_range); range == AVCOL_RANGE_JPEG || range == AVCOL_RANGE_MPEG)
    return range == AVCOL_RANGE_JPEG;
  switch (frame.format) {
    case AV_PIX_FMT_YUVJ411P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ444P:
      return true;
    default:
      return false;
  }
}

bool is_rgb(int format) {
  const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  return description != nullptr && (description->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0;
}

// swscale's number for the matrix, or -1 for one that it does not know (YCgCo, ICtCp and their like, which are not sums
// of this kind).
int matrix_of(const AVFrame& frame) {
  if (is_rgb(frame.format)) return SWS_CS_DEFAULT;
  switch (number_of(frame.colorspace)) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
    case AVCOL_SPC_RGB:  // a YUV format tagged as RGB: the tag is a mistake
      return SWS_CS_ITU601;
    default:
      return -1;
  }
}

}  // namespace

Size square_pixel_size(Size stored, AVRational pixel_aspect) {
  if (pixel_aspect.num <= 0 || pixel_aspect.den <= 0) return stored;
  const double aspect = av_q2d(pixel_aspect);
  if (aspect > kMaxPixelAspect || aspect < 1 / kMaxPixelAspect) return stored;
  if (aspect >= 1) return {static_cast<int>(std::lround(stored.width * aspect)), stored.height};
  return {stored.width, static_cast<int>(std::lround(stored.height / aspect))};
}

Status FrameConverter::prepare(const AVFrame& frame, Size size) {
  const Look look{frame.width,          frame.height, frame.format, matrix_of(frame),
                  is_full_range(frame), size.width,   size.height};
  if (scaler_ != nullptr && look == look_) return {};
  scaler_.reset();
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const char* format_name = av_get_pix_fmt_name(format);
  if (sws_isSupportedInput(format) == 0)
    return fail(ErrorCode::media_unsupported, "pixel format {} is not converted to RGB",
                format_name ? format_name : "unknown");
  if (look.matrix < 0) {
    return fail(ErrorCode::media_unsupported, "colour matrix {} (ITU-T H.273) is not converted to RGB",
                number_of(frame.colorspace));
  }
  ScalerHandle scaler(sws_getContext(frame.width, frame.height, format, size.width, size.height, AV_PIX_FMT_RGB24,
                                     kScalerFlags, nullptr, nullptr, nullptr));
  if (scaler == nullptr)
    return fail(ErrorCode::media_unsupported, "frames of {} x {} in {} cannot be converted to RGB", frame.width,
                frame.height, format_name);
  const int* coefficients = sws_getCoefficients(look.matrix);
  constexpr int kFullRange = 1, kNoBrightness = 0, kUnit = 1 << 16;
  sws_setColorspaceDetails(scaler.get(), coefficients, look.full_range, coefficients, kFullRange, kNoBrightness, kUnit,
                           kUnit);

  FrameHandle rgb(av_frame_alloc());
  if (rgb == nullptr) return fail(ErrorCode::out_of_memory, "no memory for a frame");
  rgb->format = AV_PIX_FMT_RGB24;
  rgb->width = size.width;
  rgb->height = size.height;
  if (av_frame_get_buffer(rgb.get(), kRowAlignment) < 0) return fail(ErrorCode::out_of_memory, "no memory for a frame");
  scaler_ = std::move(scaler);
  rgb_ = std::move(rgb);
  look_ = look;
  return {};
}

Result<Picture> FrameConverter::convert(const AVFrame& frame, AVRational pixel_aspect, Orientation orientation,
                                        std::int64_t max_pixels) {
  const Size size = square_pixel_size({frame.width, frame.height}, pixel_aspect);
  MediaLimits limits;
  limits.max_pixels = max_pixels;
  DFA_TRY(check_sides(size.width, size.height, limits));
  DFA_TRY(prepare(frame, size));
  if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rgb_->data, rgb_->linesize) != size.height)
    return fail(ErrorCode::internal, "swscale refused a frame of {} x {}", frame.width, frame.height);
  return turned_upright(PictureView{size.width, size.height, rgb_->linesize[0], rgb_->data[0]}, orientation);
}

}  // namespace dfa
