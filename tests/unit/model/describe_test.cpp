#include "model/describe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(DescribeModel, ShowsWhatTheContractNames) {
  Model model = test::small_model();
  model.sha256 = "abc";
  const std::string text = model_text(model);
  for (const char* part :
       {"name         small", "detector, format 1", "sha256       abc", "dim 12", "gba (bottleneck 4)",
        "stages [[0,0],[1,2]]", "readout token0", "aligned1.3", "stored_px 40", "trunk, ", "adapters and head",
        "not validated", "Apache-2.0", "for tests", "seed 1", "none: the file cannot prove"})
    EXPECT_THAT(text, HasSubstr(part));
  model.calibration = Calibration{.temperature = 1.25,
                                  .thresholds = {{"fpr5", 0.75, 0.05, 0.8}},
                                  .set = "held",
                                  .reals = 10,
                                  .fakes = 20,
                                  .date = "d"};
  EXPECT_THAT(model_text(model),
              HasSubstr("temperature 1.25, on held (10 real, 20 fake, d)\n             fpr5: p_fake above 0.7500"));
}

TEST(DescribeModel, JsonHoldsTheSame) {
  Model model = test::small_model();
  const json shown = json::parse(model_json(model));
  EXPECT_EQ(shown.at("schema"), "dfa.model/1");
  EXPECT_EQ(shown.at("config").at("dim"), 12);
  EXPECT_EQ(shown.at("crop").at("stored_px"), 40);
  EXPECT_EQ(shown.at("parameters").at("trunk"), count_parameters(model.config).trunk);
  EXPECT_EQ(shown.at("parameters").at("adapters"), count_parameters(model.config).adapters);
  EXPECT_TRUE(shown.at("calibration").is_null());
  EXPECT_TRUE(shown.at("golden").is_null());
  EXPECT_TRUE(shown.at("sha256").is_null());
  EXPECT_EQ(shown.at("training").at("seed"), 1);
  EXPECT_EQ(shown.at("tensors").at("types").at("I64"), 7);  // six batch norms of the SPM, one of the head
}

TEST(DescribeModel, ABackboneHasNoAdaptersAndNoCrop) {
  const json shown = json::parse(model_json(test::small_backbone()));
  EXPECT_EQ(shown.at("parameters").at("adapters"), 0);
  EXPECT_TRUE(shown.at("crop").is_null());
  EXPECT_EQ(model_text(test::small_backbone()).find("calibration"), std::string::npos);
}

TEST(DescribeVerify, NamesFailures) {
  VerifyReport report;
  report.groups.push_back({.engine = "ref",
                           .group = "eval.logits",
                           .values = 8,
                           .largest = 5e-7,
                           .largest_absolute = 7e-7,
                           .tolerance = 2e-5,
                           .problem = ""});
  EXPECT_THAT(verify_text(report), HasSubstr("ok"));
  EXPECT_THAT(verify_text(report), HasSubstr("\nverified\n"));
  report.groups.push_back({.engine = "f32",
                           .group = "eval.feature",
                           .values = 8,
                           .largest = 1,
                           .largest_absolute = 1,
                           .tolerance = 2e-5,
                           .problem = ""});
  report.groups.push_back({.engine = "f32",
                           .group = "eval.logits",
                           .values = 0,
                           .largest = 0,
                           .largest_absolute = 0,
                           .tolerance = 2e-5,
                           .problem = "not in the golden file"});
  EXPECT_THAT(verify_text(report), HasSubstr("2e-05  FAILED\n"));
  EXPECT_THAT(verify_text(report), HasSubstr("FAILED: not in the golden file"));
  EXPECT_THAT(verify_text(report), HasSubstr("NOT verified\n"));
  const json shown = json::parse(verify_json(report, test::small_model()));
  EXPECT_FALSE(shown.at("ok"));
  EXPECT_EQ(shown.at("groups").size(), 3u);
  EXPECT_TRUE(shown.at("groups")[2].at("largest").is_null());
  EXPECT_EQ(shown.at("groups")[0].at("largest"), 5e-7);
}

TEST(DescribeDiff, BothForms) {
  Model b = test::small_model();
  EXPECT_THAT(diff_text(diff_models(b, b)), HasSubstr("identical"));
  b.name = "other";
  b.weights["norm.bias"] = Tensor::from_f32({12}, std::vector<float>(12, 9));
  const ModelDiff diff = diff_models(test::small_model(), b);
  EXPECT_THAT(diff_text(diff), HasSubstr("dfa.name: small | other"));
  EXPECT_THAT(diff_text(diff), HasSubstr("norm.bias: largest difference 9.0"));
  const json shown = json::parse(diff_json(diff));
  EXPECT_FALSE(shown.at("identical"));
  EXPECT_EQ(shown.at("tensors")[0].at("name"), "norm.bias");
}

}  // namespace
}  // namespace dfa
