// JPEG through libjpeg-turbo, in memory. Straight here and not through src/media: there pictures are read with all the
// distrust that files of strangers need, here the bytes are our own.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <jpeglib.h>

#include "augment/augment.hpp"

namespace dfa {
namespace {

// libjpeg reports errors through a callback that must not return: it jumps back to where the codec was called.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = {};
};

void on_error(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  (*info->err->format_message)(info, manager->message);
  std::longjmp(manager->escape, 1);
}

void ignore_message(j_common_ptr) {}

void set_up(ErrorManager& manager) {
  jpeg_std_error(&manager.base);
  manager.base.error_exit = on_error;
  manager.base.output_message = ignore_message;
}

struct Encoded {
  unsigned char* bytes = nullptr;  // by malloc, libjpeg's
  unsigned long size = 0;
  ~Encoded() { std::free(bytes); }
};

// False on failure, with the reason in `manager`. No object with a destructor may be made here: longjmp skips them.
bool encode(const Picture& picture, int quality, ErrorManager& manager, Encoded& out) {
  jpeg_compress_struct codec{};
  codec.err = &manager.base;
  if (setjmp(manager.escape) != 0) {
    jpeg_destroy_compress(&codec);
    return false;
  }
  jpeg_create_compress(&codec);
  jpeg_mem_dest(&codec, &out.bytes, &out.size);
  codec.image_width = static_cast<JDIMENSION>(picture.width);
  codec.image_height = static_cast<JDIMENSION>(picture.height);
  codec.input_components = 3;
  codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, quality, TRUE);
  codec.dct_method = JDCT_ISLOW;
  jpeg_start_compress(&codec, TRUE);
  while (codec.next_scanline < codec.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(picture.view().row(static_cast<int>(codec.next_scanline)));
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  jpeg_destroy_compress(&codec);
  return true;
}

bool decode(const Encoded& jpeg, ErrorManager& manager, Picture& out) {
  jpeg_decompress_struct codec{};
  codec.err = &manager.base;
  if (setjmp(manager.escape) != 0) {
    jpeg_destroy_decompress(&codec);
    return false;
  }
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, jpeg.bytes, jpeg.size);
  jpeg_read_header(&codec, TRUE);
  codec.out_color_space = JCS_RGB;
  codec.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&codec);
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW row = &out.rgb[3 * static_cast<std::size_t>(out.width) * codec.output_scanline];
    jpeg_read_scanlines(&codec, &row, 1);
  }
  jpeg_finish_decompress(&codec);
  jpeg_destroy_decompress(&codec);
  return true;
}

}  // namespace

Result<Picture> reencode_jpeg(const Picture& picture, int quality) {
  if (quality < 1 || quality > 100) return fail(ErrorCode::usage, "JPEG quality {}, expected 1 to 100", quality);
  ErrorManager manager;
  set_up(manager);
  Encoded jpeg;
  Picture out = picture;
  if (!encode(picture, quality, manager, jpeg) || !decode(jpeg, manager, out))
    return fail(ErrorCode::internal, "JPEG of a {}x{} crop at quality {}: {}", picture.width, picture.height, quality,
                manager.message);
  return out;
}

}  // namespace dfa
