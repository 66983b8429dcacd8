// TIFF through libtiff, first page. Gray, RGB and CMYK of 8 or 16 bits are read sample by sample, since the library's
// own RGBA reader drops the low byte of 16-bit gray and multiplies colour by alpha; everything else (palette, bits,
// YCbCr, Lab) goes through that reader.
#include <tiffio.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "media/orientation.hpp"
#include "media/picture_codecs.hpp"

namespace dfa {
namespace {

// The most that libtiff may allocate at once beyond what the picture itself needs.
constexpr std::int64_t kSpareAllocation = 64 << 20;

struct Source {
  std::span<const std::byte> bytes;
  std::uint64_t position = 0;
  std::string message;  // the library's first complaint
};

Source& source_of(thandle_t handle) {
  return *static_cast<Source*>(handle);
}

tmsize_t on_read(thandle_t handle, void* to, tmsize_t count) {
  Source& source = source_of(handle);
  const std::uint64_t size = source.bytes.size();
  if (source.position >= size || count <= 0) return 0;
  const auto take =
      static_cast<std::size_t>(std::min<std::uint64_t>(static_cast<std::uint64_t>(count), size - source.position));
  std::memcpy(to, source.bytes.data() + source.position, take);
  source.position += take;
  return static_cast<tmsize_t>(take);
}

tmsize_t on_write(thandle_t, void*, tmsize_t) {
  return 0;
}

toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  Source& source = source_of(handle);
  const std::uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? source.position : source.bytes.size();
  return source.position = base + offset;
}

int on_close(thandle_t) {
  return 0;
}

toff_t on_size(thandle_t handle) {
  return source_of(handle).bytes.size();
}

int on_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& source = *static_cast<Source*>(user);
  char text[256];
  std::vsnprintf(text, sizeof text, format, arguments);
  if (source.message.empty()) source.message = text;
  return 1;  // handled: nothing is printed
}

int on_warning(TIFF*, void*, const char*, const char*, va_list) {
  return 1;
}

struct TiffDeleter {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};
using TiffHandle = std::unique_ptr<TIFF, TiffDeleter>;

TiffHandle open_tiff(Source& source, std::int64_t max_allocation) {
  const std::unique_ptr<TIFFOpenOptions, TiffDeleter> options(TIFFOpenOptionsAlloc());
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), max_allocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, &source);
  // "m": no memory mapping, the bytes are in memory already.
  return TiffHandle(TIFFClientOpenExt("picture", "rm", &source, on_read, on_write, on_seek, on_close, on_size, nullptr,
                                      nullptr, options.get()));
}

struct Layout {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, photometric = PHOTOMETRIC_MINISBLACK, planar = PLANARCONFIG_CONTIG;
  std::uint16_t sample_format = SAMPLEFORMAT_UINT, compression = COMPRESSION_NONE, ink_set = INKSET_CMYK;
  Orientation orientation = Orientation::upright;

  int colours() const {
    switch (photometric) {
      case PHOTOMETRIC_MINISBLACK:
      case PHOTOMETRIC_MINISWHITE:
        return 1;
      case PHOTOMETRIC_RGB:
        return 3;
      case PHOTOMETRIC_SEPARATED:
        return ink_set == INKSET_CMYK ? 4 : 0;
      default:
        return 0;
    }
  }
  bool is_plain() const {
    return (bits == 8 || bits == 16) && sample_format == SAMPLEFORMAT_UINT && colours() > 0 && samples >= colours();
  }
};

Layout layout_of(TIFF* tiff) {
  Layout layout;
  std::uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout.photometric);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout.planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout.sample_format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout.compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &layout.ink_set);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  layout.orientation = orientation_from_tag(orientation);
  return layout;
}

// Where the file says that its pixels lie must be inside it.
Status check_complete(TIFF* tiff, std::size_t size) {
  const bool tiled = TIFFIsTiled(tiff) != 0;
  const std::uint32_t pieces = tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  for (std::uint32_t i = 0; i < pieces; ++i) {
    const std::uint64_t offset = TIFFGetStrileOffset(tiff, i), count = TIFFGetStrileByteCount(tiff, i);
    if (offset > size || count > size - offset)
      return fail(ErrorCode::media_truncated, "TIFF is truncated: {} {} of {} ends at byte {}, the file at byte {}",
                  tiled ? "tile" : "strip", i + 1, pieces, offset + count, size);
  }
  return {};
}

