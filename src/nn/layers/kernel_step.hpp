// What steps of our own kernels share: a fixed list of slices, bound to pointers once.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "nn/plan/plan.hpp"

namespace dfa {

class KernelStep : public Step {
 public:
  void bind(const Workspace& workspace) override {
    std::ranges::transform(slices_, pointers_.begin(), [&](Slice slice) { return workspace.at(slice); });
  }
  std::string kernel() const override { return "own"; }
  Element element() const override { return slices_.front().element; }
  std::vector<int> buffers() const override {
    std::vector<int> numbers;
    for (const Slice slice : slices_) numbers.push_back(slice.buffer);
    return numbers;
  }

 protected:
  explicit KernelStep(std::vector<Slice> slices) : slices_(std::move(slices)), pointers_(slices_.size()) {}

  Element element_of(std::size_t index) const { return slices_[index].element; }
  std::byte* bytes(std::size_t index) const { return pointers_[index]; }
  // The slice must hold that format.
  float* pointer(std::size_t index) const {
    assert(element_of(index) == Element::f32);
    return reinterpret_cast<float*>(pointers_[index]);
  }
  std::uint16_t* narrow(std::size_t index) const {
    assert(element_of(index) == Element::bf16);
    return reinterpret_cast<std::uint16_t*>(pointers_[index]);
  }
  std::uint8_t* codes(std::size_t index) const {
    assert(element_of(index) == Element::u8);
    return reinterpret_cast<std::uint8_t*>(pointers_[index]);
  }
  // How they stand for values; null where the slice does not hold codes.
  const Codes* codes_of(std::size_t index) const { return slices_[index].codes; }

 private:
  std::vector<Slice> slices_;
  std::vector<std::byte*> pointers_;
};

inline std::size_t to_size(int value) {
  return static_cast<std::size_t>(value);
}

}  // namespace dfa
