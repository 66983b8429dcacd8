// PNG through libpng, in memory.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <new>

#include "media/picture_codecs.hpp"
#include "media/picture_encoding.hpp"
#include "media/write_picture.hpp"

namespace dfa {
namespace {

struct WriteState {
  std::vector<std::byte> bytes;
  bool out_of_memory = false;
  char text[128] = {};
};

void on_error(png_structp png, png_const_charp message) {
  auto& state = *static_cast<WriteState*>(png_get_error_ptr(png));
  if (message != nullptr) std::strncpy(state.text, message, sizeof state.text - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}
void on_flush(png_structp) {}

// False where there was no memory: an exception must not pass through libpng.
bool append(WriteState& state, const png_bytep data, std::size_t count) {
  try {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    state.bytes.insert(state.bytes.end(), bytes, bytes + count);
    return true;
  } catch (const std::bad_alloc&) {
    state.out_of_memory = true;
    return false;
  }
}

void on_write(png_structp png, png_bytep data, std::size_t count) {
  if (!append(*static_cast<WriteState*>(png_get_io_ptr(png)), data, count)) png_error(png, "no memory");
}

// Owns the library's objects; as in png.cpp, the method that can be jumped out of holds only plain values.
class Compressor {
 public:
  Compressor() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~Compressor() { png_destroy_write_struct(&png_, &info_); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  bool created() const { return info_ != nullptr; }

  [[nodiscard]] bool compress(const PictureView& picture) {
    constexpr int kBitDepth = 8;
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_user_limits(png_, kMaxSide, kMaxSide);
    png_set_write_fn(png_, &state_, on_write, on_flush);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(picture.width), static_cast<png_uint_32>(picture.height),
                 kBitDepth, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (int y = 0; y < picture.height; ++y) png_write_row(png_, picture.row(y));
    png_write_end(png_, info_);
    return true;
  }

  WriteState& state() { return state_; }

 private:
  WriteState state_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Result<std::vector<std::byte>> encode_png(const PictureView& picture) {
  DFA_TRY(check_encodable(picture, kMaxSide, "PNG"));
  Compressor png;
  if (!png.created()) return fail(ErrorCode::out_of_memory, "PNG: no memory for the encoder");
  if (png.compress(picture)) return std::move(png.state().bytes);
  return fail(png.state().out_of_memory ? ErrorCode::out_of_memory : ErrorCode::internal, "PNG of a {}x{} picture: {}",
              picture.width, picture.height, png.state().text);
}

}  // namespace dfa
