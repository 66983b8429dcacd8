#include "train/config/run_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

namespace dfa::test {
namespace {

using namespace dfa::train;
using testing::HasSubstr;

Result<RunConfig> parse(std::string_view json, std::vector<std::string> overrides = {}) {
  return parse_run_config(json, "test.json", overrides);
}

std::string message(std::string_view json, std::vector<std::string> overrides = {}) {
  const auto config = parse(json, std::move(overrides));
  EXPECT_FALSE(config);
  return config ? "" : config.error().message;
}

TEST(RunConfigFile, DefaultsAreThePublishedNetworkHonestlyTrained) {
  const auto config = parse("{}");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->network, NetworkConfig{});
  EXPECT_EQ(config->tuning, Tuning(adapter_groups()));
  EXPECT_EQ(config->schedule.epochs, 100);
  EXPECT_DOUBLE_EQ(config->schedule.peak, 0.1 * 32 / 256);
  EXPECT_EQ(config->optimizer.rule, Rule::sgd);
  EXPECT_EQ(config->optimizer.decay, Decay::matrices_only);
  EXPECT_EQ(config->augment_set, AugmentSet::standard);
}

TEST(RunConfigFile, ResolvedTextReadsBackToTheSame) {
  const auto config = parse(
      R"({"network": {"dim": 96, "heads": 3, "gba": false, "readout": "level-mean"}, "tuning": "lsa", "crop": {"name": "square1.3-inside", "stored_px": 192},
                               "augment": {"jpeg": {"p": 0.5}}, "schedule": {"epochs": 7, "warmup_epochs": 2}, "ema": 0.99})",
      {"batch=16", "optimizer.rule=adamw"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->network.mlp, 4 * 96);
  EXPECT_FALSE(config->network.gba);
  EXPECT_EQ(config->crop.kind, CropKind::square_inside);
  const std::string text = run_config_json(*config);
  const auto again = parse(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(run_config_json(*again), text);
  EXPECT_EQ(again->network, config->network);
  EXPECT_EQ(again->crop, config->crop);
  EXPECT_EQ(again->augment, config->augment);
}

// One word says what learns and, where the file does not, which adapters there are and what is read.
TEST(RunConfigFile, TuningImpliesTheNetwork) {
  const auto network = [](std::vector<std::string> overrides) {
    const auto config = parse("{}", std::move(overrides));
    EXPECT_TRUE(config) << (config ? "" : config.error().message);
    return config ? config->network : NetworkConfig{};
  };
  for (const std::string word : {"linear", "full", "layernorm", "bias", "lora:4", "svd:1", "layernorm+bias"}) {
    const NetworkConfig plain = network({"tuning=" + word});
    EXPECT_FALSE(plain.gba || plain.lsa) << word;
    EXPECT_EQ(plain.readout, Readout::cls) << word;
  }
  EXPECT_TRUE(network({"tuning=gba"}).gba);
  EXPECT_FALSE(network({"tuning=gba"}).lsa);
  EXPECT_EQ(network({"tuning=lsa+layernorm"}).readout, Readout::token0);
  EXPECT_EQ(network({"tuning=lsa", "readout=query:3"}).queries, 3);
  const NetworkConfig full = network({"tuning=full", "network.gba=true", "network.lsa=true"});
  EXPECT_TRUE(full.gba && full.lsa);
  EXPECT_EQ(full.readout, Readout::token0);
  EXPECT_THAT(message("{}", {"tuning=layernorm", "network.lsa=true"}), HasSubstr("--set network.lsa=false"));
  EXPECT_THAT(message("{}", {"tuning=gba", "network.gba=false"}), HasSubstr("which this network has not"));
  EXPECT_THAT(message("{}", {"tuning=gba", "readout=token0"}), HasSubstr("--set readout=cls or query:K"));
  EXPECT_THAT(message("{}", {"tuning=loar:2"}), HasSubstr("did you mean \"lora:R\"?"));
}

// One word compares ways of tuning on the published configuration, without another change.
TEST(RunConfigFile, ThePublishedConfigurationTakesEveryWord) {
  const std::filesystem::path path = std::filesystem::path(DFA_CONFIGS_DIR) / "vit-b16-official.json";
  for (const std::string word : {"linear", "full", "gba", "lsa", "gba+lsa", "layernorm", "bias", "lora:8", "svd:1"}) {
    const std::vector<std::string> overrides = {"tuning=" + word};
    const auto config = read_run_config(path, overrides);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(tuning_word(config->tuning), word);
    EXPECT_EQ(config->network.lsa, word == "lsa" || word == "gba+lsa");
  }
}

TEST(RunConfigFile, ReadoutsAndHeadsReadBack) {
  const auto config = parse(R"({"tuning": "full", "network": {"gba": {"bottleneck": 8}, "readout": "query:5",
                                "readout_norm": "own", "head": "l2-linear"}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->network.gba);
  EXPECT_EQ(config->network.bottleneck, 8);
  EXPECT_EQ(config->network.head, HeadKind::l2_linear);
  const auto again = parse(run_config_json(*config));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->network, config->network);
  EXPECT_EQ(again->tuning, config->tuning);
}

