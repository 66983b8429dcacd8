#include "media/container_structure.hpp"

#include <algorithm>
#include <optional>

namespace dfa {
namespace {

using Bytes = std::vector<std::byte>;

std::uint64_t big(const Bytes& bytes, std::size_t offset, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[offset + i]);
  return value;
}

std::uint64_t little(const Bytes& bytes, std::size_t offset, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i > 0; --i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[offset + i - 1]);
  return value;
}

std::string cut_text(std::int64_t size, std::string_view part, std::uint64_t end) {
  return fmt::format("the file is cut short: it ends at byte {}, its {} at byte {}", size, part, end);
}

struct Box {
  std::string type;
  std::uint64_t end = 0;
};

// A box of an ISO file at top level; nothing where no plausible header stands.
std::optional<Box> box_at(const FileInput& input, std::int64_t offset) {
  const auto header = input.bytes_at(offset, 16);
  if (!header || header->size() < 8) return std::nullopt;
  Box box;
  for (std::size_t i = 4; i < 8; ++i) box.type += std::to_integer<char>((*header)[i]);
  std::uint64_t size = big(*header, 0, 4);
  if (size == 1 && header->size() == 16)
    size = big(*header, 8, 8);
  else if (size == 0)
    size = static_cast<std::uint64_t>(input.size() - offset);  // to the end of the file
  const bool printable =
      std::all_of(box.type.begin(), box.type.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
  constexpr std::uint64_t kLargest = UINT64_C(1) << 62;
  if (size < 8 || size > kLargest || !printable) return std::nullopt;
  box.end = static_cast<std::uint64_t>(offset) + size;
  return box;
}

Structure iso_structure(const FileInput& input) {
  // A fragmented recording of a day in one-second pieces has 2 x 86,400 boxes.
  constexpr int kMaxBoxes = 1'000'000;
  Structure structure;
  bool has_index = false;
  std::int64_t offset = 0;
  for (int i = 0; i < kMaxBoxes && offset < input.size(); ++i) {
    const auto box = box_at(input, offset);
    if (!box) break;
    if (box->end > static_cast<std::uint64_t>(input.size())) {
      structure.cut = cut_text(input.size(), fmt::format("{} box", box->type), box->end);
      // A fragment's description of which a part is missing makes FFmpeg refuse the whole file.
      if (box->type == "moof") structure.whole_bytes = offset;
      break;
    }
    has_index |= box->type == "moov";
    offset = static_cast<std::int64_t>(box->end);
  }
  if (!has_index)
    structure.missing_index = fmt::format(
        "the file is cut short: it has no complete table of contents (moov box) in its {} bytes{}; the recording or "
        "the download was "
        "interrupted, without that table its frames cannot be found",
        input.size(), structure.cut.empty() ? "" : ", which end inside another part");
  return structure;
}

// A variable-length number of Matroska: the leading zero bits of its first byte tell the length.
struct Vint {
  std::size_t length = 0;   // 0: not there
  std::uint64_t value = 0;  // without the length mark
  bool unknown = false;     // all ones
};

Vint vint_at(const Bytes& bytes, std::size_t offset) {
  if (offset >= bytes.size()) return {};
  const auto first = std::to_integer<unsigned>(bytes[offset]);
  std::size_t length = 1;
  for (unsigned mask = 0x80; mask != 0 && (first & mask) == 0; mask >>= 1) ++length;
  if (length > 8 || offset + length > bytes.size()) return {};
  const std::uint64_t ones = (UINT64_C(1) << (7 * length)) - 1;
  const std::uint64_t value = big(bytes, offset, length) & ones;
  return {length, value, value == ones};
}

constexpr std::uint64_t kSegmentId = 0x18538067, kClusterId = 0x1F43B675;

struct Element {
  std::uint64_t id = 0;  // with its length mark, as the standard writes it
  std::uint64_t content = 0;
  std::uint64_t end = 0;
  bool unknown_end = false;
};

// Nothing where fewer bytes are left than a header takes.
std::optional<Element> element_at(const FileInput& input, std::uint64_t offset) {
  constexpr std::size_t kLongestHeader = 12;
  const auto bytes = input.bytes_at(static_cast<std::int64_t>(offset), kLongestHeader);
  if (!bytes) return std::nullopt;
  const Vint id = vint_at(*bytes, 0);
  const Vint size = vint_at(*bytes, id.length);
  if (id.length == 0 || id.length > 4 || size.length == 0) return std::nullopt;
  Element element;
  element.id = big(*bytes, 0, id.length);
  element.content = offset + id.length + size.length;
  element.end = element.content + size.value;
  element.unknown_end = size.unknown;
  return element;
}

// The segment holds everything but a short header. A recorder that streams (browsers do) leaves its size open, and that
// of its clusters: then their parts, one a frame, must each end inside the file.
Structure matroska_structure(const FileInput& input) {
  constexpr int kMaxElements = 20'000'000;
  const auto size = static_cast<std::uint64_t>(input.size());
  std::uint64_t offset = 0;
  for (int i = 0; i < kMaxElements && offset < size; ++i) {
    const auto element = element_at(input, offset);
    if (!element) break;
    const bool may_stay_open = element->id == kSegmentId || element->id == kClusterId;
    if (element->unknown_end && !may_stay_open) break;
    if (!element->unknown_end && element->end > size)
      return {{},
              cut_text(input.size(), element->id == kSegmentId ? "Matroska segment" : "last Matroska element",
                       element->end),
              {}};
    offset = may_stay_open && (element->unknown_end || element->id == kSegmentId) ? element->content : element->end;
  }
  return {};
}

Structure avi_structure(const FileInput& input) {
  const auto head = input.head(12);
  if (!head || head->size() < 12) return {};
  const std::uint64_t size = little(*head, 4, 4);
  // A recorder that was still writing leaves 0 or all ones.
  if (size == 0 || size == UINT32_MAX || size + 8 <= static_cast<std::uint64_t>(input.size())) return {};
  return {{}, cut_text(input.size(), "RIFF chunk", size + 8), {}};
}

// Packets of 188 bytes, or 192 and 204 with what some recorders add: a whole file is a multiple.
Structure transport_structure(const FileInput& input) {
  const std::int64_t size = input.size();
  if (size % 188 == 0 || size % 192 == 0 || size % 204 == 0) return {};
  return {{}, fmt::format("the file is cut short: its {} bytes end inside a transport packet", size), {}};
}

Structure gif_structure(const FileInput& input) {
  constexpr std::byte kTrailer{0x3B};
  const auto last = input.bytes_at(std::max<std::int64_t>(input.size() - 1, 0), 1);
  if (!last || last->empty() || last->front() == kTrailer) return {};
  return {
      {}, fmt::format("the file is cut short: its {} bytes do not end with the end mark of a GIF", input.size()), {}};
}

}  // namespace

Structure read_structure(const FileInput& input, std::string_view demuxer) {
  if (demuxer.starts_with("mov")) return iso_structure(input);
  if (demuxer.starts_with("matroska")) return matroska_structure(input);
  if (demuxer == "avi") return avi_structure(input);
  if (demuxer == "mpegts") return transport_structure(input);
  if (demuxer == "gif") return gif_structure(input);
  return {};
}

}  // namespace dfa