// A rectangle of samples as libtiff decodes it: a strip or a tile, all samples of a pixel together or one plane only.
struct Block {
  std::uint32_t x = 0, y = 0, width = 0, height = 0;
  std::uint32_t stored_width = 0;  // of a row in memory, >= width at the right edge of tiled pictures
  int plane = -1;                  // -1: all samples together
};

class PlainReader {
 public:
  PlainReader(TIFF* tiff, const Layout& layout) : tiff_(tiff), layout_(layout), colours_(layout.colours()) {
    samples_.resize(static_cast<std::size_t>(colours_) * layout.width * layout.height);
  }

  // False where libtiff could not decode; its words are in Source::message.
  bool read() {
    const int planes = layout_.planar == PLANARCONFIG_SEPARATE ? colours_ : 1;
    for (int plane = 0; plane < planes; ++plane)
      if (!(TIFFIsTiled(tiff_) ? read_tiles(plane) : read_strips(plane))) return false;
    return true;
  }

  Picture picture() const {
    Picture result = black_picture(static_cast<int>(layout_.width), static_cast<int>(layout_.height));
    const std::uint8_t* in = samples_.data();
    for (std::size_t i = 0; i < result.rgb.size(); i += 3, in += colours_) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::uint8_t value = in[colours_ == 1 ? 0 : c];
        if (colours_ == 4)
          result.rgb[i + c] = light_of_ink(value, in[3]);
        else
          result.rgb[i + c] = layout_.photometric == PHOTOMETRIC_MINISWHITE ? 255 - value : value;
      }
    }
    return result;
  }

 private:
  bool read_strips(int plane) {
    std::uint32_t rows_per_strip = layout_.height;
    TIFFGetFieldDefaulted(tiff_, TIFFTAG_ROWSPERSTRIP, &rows_per_strip);
    rows_per_strip = std::clamp<std::uint32_t>(rows_per_strip, 1, layout_.height);
    if (!make_room(TIFFStripSize(tiff_))) return false;
    for (std::uint32_t y = 0; y < layout_.height; y += rows_per_strip) {
      const std::uint32_t strip = TIFFComputeStrip(tiff_, y, static_cast<std::uint16_t>(plane));
      const std::uint32_t rows = std::min(rows_per_strip, layout_.height - y);
      const tmsize_t want = TIFFVStripSize(tiff_, rows);
      if (want <= 0 || TIFFReadEncodedStrip(tiff_, strip, buffer_.data(), want) != want) return false;
      if (!store({0, y, layout_.width, rows, layout_.width, planar() ? plane : -1})) return false;
    }
    return true;
  }

  bool read_tiles(int plane) {
    std::uint32_t tile_width = 0, tile_height = 0;
    TIFFGetField(tiff_, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &tile_height);
    const tmsize_t size = TIFFTileSize(tiff_);
    if (tile_width == 0 || tile_height == 0 || !make_room(size)) return false;
    for (std::uint32_t y = 0; y < layout_.height; y += tile_height)
      for (std::uint32_t x = 0; x < layout_.width; x += tile_width) {
        if (TIFFReadTile(tiff_, buffer_.data(), x, y, 0, static_cast<std::uint16_t>(plane)) != size) return false;
        const Block block{x,
                          y,
                          std::min(tile_width, layout_.width - x),
                          std::min(tile_height, layout_.height - y),
                          tile_width,
                          planar() ? plane : -1};
        if (!store(block)) return false;
      }
    return true;
  }

  // For one strip or tile. A tile may be larger than the picture, but nobody's is by much more than this.
  bool make_room(tmsize_t size) {
    const std::int64_t most = kSpareAllocation + 8 * std::int64_t{layout_.width} * layout_.height;
    if (size <= 0 || size > most) return false;
    buffer_.resize(static_cast<std::size_t>(size));
    return true;
  }

  bool planar() const { return layout_.planar == PLANARCONFIG_SEPARATE; }

  std::uint8_t sample(std::size_t index) const {
    if (layout_.bits == 8) return buffer_[index];
    std::uint16_t value;
    std::memcpy(&value, buffer_.data() + 2 * index, sizeof value);
    return eight_of_sixteen(value);
  }

  bool store(const Block& block) {
    const std::size_t step = block.plane >= 0 ? 1 : layout_.samples;
    if (std::size_t{block.stored_width} * block.height * step * (layout_.bits / 8) > buffer_.size()) return false;
    const int first = std::max(block.plane, 0), last = block.plane >= 0 ? block.plane + 1 : colours_;
    for (std::uint32_t y = 0; y < block.height; ++y)
      for (std::uint32_t x = 0; x < block.width; ++x) {
        const std::size_t from = (std::size_t{y} * block.stored_width + x) * step;
        const std::size_t to =
            (std::size_t{block.y + y} * layout_.width + block.x + x) * static_cast<std::size_t>(colours_);
        for (int c = first; c < last; ++c)
          samples_[to + static_cast<std::size_t>(c)] = sample(from + static_cast<std::size_t>(c - first));
      }
    return true;
  }

  TIFF* tiff_;
  Layout layout_;
  int colours_;
  std::vector<std::uint8_t> buffer_;
  std::vector<std::uint8_t> samples_;  // (height, width, colours), 8 bits
};

