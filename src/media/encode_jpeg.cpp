// JPEG through libjpeg-turbo, in memory.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include <span>

#include "media/picture_encoding.hpp"
#include "media/write_picture.hpp"

namespace dfa {
namespace {

constexpr int kBestQuality = 100;

// libjpeg reports errors through a callback that must not return: it jumps back to where the codec was called.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void on_error(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  (*info->err->format_message)(info, manager->message);
  std::longjmp(manager->escape, 1);
}

// Owns the library's objects. As in jpeg.cpp, the method that can be jumped out of holds only plain values.
class Compressor {
 public:
  Compressor() {
    codec_.err = jpeg_std_error(&error_.base);
    error_.base.error_exit = on_error;
    error_.base.output_message = [](j_common_ptr) {};
  }
  ~Compressor() {
    jpeg_destroy_compress(&codec_);
    std::free(bytes_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  [[nodiscard]] bool compress(const PictureView& picture, int quality) {
    if (setjmp(error_.escape) != 0) {
      bytes_ = nullptr;  // the library may have given it back and forgotten to say so
      return false;
    }
    jpeg_create_compress(&codec_);
    jpeg_mem_dest(&codec_, &bytes_, &size_);
    codec_.image_width = static_cast<JDIMENSION>(picture.width);
    codec_.image_height = static_cast<JDIMENSION>(picture.height);
    codec_.input_components = 3;
    codec_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec_);
    jpeg_set_quality(&codec_, quality, TRUE);
    codec_.dct_method = JDCT_ISLOW;
    jpeg_start_compress(&codec_, TRUE);
    while (codec_.next_scanline < codec_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(picture.row(static_cast<int>(codec_.next_scanline)));
      jpeg_write_scanlines(&codec_, &row, 1);
    }
    jpeg_finish_compress(&codec_);
    return true;
  }

  std::span<const std::byte> bytes() const { return {reinterpret_cast<const std::byte*>(bytes_), size_}; }
  const char* message() const { return error_.message; }

 private:
  ErrorManager error_;
  jpeg_compress_struct codec_{};
  unsigned char* bytes_ = nullptr;  // by malloc, libjpeg's
  unsigned long size_ = 0;
};

}  // namespace

Result<std::vector<std::byte>> encode_jpeg(const PictureView& picture, int quality) {
  if (quality < 1 || quality > kBestQuality)
    return fail(ErrorCode::usage, "JPEG quality {}, expected 1 to {}", quality, kBestQuality);
  DFA_TRY(check_encodable(picture, JPEG_MAX_DIMENSION, "JPEG"));
  Compressor jpeg;
  if (!jpeg.compress(picture, quality))
    return fail(ErrorCode::internal, "JPEG of a {}x{} picture at quality {}: {}", picture.width, picture.height,
                quality, jpeg.message());
  return std::vector<std::byte>(jpeg.bytes().begin(), jpeg.bytes().end());
}

}  // namespace dfa
