#include "media/sniff.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <string_view>
#include <vector>

#include "media/container.hpp"
#include "media/file_input.hpp"
#include "media/read_picture.hpp"

namespace dfa {
namespace {

// Enough for every container's signature, and for telling text from data.
constexpr std::size_t kHeadBytes = 64 << 10;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
};

using namespace std::string_view_literals;

// Pictures that we recognise only to say so.
constexpr std::array kOtherPictures = {
    Signature{4, "ftypheic"sv, "a HEIC picture"},           Signature{4, "ftypheix"sv, "a HEIC picture"},
    Signature{4, "ftyphevc"sv, "a HEIC sequence"},          Signature{4, "ftypmif1"sv, "a HEIF picture"},
    Signature{4, "ftypmsf1"sv, "a HEIF sequence"},          Signature{4, "ftypavif"sv, "an AVIF picture"},
    Signature{4, "ftypavis"sv, "an AVIF sequence"},         Signature{0, "\0\0\0\x0cJXL "sv, "a JPEG XL picture"},
    Signature{0, "\xff\x0a"sv, "a JPEG XL picture"},        Signature{0, "\0\0\0\x0cjP  "sv, "a JPEG 2000 picture"},
    Signature{0, "8BPS"sv, "a Photoshop document"},         Signature{0, "v/1\x01"sv, "an OpenEXR picture"},
    Signature{0, "#?RADIANCE"sv, "a Radiance HDR picture"}, Signature{4, "ftypcrx "sv, "a Canon raw picture"},
    Signature{0, "IIRO"sv, "an Olympus raw picture"},       Signature{0, "FUJIFILMCCD-RAW"sv, "a Fujifilm raw picture"},
};

constexpr std::array kOtherFiles = {
    Signature{0, "%PDF-"sv, "a PDF document"},
    Signature{0, "PK\x03\x04"sv, "a ZIP archive"},
    Signature{0, "\x1f\x8b"sv, "gzip-compressed data"},
    Signature{0, "BZh"sv, "bzip2-compressed data"},
    Signature{0,
              "\xfd"
              "7zXZ\0"sv,
              "xz-compressed data"},
    Signature{0, "7z\xbc\xaf\x27\x1c"sv, "a 7-Zip archive"},
    Signature{0, "Rar!"sv, "a RAR archive"},
    Signature{257, "ustar"sv, "a tar archive"},
    Signature{0,
              "\x7f"
              "ELF"sv,
              "a program"},
    Signature{0, "MZ"sv, "a Windows program"},
    Signature{0, "SQLite format 3\0"sv, "an SQLite database"},
    Signature{0, "ID3"sv, "audio (MP3)"},
    Signature{0, "fLaC"sv, "audio (FLAC)"},
    Signature{8, "WAVEfmt "sv, "audio (WAV)"},
    Signature{0, "\x80\x02"sv, "a Python pickle"},
};

template <class Table>
std::string_view name_in(const Table& table, std::string_view head) {
  for (const Signature& entry : table)
    if (head.size() >= entry.offset && head.substr(entry.offset).starts_with(entry.bytes)) return entry.name;
  return {};
}

std::string lower_start(std::string_view head) {
  constexpr std::size_t kEnough = 512;
  const auto first = std::find_if_not(head.begin(), head.end(), [](unsigned char c) { return std::isspace(c) != 0; });
  std::string start(first, first + std::min<std::ptrdiff_t>(kEnough, head.end() - first));
  std::transform(start.begin(), start.end(), start.begin(), [](unsigned char c) { return std::tolower(c); });
  return start;
}

// No control characters but those of text; bytes above 127 may be UTF-8 or an older code page.
bool is_text(std::string_view head) {
  return std::none_of(head.begin(), head.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b) || c == 0x7f;
  });
}

std::string_view kind_of_text(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  const std::string start = lower_start(head);
  if (start.starts_with("<!doctype html") || start.starts_with("<html") || start.find("<html") != std::string::npos)
    return "HTML text";
  if (start.find("<svg") != std::string::npos) return "an SVG drawing";
  if (start.starts_with("<?xml")) return "XML text";
  if (start.starts_with("#extm3u")) return "a playlist (playlists are not followed)";
  if (start.starts_with("ffconcat")) return "a list of files (lists are not followed)";
  if (start.starts_with("{") || start.starts_with("[")) return "JSON text";
  if (start.starts_with("version https://git-lfs")) return "a Git LFS pointer, not the file itself";
  return "text";
}

bool is_utf16_text(std::string_view head) {
  return head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff");
}

}  // namespace

PictureFormat picture_format(std::span<const std::byte> bytes) {
  const std::string_view head = text_of(bytes);
  if (head.starts_with("\xff\xd8\xff")) return PictureFormat::jpeg;
  if (head.starts_with("\x89PNG\r\n\x1a\n")) return PictureFormat::png;
  if (head.starts_with("RIFF") && head.size() >= 12 && head.substr(8).starts_with("WEBP")) return PictureFormat::webp;
  if (head.starts_with("II*\0"sv) || head.starts_with("MM\0*"sv) || head.starts_with("II+\0"sv) ||
      head.starts_with("MM\0+"sv))
    return PictureFormat::tiff;
  // "BM" alone would claim many texts: the header that follows has one of the known sizes.
  if (head.starts_with("BM") && head.size() >= 18 && head[15] == 0 && head[16] == 0 && head[17] == 0 &&
      (head[14] == 12 || static_cast<unsigned char>(head[14]) >= 40))
    return PictureFormat::bmp;
  return PictureFormat::none;
}

Error not_media_error(std::span<const std::byte> bytes) {
  const std::string_view head = text_of(bytes);
  if (head.empty()) return {ErrorCode::not_media, "the file is empty, expected a picture or a video"};
  if (const auto name = name_in(kOtherPictures, head); !name.empty())
    return {ErrorCode::media_unsupported,
            fmt::format("looks like {}, which is not decoded; convert it to JPEG or PNG", name)};
  std::string_view name = name_in(kOtherFiles, head);
  if (name.empty() && is_utf16_text(head)) name = "text (UTF-16)";
  if (name.empty() && is_text(head)) name = kind_of_text(head);
  if (name.empty() && std::all_of(head.begin(), head.end(), [](char c) { return c == 0; }))
    name = "nothing but zero bytes (an interrupted download or copy)";
  if (name.empty()) name = "data of an unknown kind";
  return {ErrorCode::not_media,
          fmt::format("looks like {}, expected a picture (JPEG, PNG, WebP, BMP, TIFF) or a video", name)};
}

Result<MediaKind> sniff(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const auto input, FileInput::open(path, 0));
  DFA_ASSIGN_OR_RETURN(const std::vector<std::byte> head, input->head(kHeadBytes));
  if (looks_like_picture(head)) return MediaKind::picture;
  if (!name_in(kOtherPictures, text_of(head)).empty()) return tl::unexpected(not_media_error(head));
  if (looks_like_video(head)) return MediaKind::video;
  return tl::unexpected(not_media_error(head));
}

}  // namespace dfa
