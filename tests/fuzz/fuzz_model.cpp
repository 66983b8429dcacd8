// Model files and bare safetensors. Beside not crashing, what was read must survive being written and read again.
#include <cstdlib>

#include "model/describe.hpp"
#include "model/model.hpp"
#include "model/model_save.hpp"
#include "tensorfile/safetensors.hpp"

namespace {

// A broken promise is a finding like any other.
void require(bool holds) {
  if (!holds) std::abort();
}

// Byte by byte, so that a span that reaches too far is reported as the overflow that it is. The sum is kept from being
// optimised away.
void touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += std::to_integer<unsigned>(b);
  asm volatile("" : : "r"(sum));
}

void read_tensors(std::span<const std::byte> bytes) {
  const auto file = dfa::parse_safetensors(bytes, nullptr);
  if (!file) return;
  for (const auto& [name, tensor] : file->tensors) {
    touch(tensor.bytes);
    if (const auto values = tensor.to_f32())
      require(values->size() == static_cast<std::size_t>(tensor.element_count()));
  }
  const auto written = dfa::serialize_safetensors(*file);
  require(written.has_value());
  const auto again = dfa::parse_safetensors(*written, nullptr);
  require(again && again->metadata == file->metadata && again->tensors.size() == file->tensors.size());
  require(dfa::serialize_safetensors(*again) == *written);
}

void read_model(std::span<const std::byte> bytes) {
  const auto model = dfa::parse_model(bytes, nullptr);
  if (!model) return;
  require(!dfa::model_text(*model).empty() && !dfa::model_json(*model).empty());
  const auto file = dfa::model_tensor_file(*model, dfa::Dtype::f32);
  require(file.has_value());
  const auto written = dfa::serialize_safetensors(*file);
  require(written && dfa::parse_model(*written, nullptr));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  read_tensors(bytes);
  read_model(bytes);
  return 0;
}
