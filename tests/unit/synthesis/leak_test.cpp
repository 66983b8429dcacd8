// Do self-blended pairs give themselves away where nothing was forged? A linear classifier looks at each picture of at
// least 400 pairs: high-pass statistics of its periphery, the size it takes when encoded, its brightness. It learns on
// half of the pictures and is asked about the other half. It must not be able to tell (AUC 0.5); where only the fakes
// are re-encoded, the known mistake, it must (above 0.8).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <iostream>
#include <optional>
#include <thread>

#include "augment/augment.hpp"
#include "base/machine.hpp"
#include "base/parallel_for.hpp"
#include "eval/auc.hpp"
#include "face/dlib_part.hpp"
#include "media/read_picture.hpp"
#include "media/write_picture.hpp"
#include "support/shared.hpp"
#include "synthesis/self_blend.hpp"

namespace dfa {
namespace {

constexpr std::size_t kPictures = 560;  // of each of two sets are looked at; some have no landmarks
constexpr std::size_t kLeastPairs = 400;
constexpr int kPeriphery = 32;  // pixels off the mask: as far as a JPEG carries a change

using Features = std::vector<double>;

// Mean, spread and share of zeros of absolute high-pass values.
class HighPass {
 public:
  void add(double value) {
    const double size = std::abs(value);
    sum_ += size, squares_ += size * size, zeros_ += size < 0.5 ? 1 : 0, ++count_;
  }
  void append_to(Features& features) const {
    const double n = std::max(count_, 1.0), mean = sum_ / n;
    features.insert(features.end(), {mean, std::sqrt(std::max(0.0, squares_ / n - mean * mean)), zeros_ / n});
  }

 private:
  double sum_ = 0, squares_ = 0, zeros_ = 0, count_ = 0;
};

// Pixels more than kPeriphery away from the mask; the same for both of a pair. By sums over rectangles: the square
// around a pixel holds nothing of the mask.
std::vector<bool> periphery_of(const Mask& mask) {
  const int w = mask.width, h = mask.height, stride = w + 1;
  std::vector<int> sums(static_cast<std::size_t>(stride * (h + 1)));  // of all above and to the left
  const auto sum = [&](int x, int y) -> int& { return sums[static_cast<std::size_t>(y * stride + x)]; };
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      sum(x + 1, y + 1) = sum(x, y + 1) + sum(x + 1, y) - sum(x, y) + (mask.at(x, y) > 0 ? 1 : 0);
  std::vector<bool> far(mask.value.size());
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const int x1 = std::max(0, x - kPeriphery), x2 = std::min(w, x + kPeriphery + 1);
      const int y1 = std::max(0, y - kPeriphery), y2 = std::min(h, y + kPeriphery + 1);
      far[static_cast<std::size_t>(y * w + x)] = sum(x2, y2) - sum(x1, y2) - sum(x2, y1) + sum(x1, y1) == 0;
    }
  return far;
}

Features features_of(const Picture& picture, const std::vector<bool>& periphery) {
  const int w = picture.width;
  const auto luma = [&](int x, int y) {
    const std::uint8_t* p = &picture.rgb[3 * static_cast<std::size_t>(y * w + x)];
    return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
  };
  HighPass across, down, both, across_edge, inside_edge;
  double light = 0, count = 0;
  for (int y = 1; y + 1 < picture.height; ++y)
    for (int x = 1; x + 1 < w; ++x) {
      if (!periphery[static_cast<std::size_t>(y * w + x)]) continue;
      const double here = luma(x, y);
      across.add(luma(x + 1, y) - here);
      down.add(luma(x, y + 1) - here);
      both.add(4 * here - luma(x - 1, y) - luma(x + 1, y) - luma(x, y - 1) - luma(x, y + 1));
      (x % 8 == 7 ? across_edge : inside_edge).add(luma(x + 1, y) - 2 * here + luma(x - 1, y));
      light += here, ++count;
    }
  Features features;
  for (const HighPass* part : {&across, &down, &both, &across_edge, &inside_edge}) part->append_to(features);
  double all_light = 0;
  for (const std::uint8_t v : picture.rgb) all_light += v;
  features.push_back(light / std::max(count, 1.0));
  features.push_back(all_light / static_cast<double>(picture.rgb.size()));
  features.push_back(std::log(static_cast<double>(encode_png(picture.view()).value().size())));
  return features;
}

struct PairFeatures {
  Features real, fake, planted;  // planted: the fake, re-encoded once more
};

std::optional<PairFeatures> look_at(const std::filesystem::path& path, std::uint64_t number) {
  thread_local std::unique_ptr<Detector> detector;
  if (!detector) detector = make_detector("dlib", {}).value();
  const auto finder = make_landmark_finder("dlib").value();
  FaceSource source{read_picture(path, {}).value(), {}, {}};
  const std::vector<Face> faces = detector->detect(source.picture.view()).value();
  if (faces.empty()) return std::nullopt;
  source.face = faces.front();
  source.landmarks = finder->find(source.picture.view(), source.face.box_px).value();
  const RngStream stream = RngStream(11, "leak test").child(number);
  const auto pair = self_blend(source, draw_self_blend(stream), PairOptions{});
  if (!pair) return std::nullopt;
  RngStream quality = stream.child(99);
  const Picture planted = reencode_jpeg(pair->fake, static_cast<int>(40 + quality.below(61))).value();
  const std::vector<bool> periphery = periphery_of(pair->mask);
  return PairFeatures{features_of(pair->real, periphery), features_of(pair->fake, periphery),
                      features_of(planted, periphery)};
}

std::vector<std::filesystem::path> pictures() {
  std::vector<std::filesystem::path> all;
  for (const char* set : {"data/faces/ffhq_real", "data/faces/web_real"}) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(test::shared_path(set))) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    paths.resize(std::min(paths.size(), kPictures / 2));
    all.insert(all.end(), paths.begin(), paths.end());
  }
  return all;
}

