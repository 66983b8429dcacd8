#include "nn/plan/plan.hpp"

#include <gtest/gtest.h>

#include "nn/plan/arena.hpp"

namespace dfa {
namespace {

// Remembers where its slices were bound.
class FakeStep final : public Step {
 public:
  FakeStep(std::vector<Slice> slices, std::vector<float*>& bound) : slices_(std::move(slices)), bound_(bound) {}
  void bind(const Workspace& workspace) override {
    for (const Slice slice : slices_) bound_.push_back(reinterpret_cast<float*>(workspace.at(slice)));
  }
  Status run(const RunContext&) override { return {}; }
  std::string_view op() const override { return "fake"; }
  std::string shape() const override { return "0"; }
  std::string kernel() const override { return "none"; }
  Element element() const override { return Element::f32; }
  std::vector<int> buffers() const override {
    std::vector<int> numbers;
    for (const Slice slice : slices_) numbers.push_back(slice.buffer);
    return numbers;
  }

 private:
  std::vector<Slice> slices_;
  std::vector<float*>& bound_;
};

class PlanTest : public testing::Test {
 protected:
  void add(std::vector<Slice> slices) {
    plan_.add_step(Part::blocks, "step", std::make_unique<FakeStep>(std::move(slices), bound_));
  }
  Plan plan_;
  std::vector<float*> bound_;
};

TEST_F(PlanTest, BuffersThatAreNeededTogetherLieApart) {
  const Slice a = plan_.add_buffer(100), b = plan_.add_buffer(50), c = plan_.add_buffer(10);
  add({a, b});
  add({b, c, a});
  std::vector<float> memory(plan_.lay_out());
  EXPECT_EQ(memory.size(), 112u + 64u + 16u);  // each rounded up to a cache line
  plan_.bind(memory.data());
  EXPECT_NE(bound_[0], bound_[1]);
  EXPECT_EQ(bound_[1], bound_[2]);  // b is one place for both steps
  EXPECT_EQ(bound_[0], bound_[4]);
}

TEST_F(PlanTest, BuffersThatAreNeverNeededTogetherShareAPlace) {
  const Slice a = plan_.add_buffer(160), b = plan_.add_buffer(16), c = plan_.add_buffer(160), d = plan_.add_buffer(160);
  add({a, b});
  add({b, c});
  add({c, d});
  EXPECT_EQ(plan_.lay_out(), 320u);  // a and c in one place, b and d in the other
}

TEST_F(PlanTest, UnusedBuffersTakeNoPlace) {
  plan_.add_buffer(1000);
  add({plan_.add_buffer(16)});
  EXPECT_EQ(plan_.lay_out(), 16u);
}

TEST_F(PlanTest, ASliceIsAnOffsetIntoItsBuffer) {
  const Slice a = plan_.add_buffer(64);
  add({a, a.at(10).at(3)});
  std::vector<float> memory(plan_.lay_out());
  plan_.bind(memory.data());
  EXPECT_EQ(bound_[1] - bound_[0], 13);
}

TEST(Arena, IsZeroAlignedAndMovable) {
  Result<Arena> arena = Arena::reserve(1000);
  ASSERT_TRUE(arena);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena->data()) % 64, 0u);
  EXPECT_EQ(arena->data()[999], 0.0F);
  float* data = arena->data();
  const Arena moved = std::move(*arena);
  EXPECT_EQ(moved.size(), 1000u);
  EXPECT_EQ(arena->data(), nullptr);
  data[0] = 1.0F;
}

TEST(Arena, MoreThanTheAddressSpaceIsAnError) {
  const Result<Arena> arena = Arena::reserve(std::size_t{1} << 58);
  ASSERT_FALSE(arena);
  EXPECT_EQ(arena.error().code, ErrorCode::out_of_memory);
}

}  // namespace
}  // namespace dfa