bool read_through_rgba(TIFF* tiff, const Layout& layout, Source& source, Picture& picture) {
  char reason[1024] = {};
  TIFFRGBAImage image;
  constexpr int kStopOnError = 1;
  if (TIFFRGBAImageOK(tiff, reason) == 0 || TIFFRGBAImageBegin(&image, tiff, kStopOnError, reason) == 0) {
    if (source.message.empty()) source.message = reason;
    return false;
  }
  image.req_orientation = image.orientation;  // as stored: turning is done in one place
  std::vector<std::uint32_t> raster(static_cast<std::size_t>(layout.width) * layout.height);
  const bool read = TIFFRGBAImageGet(&image, raster.data(), layout.width, layout.height) != 0;
  TIFFRGBAImageEnd(&image);
  for (std::size_t i = 0; i < raster.size(); ++i) {
    picture.rgb[3 * i] = static_cast<std::uint8_t>(TIFFGetR(raster[i]));
    picture.rgb[3 * i + 1] = static_cast<std::uint8_t>(TIFFGetG(raster[i]));
    picture.rgb[3 * i + 2] = static_cast<std::uint8_t>(TIFFGetB(raster[i]));
  }
  return read;
}

// A file that does not even open: is its directory behind its end?
tl::unexpected<Error> unopened(const Source& source) {
  constexpr std::size_t kClassicHeader = 8;
  const auto bytes = source.bytes;
  const bool little = !bytes.empty() && std::to_integer<char>(bytes[0]) == 'I';
  std::uint64_t directory = 0;
  for (std::size_t i = 0; i < 4 && bytes.size() >= kClassicHeader; ++i)
    directory |= std::to_integer<std::uint64_t>(bytes[4 + i]) << (little ? 8 * i : 24 - 8 * i);
  if (bytes.size() < kClassicHeader || directory >= bytes.size())
    return fail(ErrorCode::media_truncated,
                "TIFF is truncated: its directory should be at byte {}, the file ends at byte {}", directory,
                bytes.size());
  return fail(ErrorCode::media_corrupt, "TIFF is damaged: {}", source.message);
}

tl::unexpected<Error> damaged(const Source& source) {
  return fail(ErrorCode::media_corrupt, "TIFF is damaged: {}",
              source.message.empty() ? "cannot be decoded" : source.message);
}

}  // namespace

Result<Picture> decode_tiff(std::span<const std::byte> bytes, const MediaLimits& limits) {
  Source source;
  source.bytes = bytes;
  const std::int64_t pixels = limits.max_pixels > 0 ? limits.max_pixels : kMaxSide * kMaxSide;
  const TiffHandle tiff = open_tiff(source, 8 * pixels + kSpareAllocation);
  if (tiff == nullptr) return unopened(source);
  const Layout layout = layout_of(tiff.get());
  DFA_TRY(check_sides(layout.width, layout.height, limits));
  DFA_TRY(check_complete(tiff.get(), bytes.size()));
  if (TIFFIsCODECConfigured(layout.compression) == 0)
    return fail(ErrorCode::media_unsupported, "TIFF with compression {}, which is not decoded; save it as PNG",
                layout.compression);

  if (layout.is_plain()) {
    PlainReader reader(tiff.get(), layout);
    if (!reader.read()) return damaged(source);
    return turned_upright(reader.picture(), layout.orientation);
  }
  if (layout.bits > 16 || layout.sample_format != SAMPLEFORMAT_UINT)
    return fail(ErrorCode::media_unsupported,
                "TIFF with {} bits a sample, sample format {}: expected 1 to 16 bits, unsigned", layout.bits,
                layout.sample_format);
  Picture picture = black_picture(static_cast<int>(layout.width), static_cast<int>(layout.height));
  if (!read_through_rgba(tiff.get(), layout, source, picture)) return damaged(source);
  return turned_upright(std::move(picture), layout.orientation);
}

}  // namespace dfa