TEST(RunConfigFile, UnknownKeysNameTheNearestKnownOne) {
  EXPECT_NE(message(R"({"optimiser": {}})").find("did you mean \"optimizer\"?"), std::string::npos);
  EXPECT_NE(message(R"({"optimizer": {"momentun": 0.9}})").find("did you mean \"optimizer.momentum\"?"),
            std::string::npos);
  EXPECT_NE(message("{}", {"depht=4"}).find("did you mean \"depth\"?"), std::string::npos);
  EXPECT_NE(message(R"({"network": {"hedas": 4}})").find("heads"), std::string::npos);
}

TEST(RunConfigFile, AnAugmentationSetGivesTheNumbersThatAreNotGivenSingly) {
  const auto config = parse(R"({"augment": {"set": "gend", "jpeg": {"low": 50}, "affine": {"outside": "mirror"}}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->augment_set, AugmentSet::gend);
  AugmentOptions expected = augment_options_of(AugmentSet::gend);
  expected.jpeg.low = 50;
  expected.affine.outside = Outside::mirror;
  EXPECT_EQ(config->augment, expected);
  const auto again = parse(run_config_json(*config));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->augment, expected);
  const auto other = parse(R"({"augment": {"set": "gend", "flip": 0.25}})", {"augment.set=strong", "augment.grey=0.1"});
  ASSERT_TRUE(other) << other.error().message;
  expected = augment_options_of(AugmentSet::strong);
  expected.flip = 0.25;
  expected.grey = 0.1;
  EXPECT_EQ(other->augment, expected);
  EXPECT_NE(message(R"({"augment": {"set": "weak"}})").find("none, standard, gend, strong"), std::string::npos);
  EXPECT_NE(message(R"({"augment": {"blur_side": 4}})").find("augment.blur_side"), std::string::npos);
}

// Every number of "augment" reaches the options and the resolved text.
TEST(RunConfigFile, NoNumberOfAnAugmentationIsDropped) {
  const auto base = parse("{}", {"augment.set=none"});
  ASSERT_TRUE(base);
  const nlohmann::json augment = nlohmann::json::parse(run_config_json(*base))["augment"].flatten();
  const std::map<std::string, double> others = {{"flip", 0.5},  {"grey", 0.5},      {"blur_side", 3},  {"degrees", 5},
                                                {"shift", 0.2}, {"scale_low", 0.5}, {"scale_high", 2}, {"light", 0.1},
                                                {"pca", 1},     {"hue", 5},         {"saturation", 5}, {"value", 5},
                                                {"p", 0.5}};
  int numbers = 0;
  for (const auto& [pointer, value] : augment.items()) {
    if (!value.is_number()) continue;
    ++numbers;
    const std::string name = pointer.substr(pointer.rfind('/') + 1), step = pointer.substr(0, pointer.rfind('/'));
    const double changed = name == "low"    ? value.get<double>() / 2
                           : name == "high" ? (augment[step + "/low"].get<double>() + value.get<double>()) / 2
                                            : others.at(name);
    std::string key = "augment" + pointer;
    std::replace(key.begin(), key.end(), '/', '.');
    const bool is_side = name == "blur_side" || (step == "/kernel_blur" && name != "p");  // odd whole numbers
    const auto config =
        parse("{}", {"augment.set=none", fmt::format("{}={}", key, is_side ? std::floor(changed) : changed)});
    ASSERT_TRUE(config) << key << ": " << config.error().message;
    EXPECT_NE(config->augment, base->augment) << key;
    EXPECT_NE(run_config_json(*config), run_config_json(*base)) << key;
    EXPECT_EQ(parse(run_config_json(*config))->augment, config->augment) << key;
  }
  EXPECT_EQ(numbers, 9 * 3 + 3 + 5 + 6);
}