struct Labelled {
  std::vector<Features> features;
  std::vector<int> labels;
  void add(const Features& f, int label) {
    features.push_back(f);
    labels.push_back(label);
  }
};

// The features of the periphery come first: five high-pass values of three figures, and its brightness.
constexpr std::size_t kPeripheryFeatures = 16, kAllFeatures = 18;

// Logistic regression on standardised features, by plain gradient descent with a little weight decay.
class Logistic {
 public:
  Logistic(const Labelled& data, std::size_t count) : mean_(count), scale_(mean_), weight_(mean_) {
    const double n = static_cast<double>(data.features.size());
    for (const Features& f : data.features)
      for (std::size_t j = 0; j < count; ++j) mean_[j] += f[j] / n;
    for (const Features& f : data.features)
      for (std::size_t j = 0; j < count; ++j) scale_[j] += (f[j] - mean_[j]) * (f[j] - mean_[j]) / n;
    for (double& s : scale_) s = s > 0 ? 1 / std::sqrt(s) : 0;
    constexpr int kRounds = 2000;
    constexpr double kRate = 0.3, kDecay = 1e-3;
    for (int round = 0; round < kRounds; ++round) {
      Features gradient(weight_.size());
      double bias = 0;
      for (std::size_t i = 0; i < data.features.size(); ++i) {
        const double error = (1 / (1 + std::exp(-score(data.features[i]))) - data.labels[i]) / n;
        bias += error;
        for (std::size_t j = 0; j < gradient.size(); ++j) gradient[j] += error * at(data.features[i], j);
      }
      bias_ -= kRate * bias;
      for (std::size_t j = 0; j < weight_.size(); ++j) weight_[j] -= kRate * (gradient[j] + kDecay * weight_[j]);
    }
  }
  double score(const Features& f) const {
    double sum = bias_;
    for (std::size_t j = 0; j < weight_.size(); ++j) sum += weight_[j] * at(f, j);
    return sum;
  }

 private:
  double at(const Features& f, std::size_t j) const { return (f[j] - mean_[j]) * scale_[j]; }
  Features mean_, scale_, weight_;
  double bias_ = 0;
};

// AUC on pictures that the classifier has not seen.
double held_out_auc(const std::vector<PairFeatures>& pairs, Features PairFeatures::*fake, std::size_t features) {
  Labelled learn, ask;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Labelled& part = i % 2 == 0 ? learn : ask;
    part.add(pairs[i].real, 0);
    part.add(pairs[i].*fake, 1);
  }
  const Logistic classifier(learn, features);
  std::vector<double> scores;
  for (const Features& f : ask.features) scores.push_back(classifier.score(f));
  return area_under_curve(scores, ask.labels).value();
}

TEST(Leak, PeripherySizeAndBrightnessDoNotTellRealFromFake) {
  DFA_REQUIRE_SHARED();
  if (dlib_part() == DlibPart::absent) GTEST_SKIP() << "this build has no dlib: no landmarks for 400 pictures";
  const std::vector<std::filesystem::path> paths = pictures();
  std::vector<std::optional<PairFeatures>> found(paths.size());
  parallel_for(paths.size(), usable_processors(), CancelFlag{},
               [&](std::size_t, std::size_t i) { found[i] = look_at(paths[i], i); });
  std::vector<PairFeatures> pairs;
  for (auto& pair : found)
    if (pair) pairs.push_back(std::move(*pair));
  ASSERT_GE(pairs.size(), kLeastPairs);
  const double clean = held_out_auc(pairs, &PairFeatures::fake, kAllFeatures),
               around = held_out_auc(pairs, &PairFeatures::fake, kPeripheryFeatures),
               planted = held_out_auc(pairs, &PairFeatures::planted, kAllFeatures);
  std::cout << pairs.size() << " pairs of " << paths.size() << " pictures: AUC " << clean << " (periphery alone "
            << around << "), with a planted leak " << planted << '\n';
  ASSERT_EQ(pairs[0].real.size(), kAllFeatures);
  EXPECT_NEAR(around, 0.5, 0.05);
  EXPECT_NEAR(clean, 0.5, 0.05);
  EXPECT_GT(planted, 0.8);
}

}  // namespace
}  // namespace dfa
