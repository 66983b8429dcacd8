// PNG through libpng: every colour type, 1 to 16 bits, interlaced. Alpha is left out, gamma and profiles are not
// applied.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <vector>

#include "media/exif.hpp"
#include "media/picture_codecs.hpp"

namespace dfa {
namespace {

struct ReadState {
  std::span<const std::byte> bytes;
  std::size_t position = 0;
  bool input_ended = false;
  char text[128] = {};
};

void on_error(png_structp png, png_const_charp message) {
  auto& state = *static_cast<ReadState*>(png_get_error_ptr(png));
  if (message != nullptr) std::strncpy(state.text, message, sizeof state.text - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, std::size_t count) {
  auto& state = *static_cast<ReadState*>(png_get_io_ptr(png));
  if (count > state.bytes.size() - state.position) {
    state.input_ended = true;
    png_error(png, "the file ends");
  }
  std::memcpy(to, state.bytes.data() + state.position, count);
  state.position += count;
}

// Owns the library's objects; as in jpeg.cpp, methods that can be jumped out of hold only plain values.
class Decompressor {
 public:
  explicit Decompressor(std::span<const std::byte> bytes) {
    state_.bytes = bytes;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~Decompressor() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  bool created() const { return info_ != nullptr; }

  [[nodiscard]] bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_user_limits(png_, kMaxSide, kMaxSide);
    png_set_read_fn(png_, &state_, on_read);
    png_read_info(png_, info_);
    return true;
  }

  // Requires: read_header(). Each of `rows` has room for 3 * width bytes.
  [[nodiscard]] bool read_pixels(png_bytep* rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_scale_16(png_);
    png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_gray_to_rgb(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != 3 * static_cast<std::size_t>(png_get_image_width(png_, info_)))
      png_error(png_, "unexpected row size");
    png_read_image(png_, rows);
    png_read_end(png_, info_);
    return true;
  }

  // Requires: read_pixels(); the note may stand behind them.
  Orientation orientation() const {
    png_bytep exif = nullptr;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(png_, info_, &size, &exif) == 0) return Orientation::upright;
    return exif_orientation({reinterpret_cast<const std::byte*>(exif), size});
  }

  std::int64_t width() const { return png_get_image_width(png_, info_); }
  std::int64_t height() const { return png_get_image_height(png_, info_); }
  const ReadState& state() const { return state_; }

 private:
  ReadState state_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

tl::unexpected<Error> failure_of(const ReadState& state) {
  if (state.input_ended)
    return fail(ErrorCode::media_truncated, "PNG is truncated: its {} bytes end before the IEND chunk",
                state.bytes.size());
  return fail(ErrorCode::media_corrupt, "PNG is damaged: {}", state.text);
}

}  // namespace

Result<Picture> decode_png(std::span<const std::byte> bytes, const MediaLimits& limits) {
  Decompressor png(bytes);
  if (!png.created()) return fail(ErrorCode::out_of_memory, "PNG: no memory for the decoder");
  if (!png.read_header()) return failure_of(png.state());
  DFA_TRY(check_sides(png.width(), png.height(), limits));

  Picture picture = black_picture(static_cast<int>(png.width()), static_cast<int>(png.height()));
  std::vector<png_bytep> rows(static_cast<std::size_t>(picture.height));
  for (std::size_t y = 0; y < rows.size(); ++y)
    rows[y] = picture.rgb.data() + y * 3 * static_cast<std::size_t>(picture.width);
  if (!png.read_pixels(rows.data())) return failure_of(png.state());
  return turned_upright(std::move(picture), png.orientation());
}

}  // namespace dfa
