#include "tensorfile/npy.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>

#include "tensorfile/little_endian.hpp"

namespace dfa {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kVersionEnd = 8;  // magic, major, minor
// NumPy pads headers to some multiple of 64 and writes far less than this.
constexpr std::size_t kMaxHeader = 65536;
constexpr std::size_t kMaxRank = 32;  // NumPy's own, until version 2
constexpr std::size_t kShown = 80;

struct Descr {
  std::string_view text;
  Dtype dtype;
};
constexpr Descr kDescrs[] = {{"<f8", Dtype::f64}, {"<f4", Dtype::f32}, {"<f2", Dtype::f16},
                             {"<i8", Dtype::i64}, {"<i4", Dtype::i32}, {"<i2", Dtype::i16},
                             {"|i1", Dtype::i8},  {"|u1", Dtype::u8},  {"|b1", Dtype::boolean}};

struct Header {
  Dtype dtype = Dtype::f32;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), } and blanks: each key once, in any order.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  // Nothing, or what is wrong.
  std::optional<std::string> parse(Header& header) {
    if (!eat("{")) return "no dict";
    int seen = 0;
    while (!eat("}")) {
      const int key = eat("'descr'") ? 1 : eat("'fortran_order'") ? 2 : eat("'shape'") ? 4 : 0;
      if (key == 0 || (seen & key) != 0 || !eat(":")) return "an unknown or repeated key";
      seen |= key;
      auto problem = key == 1 ? dtype(header) : key == 2 ? order(header) : shape(header);
      if (problem) return problem;
      if (!eat(",") && !at("}")) return "no comma between entries";
    }
    blanks();
    if (!rest_.empty()) return "text behind the dict";
    return seen == 7 ? std::nullopt : std::optional<std::string>("a key is missing");
  }

 private:
  void blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  bool at(std::string_view word) {
    blanks();
    return rest_.starts_with(word);
  }
  bool eat(std::string_view word) {
    if (!at(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<std::string> dtype(Header& header) {
    if (!eat("'")) return "the dtype is no text (arrays with named fields are not read)";
    const std::string_view text = rest_.substr(0, rest_.find('\''));
    const auto* const found = std::ranges::find(kDescrs, text, &Descr::text);
    if (found == std::end(kDescrs))
      return fmt::format("dtype '{}', expected little-endian numbers such as '<f4'", text.substr(0, kShown));
    header.dtype = found->dtype;
    rest_.remove_prefix(text.size());
    return eat("'") ? std::nullopt : std::optional<std::string>("the dtype does not end");
  }

  std::optional<std::string> order(Header& header) {
    header.fortran_order = eat("True");
    return header.fortran_order || eat("False") ? std::nullopt : std::optional<std::string>("no order");
  }

  std::optional<std::string> shape(Header& header) {
    if (!eat("(")) return "the shape is no tuple";
    while (!eat(")")) {
      blanks();
      std::int64_t side = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), side);
      if (error != std::errc() || side < 0 || header.shape.size() == kMaxRank) return "a shape that cannot be";
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      header.shape.push_back(side);
      if (!eat(",") && !at(")")) return "no comma between sizes";
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

tl::unexpected<Error> damaged(std::string_view what, std::string_view problem) {
  return fail(ErrorCode::model_format,
              "{}: {}\n  likely cause: no array of NumPy, or a damaged one\n  next step: download the file again, or "
              "write it with numpy.savez",
              what, problem);
}

// Where the header's text begins and how long it is: version 1 counts in 16 bits, 2 and 3 in 32.
Result<std::pair<std::size_t, std::size_t>> header_place(Bytes bytes, std::string_view what) {
  const bool magic = bytes.size() > kVersionEnd && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
  if (!magic) return damaged(what, "it does not begin as an array does");
  const auto version = std::to_integer<int>(bytes[kMagic.size()]);
  if (version < 1 || version > 3) return damaged(what, fmt::format("format version {}, 1 to 3 are read", version));
  const std::size_t width = version == 1 ? sizeof(std::uint16_t) : sizeof(std::uint32_t);
  if (bytes.size() < kVersionEnd + width) return damaged(what, "it ends in its header");
  const std::size_t length = version == 1 ? load_le<std::uint16_t>(bytes, kVersionEnd)
                                          : std::size_t{load_le<std::uint32_t>(bytes, kVersionEnd)};
  if (length > kMaxHeader) return damaged(what, fmt::format("its header claims {} bytes", length));
  if (length > bytes.size() - kVersionEnd - width) return damaged(what, "it ends in its header");
  return std::pair(kVersionEnd + width, length);
}

// Column-major bytes of `shape` in row-major order.
Tensor in_c_order(const Header& header, Bytes data) {
  const std::size_t rank = header.shape.size(), element = dtype_size(header.dtype);
  auto bytes = std::make_shared<std::vector<std::byte>>(data.size());
  std::vector<std::int64_t> index(rank, 0);
  std::vector<std::size_t> stride(rank, element);
  for (std::size_t i = 1; i < rank; ++i) stride[i] = stride[i - 1] * static_cast<std::size_t>(header.shape[i - 1]);
  std::size_t from = 0;
  for (std::size_t at = 0; at < data.size(); at += element) {
    std::memcpy(bytes->data() + at, data.data() + from, element);
    for (std::size_t i = rank; i-- > 0;) {
      from += stride[i];
      if (++index[i] < header.shape[i]) break;
      from -= stride[i] * static_cast<std::size_t>(header.shape[i]);
      index[i] = 0;
    }
  }
  const Bytes view(*bytes);
  return {.dtype = header.dtype, .shape = header.shape, .bytes = view, .owner = std::move(bytes)};
}

}  // namespace

Result<Tensor> parse_npy(Bytes bytes, std::shared_ptr<const void> owner, std::string_view what) {
  DFA_ASSIGN_OR_RETURN(const auto place, header_place(bytes, what));
  const auto [begin, length] = place;
  Header header;
  HeaderParser parser({reinterpret_cast<const char*>(bytes.data()) + begin, length});
  if (const auto problem = parser.parse(header)) return damaged(what, *problem);
  const Bytes data = bytes.subspan(begin + length);
  const auto count = checked_element_count(header.shape);
  if (!count || *count > data.size() / dtype_size(header.dtype) || *count * dtype_size(header.dtype) != data.size())
    return damaged(what, fmt::format("{} {} does not take the {} bytes that there are", dtype_name(header.dtype),
                                     shape_text(header.shape), data.size()));
  if (header.fortran_order && header.shape.size() > 1) return in_c_order(header, data);
  return Tensor{.dtype = header.dtype, .shape = std::move(header.shape), .bytes = data, .owner = std::move(owner)};
}

}  // namespace dfa