TEST(RunConfigFile, SamplesPerEpochNeedsARuleThatCanShowThem) {
  EXPECT_NE(message(R"({"data": {"samples_per_epoch": 100}})").find("balanced sampling and self_blend 1"),
            std::string::npos);
  EXPECT_TRUE(parse(R"({"data": {"samples_per_epoch": 100, "self_blend": 1}})"));
  EXPECT_TRUE(parse(R"({"data": {"samples_per_epoch": 100, "sampling": "balanced"}})"));
}

TEST(RunConfigFile, ClassWeightsAreAWordOrAList) {
  const auto weights = [](std::string_view json, std::vector<std::string> overrides = {}) {
    const auto config = parse(json, std::move(overrides));
    EXPECT_TRUE(config) << (config ? "" : config.error().message);
    if (!config) return ClassWeights{};
    const auto again = parse(run_config_json(*config));
    EXPECT_TRUE(again && again->data.class_weights == config->data.class_weights);
    return config->data.class_weights;
  };
  using Kind = ClassWeights::Kind;
  const std::string list = R"({"data": {"class_weights": [1, 2.5]}})";
  EXPECT_EQ(weights("{}").kind, Kind::none);
  EXPECT_EQ(weights(R"({"data": {"class_weights": "balanced"}})").kind, Kind::balanced);
  EXPECT_EQ(weights(list).list, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(weights("{}", {"data.class_weights=[1,3]"}).list, (std::vector<double>{1, 3}));
  EXPECT_EQ(weights(list, {"data.class_weights=[2, 3]"}).list, (std::vector<double>{2, 3}));
  EXPECT_EQ(weights(list, {"data.class_weights=none"}).kind, Kind::none);
  for (const char* wrong : {"equal", "[]", "[1,-1]", "[1,\"a\"]", "3", "{}"})
    EXPECT_THAT(message("{}", {std::string("data.class_weights=") + wrong}), HasSubstr("class_weights"));
  EXPECT_THAT(message(R"({"data": {"class_weights": 2}})"), HasSubstr("class_weights"));
  for (const char* other : {"data.sampling=balanced", "data.self_blend=0.5"})
    EXPECT_THAT(message("{}", {"data.class_weights=balanced", other}), HasSubstr("shares of its own"));
  EXPECT_TRUE(parse("{}", {"data.class_weights=[1,2]", "data.sampling=balanced"}));
}

TEST(RunConfigFile, DevicesAreWords) {
  for (const std::string word : {"cpu", "cuda", "cuda:3", "auto"}) {
    const auto config = parse("{}", {"device=" + word});
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(device_word(config->device), word);
    EXPECT_EQ(parse(run_config_json(*config))->device, config->device);
  }
  EXPECT_EQ(parse("{}")->device, DeviceWish{});
  for (const char* wrong : {"gpu", "cuda:", "cuda:-1", "cuda:1x", "cuda:128", "cpu:0"})
    EXPECT_THAT(message("{}", {std::string("device=") + wrong}), HasSubstr("cpu, cuda, cuda:N")) << wrong;
}

TEST(Device, AGpuThatIsNotThereIsRefused) {
  const auto automatic = choose_device(*device_by_word("auto"), 0);
  ASSERT_TRUE(automatic) << automatic.error().message;
  EXPECT_EQ(*choose_device(*device_by_word("cpu"), 5), Device{});
  if (automatic->kind == DeviceKind::cuda) {
    const auto far = choose_device(*device_by_word("cuda:127"), 0);
    ASSERT_FALSE(far);
    EXPECT_THAT(far.error().message, HasSubstr("GPU 127"));
    GTEST_SKIP() << "this machine has a GPU";
  }
  for (const char* word : {"cuda", "cuda:0"}) {
    const auto refused = choose_device(*device_by_word(word), 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::usage);
    for (const char* part : {word, "libtorch", "next step: device cpu"})
      EXPECT_THAT(refused.error().message, HasSubstr(part)) << word;
  }
}

TEST(RunConfigFile, FlatNamesMeanTheNetwork) {
  const auto config = parse(
      "{}", {"image=64", "dim=48", "depth=6", "heads=3", "lsa_heads=6", "bottleneck=8", "stages=[[0,1],[2,3],[4,5]]"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->network.bottleneck, 8);
  EXPECT_EQ(config->network.stages.size(), 3U);
  EXPECT_EQ(config->network.mlp, 192);
}

TEST(RunConfigFile, TextStaysText) {
  const auto config = parse("{}", {"name=7", "out=runs/a b"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->name, "7");
  EXPECT_EQ(config->out, "runs/a b");
}

TEST(RunConfigFile, WrongValuesSayWhatWasExpected) {
  EXPECT_NE(message("[]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(message(R"({"batch": "32"})").find("number"), std::string::npos);
  EXPECT_NE(message(R"({"batch": 2.5})").find("whole number"), std::string::npos);
  EXPECT_NE(message(R"({"batch": 1})").find("from 2"), std::string::npos);
  EXPECT_NE(message(R"({"seed": -1})").find("from 0"), std::string::npos);
  EXPECT_NE(message(R"({"trained": ["gba"]})").find("unknown key \"trained\""), std::string::npos);
  EXPECT_NE(message(R"({"optimizer": {"rule": "adam"}})").find("sgd, adamw"), std::string::npos);
  EXPECT_NE(message(R"({"augment": {"jpeg": {"p": 2}}})").find("augment.jpeg.p"), std::string::npos);
  EXPECT_NE(message(R"({"network": {"heads": 5}})").find("does not divide"), std::string::npos);
  EXPECT_NE(message("{}", {"batch"}).find("key=value"), std::string::npos);
  EXPECT_NE(message(R"({"data": {"sampling": "test"}})").find("shuffle, balanced, paired"), std::string::npos);
  EXPECT_NE(message(R"({"data": {"role": "test"}})").find("unknown key \"data.role\""), std::string::npos);
}

TEST(RunConfigFile, RanksAndParts) {
  const auto config =
      parse(R"({"accumulate": 4, "head_statistics": "rank", "rank_timeout_s": 5, "rank_backend": "gloo"})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->accumulate, 4);
  EXPECT_EQ(config->head_statistics, HeadStatistics::rank);
  EXPECT_EQ(config->rank_timeout_s, 5);
  EXPECT_EQ(config->rank_backend, RankBackend::gloo);
  EXPECT_EQ(parse("{}")->rank_backend, RankBackend::automatic);
  EXPECT_EQ(parse("{}")->head_statistics, HeadStatistics::whole);
  EXPECT_NE(message(R"({"accumulate": 0})").find("from 1"), std::string::npos);
  EXPECT_NE(message(R"({"head_statistics": "device"})").find("whole, rank"), std::string::npos);
  EXPECT_NE(message(R"({"rank_timeout_s": 1})").find("from 2"), std::string::npos);
  EXPECT_NE(message(R"({"rank_backend": "mpi"})").find("auto, gloo, nccl"), std::string::npos);
}

TEST(RunConfigFile, LossScale) {
  const auto config = parse(R"({"compute": "fp16", "loss_scale": {"when": "always", "start": 1024}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->compute, Compute::f16);
  EXPECT_EQ(config->loss_scale, (LossScaleOptions{ScaleWhen::always, 1024, 2000}));
  EXPECT_EQ(parse(run_config_json(*config))->loss_scale, config->loss_scale);
  EXPECT_NE(message(R"({"loss_scale": {"start": 0.5}})").find("loss_scale.start"), std::string::npos);
  EXPECT_NE(message(R"({"loss_scale": {"growth_steps": 0}})").find("from 1"), std::string::npos);
  EXPECT_NE(message(R"({"loss_scale": {"when": "never"}})").find("fp16, always"), std::string::npos);
  // What was published is fp16, where there may be a GPU for it.
  EXPECT_EQ(parse(R"({"recipe": "official", "device": "cuda"})")->compute, Compute::f16);
  EXPECT_NE(parse(R"({"recipe": "official"})")->compute, Compute::f16);
}

TEST(RunConfigFile, CommittedConfigurationsAreValid) {
  int read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(DFA_CONFIGS_DIR)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".json") || name.starts_with("study-")) continue;  // studies have a test of their own
    const auto config = read_run_config(entry.path(), {});
    EXPECT_TRUE(config) << config.error().message;
    ++read;
    if (!config || entry.path().parent_path().filename() != "paper") continue;
    EXPECT_EQ(config->recipe, Recipe::official);
    EXPECT_EQ(config->data.methods.size(), entry.path().stem().string().ends_with("all") ? 4U : 1U);
    EXPECT_EQ(config->name, entry.path().stem().string());
  }
  EXPECT_GE(read, 14);
}

}  // namespace
}  // namespace dfa::test
