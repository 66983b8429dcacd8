#include "train/parity/parity.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli_train/run.hpp"
#include "nn/network.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

class Parity : public testing::Test {
 protected:
  void SetUp() override {
    DFA_REQUIRE_SHARED();
    train::set_torch_threads(1);
    auto file = read_safetensors(shared_path("oracle/tiny/golden.safetensors"));
    ASSERT_TRUE(file) << file.error().message;
    golden_ = std::move(*file);
    const auto config = golden_config(golden_);
    ASSERT_TRUE(config) << config.error().message;
    weights_ = hash_weights(*config);
  }

  ParityReport report(const std::set<std::string>& groups = parity_group_names()) const {
    auto compared = run_parity(weights_, golden_, groups);
    if (!compared) throw std::runtime_error(compared.error().message);
    return std::move(*compared);
  }

  // Moves every element of a golden tensor by `shift` times the largest.
  void damage(const std::string& name, double shift) {
    Tensor& tensor = golden_.tensors.at(name);
    std::vector<float> values = *tensor.to_f32();
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    for (float& value : values) value += static_cast<float>(shift) * largest;
    tensor = Tensor::from_f32(tensor.shape, values);
  }

  static const ParityGroup& group(const ParityReport& report, const std::string& name) {
    for (const ParityGroup& one : report.groups)
      if (one.name == name) return one;
    throw std::runtime_error("no group " + name);
  }

  TensorFile golden_;
  TensorMap weights_;
};

TEST_F(Parity, TheAuthorsNumbersAreReproduced) {
  const ParityReport compared = report();
  EXPECT_TRUE(compared.ok()) << parity_json(compared, "hash rule", "golden");
  EXPECT_EQ(compared.counts.trained, 1'129'384);
  EXPECT_EQ(compared.counts.frozen, 207'504);
  EXPECT_EQ(group(compared, "grad").compared.size(), 108U);
  EXPECT_EQ(group(compared, "stats").compared.size(), 14U);
  EXPECT_EQ(group(compared, "sgd3").compared.size(), 95U);
}

// A comparison that cannot fail proves nothing: each group fails on its own damage, and only that group.
TEST_F(Parity, EachGroupSeesItsOwnDamage) {
  const std::pair<const char*, const char*> cases[] = {{"logits", "train.logits"},
                                                       {"logits", "eval.feature"},
                                                       {"loss", "train.loss"},
                                                       {"grad", "grad.blocks.3.adaptor.scale"},
                                                       {"stats", "after_forward.head.0.running_var"},
                                                       {"sgd3", "sgd3.losses"},
                                                       {"sgd3", "sgd3.level_embed"}};
  const TensorFile whole = golden_;
  for (const auto& [name, tensor] : cases) {
    golden_ = whole;
    damage(tensor, 1e-3);
    const ParityReport compared = report();
    EXPECT_FALSE(compared.ok()) << tensor;
    for (const ParityGroup& one : compared.groups)
      if (one.name != "grad_f32") {
        EXPECT_EQ(one.ok(), one.name != name) << tensor << " " << one.name;
      }
    EXPECT_EQ(group(compared, name).worst(), tensor);
  }
}

TEST_F(Parity, NotANumberFails) {
  Tensor& tensor = golden_.tensors.at("grad.head.1.bias");
  tensor = Tensor::from_f32(tensor.shape, std::vector<float>{std::nanf(""), 0.0F});
  EXPECT_FALSE(report().ok());
}

TEST_F(Parity, MissingFailsUnlessNobodyAskedForIt) {
  golden_.tensors.erase("grad.level_embed");
  EXPECT_FALSE(report().ok());
  EXPECT_EQ(group(report(), "grad").missing, (std::vector<std::string>{"grad.level_embed"}));
  EXPECT_TRUE(report({"logits", "loss", "stats", "sgd3"}).ok());
  std::erase_if(golden_.tensors,
                [](const auto& item) { return item.first.starts_with("grad.") || item.first.starts_with("sgd3."); });
  EXPECT_FALSE(report().ok());
  EXPECT_TRUE(report({"logits", "loss", "stats"}).ok());
}

TEST_F(Parity, NothingComparedFails) {
  std::erase_if(golden_.tensors, [](const auto& item) { return item.first != "images" && item.first != "labels"; });
  EXPECT_FALSE(report({}).ok());
}

TEST_F(Parity, UnknownAndMisshapenTensorsFail) {
  const TensorFile whole = golden_;
  golden_.tensors["grad.blocks.0.norm1.weight"] = golden_.tensors.at("grad.level_embed");
  EXPECT_FALSE(report().ok());
  golden_ = whole;
  golden_.tensors["extra"] = golden_.tensors.at("grad.level_embed");
  EXPECT_FALSE(report().ok());
  golden_ = whole;
  golden_.tensors.at("eval.logits").shape = {2, 4};
  EXPECT_FALSE(report().ok());
}

TEST_F(Parity, TheCommandReadsBothContainersAndSaysItsVerdict) {
  const CancelFlag cancel;
  const TempDir dir;
  const std::string golden = shared_path("oracle/tiny/golden.safetensors").string();
  for (const char* weights :
       {"oracle/tiny/weights.safetensors", "oracle/tiny/checkpoint.pt", "oracle/tiny/checkpoint_legacy.pt"}) {
    std::ostringstream out, err;
    const std::vector<std::string> argv = {"parity", shared_path(weights).string(), golden};
    EXPECT_EQ(cli_train::run(argv, {out, err}, cancel), 0) << weights << err.str();
    const auto json = nlohmann::json::parse(out.str());
    EXPECT_EQ(json["ok"], true);
    EXPECT_EQ(json["parameters"]["trained"], 1'129'384);
  }
  damage("train.loss", 1e-3);
  ASSERT_TRUE(write_safetensors(golden_, dir / "damaged.safetensors"));
  std::ostringstream out, err;
  const std::vector<std::string> argv = {"parity", shared_path("oracle/tiny/weights.safetensors").string(),
                                         (dir / "damaged.safetensors").string()};
  EXPECT_EQ(cli_train::run(argv, {out, err}, cancel), 1);
  const std::vector<std::string> wrong = {"parity", "--groups", "logits,losses", argv[1], argv[2]};
  EXPECT_EQ(cli_train::run(wrong, {out, err}, cancel), 2);
  EXPECT_NE(err.str().find("\"losses\""), std::string::npos);
}

TEST(ParityConfig, NeedsTheMetadata) {
  TensorFile golden;
  golden.metadata["image"] = "64";
  const auto config = golden_config(golden);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("\"dim\""), std::string::npos);
}

}  // namespace
}  // namespace dfa::test
