// JPEG through libjpeg-turbo: baseline, progressive, gray, YCbCr, RGB, CMYK and YCCK. Slow integer inverse DCT and
// smooth chroma upsampling, the library's defaults and those of OpenCV and Pillow.
#include <csetjmp>
#include <cstdio>

// In this order: jpeglib.h needs FILE and size_t, and decides what jerror.h declares.
#include <jpeglib.h>
// clang-format off
#include <jerror.h>
// clang-format on

#include <string>

#include "media/exif.hpp"
#include "media/picture_codecs.hpp"

namespace dfa {
namespace {

// A progressive file may hold any number of scans over the same pixels; honest ones hold about ten. The library's own
// fuzzers use the same bound against files that keep a decoder busy for minutes.
constexpr int kMaxScans = 500;
constexpr int kTooManyScans = -1;
constexpr unsigned kMaxMarkerBytes = 0xFFFF;

struct ErrorState {
  jpeg_error_mgr manager{};
  std::jmp_buf jump{};
  int fatal_code = 0;        // JERR_*, or kTooManyScans
  bool input_ended = false;  // the library ran out of bytes and went on with an invented end marker
  bool pixels_damaged = false;
  char text[JMSG_LENGTH_MAX] = {};
};

ErrorState& state_of(j_common_ptr info) {
  // `manager` is the first member of a standard-layout struct: both have one address.
  return *reinterpret_cast<ErrorState*>(info->err);
}

[[noreturn]] void on_fatal(j_common_ptr info) {
  ErrorState& state = state_of(info);
  if (state.fatal_code == 0) state.fatal_code = info->err->msg_code;
  if (state.text[0] == 0) info->err->format_message(info, state.text);
  std::longjmp(state.jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // traces
  ErrorState& state = state_of(info);
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
      state.input_ended = true;
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      state.pixels_damaged = true;
      info->err->format_message(info, state.text);
      break;
    default:
      break;  // oddities outside the pixels, e.g. bytes between markers
  }
}

void on_progress(j_common_ptr info) {
  if (!info->is_decompressor || reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  state_of(info).fatal_code = kTooManyScans;
  on_fatal(info);
}

// Owns the library's object. Every call that can jump is made by a method that holds only plain values, so that no
// destructor is jumped over.
class Decompressor {
 public:
  explicit Decompressor(std::span<const std::byte> bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&error_.manager);
    error_.manager.error_exit = on_fatal;
    error_.manager.emit_message = on_message;
    error_.manager.output_message = [](j_common_ptr) {};
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  [[nodiscard]] bool read_header() {
    if (setjmp(error_.jump)) return false;
    jpeg_create_decompress(&info_);
    progress_.progress_monitor = on_progress;
    info_.progress = &progress_;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_save_markers(&info_, JPEG_APP0 + 1, kMaxMarkerBytes);
    jpeg_read_header(&info_, TRUE);
    const bool ink = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = ink ? JCS_CMYK : JCS_RGB;
    return true;
  }

  // Requires: read_header(). `pixels` has room for height * width * components() bytes.
  [[nodiscard]] bool read_pixels(std::uint8_t* pixels) {
    if (setjmp(error_.jump)) return false;
    jpeg_start_decompress(&info_);
    const std::size_t row_bytes = static_cast<std::size_t>(info_.output_width) * info_.output_components;
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + row_bytes * info_.output_scanline;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  std::int64_t width() const { return info_.image_width; }
  std::int64_t height() const { return info_.image_height; }
  bool is_ink() const { return info_.out_color_space == JCS_CMYK; }
  // Adobe's programs store the complement of the ink, and say so by their marker.
  bool stores_complement() const { return info_.saw_Adobe_marker; }
  const ErrorState& error() const { return error_; }

  // Requires: read_header(), and not yet read_pixels(), which ends by forgetting the markers.
  Orientation orientation() const {
    for (auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::span data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
      if (data.size() > 6 && std::to_integer<char>(data[0]) == 'E' && std::to_integer<char>(data[1]) == 'x')
        return exif_orientation(data);
    }
    return Orientation::upright;
  }

 private:
  std::span<const std::byte> bytes_;
  ErrorState error_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

tl::unexpected<Error> failure_of(const ErrorState& error, std::size_t size) {
  if (error.input_ended)
    return fail(ErrorCode::media_truncated, "JPEG is truncated: its {} bytes end before the end-of-image marker", size);
  if (error.fatal_code == kTooManyScans)
    return fail(ErrorCode::media_corrupt, "JPEG has more than {} scans, expected about ten", kMaxScans);
  switch (error.fatal_code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_CCIR601_NOTIMPL:
      return fail(ErrorCode::media_unsupported,
                  "JPEG of a kind that is not decoded: {}; save it as baseline JPEG or PNG", error.text);
    case JERR_OUT_OF_MEMORY:
      return fail(ErrorCode::out_of_memory, "JPEG: {}", error.text);
    default:
      return fail(ErrorCode::media_corrupt, "JPEG is damaged: {}", error.text);
  }
}

void ink_to_light(const std::vector<std::uint8_t>& cmyk, bool complement, Picture& picture) {
  const unsigned flip = complement ? 255 : 0;
  for (std::size_t i = 0, pixels = picture.rgb.size() / 3; i < pixels; ++i) {
    const std::uint8_t* in = cmyk.data() + 4 * i;
    const unsigned black = in[3] ^ flip;
    for (std::size_t c = 0; c < 3; ++c) picture.rgb[3 * i + c] = light_of_ink(in[c] ^ flip, black);
  }
}

}  // namespace

Result<Picture> decode_jpeg(std::span<const std::byte> bytes, const MediaLimits& limits) {
  Decompressor jpeg(bytes);
  if (!jpeg.read_header()) return failure_of(jpeg.error(), bytes.size());
  DFA_TRY(check_sides(jpeg.width(), jpeg.height(), limits));
  const Orientation orientation = jpeg.orientation();

  Picture picture = black_picture(static_cast<int>(jpeg.width()), static_cast<int>(jpeg.height()));
  std::vector<std::uint8_t> cmyk(jpeg.is_ink() ? picture.rgb.size() / 3 * 4 : 0);
  const bool decoded = jpeg.read_pixels(jpeg.is_ink() ? cmyk.data() : picture.rgb.data());
  if (!decoded || jpeg.error().input_ended || jpeg.error().pixels_damaged)
    return failure_of(jpeg.error(), bytes.size());
  if (jpeg.is_ink()) ink_to_light(cmyk, jpeg.stores_complement(), picture);
  return turned_upright(std::move(picture), orientation);
}

}  // namespace dfa
