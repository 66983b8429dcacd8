#include "dataset/pack_layout.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

namespace dfa::pack {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLengthBytes = 8;

constexpr std::uint64_t kPointBytes = 68 * 2 * 4;

struct ColumnRule {
  std::string_view name;
  std::uint64_t (*bytes)(const Shape&);
};

std::uint64_t pixels(const Shape& s) {
  return s.stored_px * s.stored_px;
}

// In the order of the enum.
constexpr std::array<ColumnRule, kColumns> kRules = {{
    {"crops", [](const Shape& s) { return s.count * pixels(s) * 3; }},
    {"masks", [](const Shape& s) { return s.masks * pixels(s); }},
    {"landmarks68", [](const Shape& s) { return s.landmarks68 * kPointBytes; }},
    {"mask_rows", [](const Shape& s) { return s.count * 4; }},
    {"landmark68_rows", [](const Shape& s) { return s.count * 4; }},
    {"labels", [](const Shape& s) { return s.count; }},
    {"roles", [](const Shape& s) { return s.count; }},
    {"paths", [](const Shape& s) { return s.count * 4; }},
    {"videos", [](const Shape& s) { return s.count * 4; }},
    {"sets", [](const Shape& s) { return s.count * 4; }},
    {"methods", [](const Shape& s) { return s.count * 4; }},
    {"identities", [](const Shape& s) { return s.count * 4; }},
    {"sources", [](const Shape& s) { return s.count * 4; }},
    {"frames", [](const Shape& s) { return s.count * 8; }},
    {"pts_seconds", [](const Shape& s) { return s.count * 8; }},
    {"boxes", [](const Shape& s) { return s.count * 4 * 8; }},
    {"landmarks", [](const Shape& s) { return s.count * 10 * 8; }},
    {"crop_sha256", [](const Shape& s) { return s.count * kHashDigits; }},
    {"string_ends", [](const Shape& s) { return s.strings * 8; }},
    {"string_bytes", [](const Shape& s) { return s.string_bytes; }},
}};

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

Json header_json(const Shape& shape) {
  Json json = {{"dfa_pack", 2},
               {"crop", {{"recipe", shape.crop_name}, {"stored_px", shape.stored_px}, {"sha256", shape.crop_sha256}}},
               {"count", shape.count},
               {"masks", shape.masks},
               {"landmarks68", shape.landmarks68},
               {"strings", shape.strings},
               {"string_bytes", shape.string_bytes},
               {"sections", Json::object()}};
  for (const Section& section : layout_of(shape).sections)
    json["sections"][std::string(section.name)] = {section.offset, section.bytes};
  return json;
}

std::optional<std::uint64_t> whole(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<std::string> text(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

// What makes a layout; nothing where a field is missing or of another type.
std::optional<Shape> read_shape(const Json& json) {
  const auto crop = json.find("crop");
  if (crop == json.end() || !crop->is_object()) return std::nullopt;
  const auto name = text(*crop, "recipe"), hash = text(*crop, "sha256");
  const auto side = whole(*crop, "stored_px"), count = whole(json, "count"), masks = whole(json, "masks");
  const auto points = whole(json, "landmarks68");
  const auto strings = whole(json, "strings"), string_bytes = whole(json, "string_bytes");
  if (!name || !hash || !side || !count || !masks || !points || !strings || !string_bytes) return std::nullopt;
  return Shape{*name, *hash, *side, *count, *masks, *points, *strings, *string_bytes};
}

}  // namespace

Status check_shape(const Shape& shape, const PackLimits& limits) {
  // A string a field of a crop at most; so that no product below overflows whatever limits are set.
  constexpr std::uint64_t kFields = 6;
  constexpr std::uint64_t kMostCrops = 1ull << 32, kMostText = 1ull << 48;
  const auto refuse = [](std::string_view what, std::uint64_t got, std::uint64_t most) {
    return fail(ErrorCode::limit_exceeded, "pack: {} {}, at most {}", what, got, most);
  };
  const std::uint64_t most = std::min(limits.max_crops, kMostCrops - 1);
  if (shape.count > most) return refuse("crops", shape.count, most);
  if (shape.masks > shape.count) return refuse("masks", shape.masks, shape.count);
  if (shape.landmarks68 > shape.count) return refuse("rows of 68 points", shape.landmarks68, shape.count);
  if (shape.stored_px < 1 || shape.stored_px > kLargestSide) return refuse("side", shape.stored_px, kLargestSide);
  if (shape.strings < 1 || shape.strings > kFields * shape.count + 1)
    return refuse("strings", shape.strings, kFields * shape.count + 1);
  const std::uint64_t most_text = std::min(limits.max_string_bytes, kMostText);
  if (shape.string_bytes > most_text) return refuse("bytes of text", shape.string_bytes, most_text);
  return {};
}

Layout layout_of(const Shape& shape) {
  Layout layout;
  std::uint64_t end = kHeaderBlock;
  for (std::size_t i = 0; i < kColumns; ++i) {
    layout.sections[i] = {kRules[i].name, aligned(end), kRules[i].bytes(shape)};
    end = layout.sections[i].offset + layout.sections[i].bytes;
  }
  layout.hash_offset = end;
  return layout;
}

Result<std::string> header_block(const Shape& shape) {
  const std::string json = header_json(shape).dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::uint64_t length = kHeaderBlock - kMagic.size() - kLengthBytes;
  if (json.size() > length)
    return fail(ErrorCode::limit_exceeded, "pack: header of {} bytes, at most {}; the recipe's name is too long",
                json.size(), length);
  std::string block(kMagic);
  block.resize(kMagic.size() + kLengthBytes);
  std::memcpy(block.data() + kMagic.size(), &length, kLengthBytes);
  block += json;
  block.resize(kHeaderBlock, ' ');
  return block;
}

Result<Shape> parse_header(std::string_view block, const PackLimits& limits) {
  if (block.size() != kHeaderBlock || !block.starts_with(kMagic))
    return fail(ErrorCode::manifest_invalid, "is no pack: it does not begin with {} and a header", kMagic);
  std::uint64_t length = 0;
  std::memcpy(&length, block.data() + kMagic.size(), kLengthBytes);
  if (length != kHeaderBlock - kMagic.size() - kLengthBytes)
    return fail(ErrorCode::manifest_invalid, "pack header of {} bytes, expected {}", length,
                kHeaderBlock - kMagic.size() - kLengthBytes);
  const Json json = Json::parse(block.substr(kMagic.size() + kLengthBytes), nullptr, false);
  if (!json.is_object()) return fail(ErrorCode::manifest_invalid, "the pack's header is no JSON object");
  const std::optional<Shape> shape = read_shape(json);
  if (!shape) return fail(ErrorCode::manifest_invalid, "the pack's header lacks a field or has one of another type");
  DFA_TRY(check_shape(*shape, limits));
  if (json != header_json(*shape))
    return fail(ErrorCode::manifest_invalid,
                "the pack's header is not that of its counts\n  likely cause: damaged, or written by another version");
  return *shape;
}

}  // namespace dfa::pack
