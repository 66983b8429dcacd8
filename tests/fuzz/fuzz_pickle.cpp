// Torch checkpoints. The input is taken four ways: as a whole file, as the pickle inside a sound zip (whose checksum a
// mutation would otherwise break at once), and as the object of a sound legacy stream.
#include <cstdlib>
#include <cstring>

#include "tensorfile/state_dict.hpp"
#include "unit/tensorfile/zip_builder.hpp"

namespace {

using namespace std::string_literals;

constexpr std::size_t kStorageBytes = 64;
const std::string kMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;
const std::string kProtocol = "\x80\x02M\xe9\x03."s;
const std::string kSystem = "\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."s;
const std::string kKeys = "\x80\x02]X\x01\x00\x00\x000a."s;

void read(std::span<const std::byte> bytes) {
  dfa::TorchLimits limits;
  limits.pickle.max_values = 100'000;  // keeps an input under a second
  const auto state = dfa::parse_state_dict(bytes, nullptr, limits);
  if (!state) return;
  for (const auto& [name, tensor] : state->tensors) {
    const auto count = dfa::checked_element_count(tensor.shape);
    if (!count || tensor.bytes.size() != *count * dfa::dtype_size(tensor.dtype)) std::abort();
    (void)tensor.to_f32();  // touches every byte
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read(std::as_bytes(std::span(data, size)));
  const std::string pickle(reinterpret_cast<const char*>(data), size);
  const std::string storage(kStorageBytes, '\x3f');
  const std::string zip = dfa::test::ZipBuilder().add("x/data.pkl", pickle).add("x/data/0", storage).finish();
  read(std::as_bytes(std::span(zip)));
  const std::string script =
      dfa::test::ZipBuilder().add("x/data.pkl", pickle).add("x/constants.pkl", "").add("x/data/0", storage).finish();
  read(std::as_bytes(std::span(script)));
  const std::uint64_t elements = kStorageBytes / sizeof(float);
  const std::string count(reinterpret_cast<const char*>(&elements), sizeof(elements));
  const std::string legacy = kMagic + kProtocol + kSystem + pickle + kKeys + count + storage;
  read(std::as_bytes(std::span(legacy)));
  return 0;
}
