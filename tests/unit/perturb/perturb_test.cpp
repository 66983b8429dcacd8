// What holds for every code.
#include "perturb/perturb.hpp"

#include <gtest/gtest.h>

#include "unit/perturb/test_pictures.hpp"

namespace dfa::test {
namespace {

// function(perturbation, info) for every code at its first and last level.
template <class Function>
void for_each_end(Function function) {
  for (const PerturbKind kind : perturb_kinds())
    for (const CodeInfo* info : codes_of(kind))
      for (const int level : {1, static_cast<int>(info->levels.size())})
        function(Perturbation{kind, info->code, level}, *info);
}

std::vector<Picture> run_of_frames(int count, int width, int height) {
  std::vector<Picture> frames;
  for (int i = 0; i < count; ++i) {
    frames.push_back(ramp(width, height));
    const auto step = static_cast<std::ptrdiff_t>(9 * i);
    std::rotate(frames.back().rgb.begin(), frames.back().rgb.begin() + step, frames.back().rgb.end());
  }
  return frames;
}

TEST(Perturb, EqualSeedsGiveEqualBytesAndOthersOtherNoise) {
  const Picture input = ramp(270, 258);  // large enough for blocks
  for_each_end([&](const Perturbation& perturbation, const CodeInfo& info) {
    if (perturbation.code == "NOISE" && perturbation.level == 1) return;  // sigma 0
    const Picture once = perturbed(input, perturbation, 1);
    EXPECT_EQ(perturbed(input, perturbation, 1).rgb, once.rgb) << perturbation.code;
    const bool same = perturbed(input, perturbation, 2).rgb == once.rgb;
    EXPECT_EQ(same, info.randomness == Randomness::none) << perturbation.code;
  });
}

TEST(Perturb, KeepsTheSizeWhereItSaysSo) {
  const Picture input = ramp(97, 63);
  for_each_end([&](const Perturbation& perturbation, const CodeInfo& info) {
    const Picture out = perturbed(input, perturbation);
    if (info.size == SizeEffect::changes) return;
    EXPECT_EQ(out.width, 97) << perturbation.code;
    EXPECT_EQ(out.height, 63) << perturbation.code;
  });
}

TEST(Perturb, LeavesItsInputAndReadsRowsWithGaps) {
  const Picture wide = noise(40, 20);
  const Picture before = wide;
  const PictureView left{24, 20, wide.view().stride, wide.rgb.data()};
  Picture close{24, 20, {}};
  for (int y = 0; y < 20; ++y) close.rgb.insert(close.rgb.end(), left.row(y), left.row(y) + 3 * 24);
  for_each_end([&](const Perturbation& perturbation, const CodeInfo&) {
    const auto gapped = perturb(left, perturbation, RngStream(1, "test"));
    ASSERT_TRUE(gapped) << gapped.error().message;
    EXPECT_EQ(gapped->rgb, perturbed(close, perturbation, 1).rgb) << perturbation.code;
  });
  EXPECT_EQ(wide.rgb, before.rgb);
}

TEST(Perturb, APictureIsARunOfOneFrame) {
  const std::vector<Picture> one = run_of_frames(1, 64, 48);
  for_each_end([&](const Perturbation& perturbation, const CodeInfo&) {
    const auto run = perturb_frames(one, perturbation, RngStream(1, "test"));
    ASSERT_TRUE(run) << run.error().message;
    ASSERT_EQ(run->size(), 1U);
    EXPECT_EQ(run->front().rgb, perturbed(one.front(), perturbation, 1).rgb) << perturbation.code;
  });
}

TEST(Perturb, FramesDrawTheirOwnNoiseByTheirNumber) {
  const std::vector<Picture> still(3, ramp(32, 24));
  const Perturbation noisy{PerturbKind::deeperforensics, "GNC", 3};
  const auto out = perturb_frames(still, noisy, RngStream(1, "test"));
  ASSERT_TRUE(out);
  EXPECT_NE((*out)[0].rgb, (*out)[1].rgb);
  EXPECT_EQ((*out)[2].rgb, perturb_before_codec(still[2].view(), noisy, RngStream(1, "test"), 2)->rgb);
}

TEST(Perturb, VideoCodecsGiveAsManyFramesInOrder) {
  const std::vector<Picture> frames = run_of_frames(12, 64, 48);
  for (const Perturbation& perturbation :
       {Perturbation{PerturbKind::deeperforensics, "VC", 1}, Perturbation{PerturbKind::recompress, "H264", 1},
        Perturbation{PerturbKind::recompress, "H265", 1}, Perturbation{PerturbKind::messenger, "CLIP", 1}}) {
    const auto out = perturb_frames(frames, perturbation, RngStream(1, "test"));
    ASSERT_TRUE(out) << out.error().message;
    ASSERT_EQ(out->size(), frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const double own = difference((*out)[i], frames[i]).mean;
      EXPECT_LT(own, difference((*out)[i], frames[(i + 6) % 12]).mean) << perturbation.code << ' ' << i;
      EXPECT_LT(own, 6) << perturbation.code << ' ' << i;
    }
  }
}

TEST(Perturb, RefusesPicturesWithoutPixels) {
  for_each_end([](const Perturbation& perturbation, const CodeInfo&) {
    const auto nothing = perturb(Picture{}.view(), perturbation, RngStream(1, "test"));
    ASSERT_FALSE(nothing) << perturbation.code;
    EXPECT_EQ(nothing.error().code, ErrorCode::usage);
  });
}

TEST(Perturb, StreamsDifferByEverythingThatNamesThem) {
  const Perturbation one{PerturbKind::deeperforensics, "GNC", 1}, two{PerturbKind::deeperforensics, "GNC", 2};
  const auto first = [](RngStream stream) { return stream.next_u64(); };
  EXPECT_EQ(first(perturb_stream(1, one, "a")), first(perturb_stream(1, one, "a")));
  EXPECT_NE(first(perturb_stream(1, one, "a")), first(perturb_stream(2, one, "a")));
  EXPECT_NE(first(perturb_stream(1, one, "a")), first(perturb_stream(1, two, "a")));
  EXPECT_NE(first(perturb_stream(1, one, "a")), first(perturb_stream(1, one, "b")));
}

}  // namespace
}  // namespace dfa::test
