// dfa import and dfa model, in-process: what they print, and the exit statuses that scripts rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/run.hpp"
#include "model/golden.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ModelCommands : public testing::Test {
 protected:
  // Runs `dfa ARGS`, and keeps what it printed.
  int run(const std::vector<std::string>& args) {
    std::istringstream in;
    out_.str("");
    err_.str("");
    return cli::run(args, {.in = in, .out = out_, .err = err_});
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }

  // A model file with its proof, and one of other weights with the proof of the first.
  void write_models() {
    Model model = test::small_model();
    model.golden = make_golden(model, synthetic_crops(2, 40), 2, Dtype::f32).value();
    ASSERT_TRUE(save_model(model, path("good.dfa"), Dtype::f32));
    model.name = "wrong";
    model.weights["head.1.bias"] = Tensor::from_f32({2}, std::vector<float>{5, -5});
    ASSERT_TRUE(save_model(model, path("wrong.dfa"), Dtype::f32));
  }

  test::TempDir folder_;
  std::ostringstream out_, err_;
};

TEST_F(ModelCommands, ShowPrintsTextAndJson) {
  write_models();
  EXPECT_EQ(run({"model", "show", path("good.dfa")}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("dim 12"));
  EXPECT_EQ(run({"model", "show", path("good.dfa"), "--format", "json"}), 0);
  EXPECT_EQ(json::parse(out()).at("schema"), "dfa.model/1");
}

TEST_F(ModelCommands, AModelThatCannotBeReadIsStatus5) {
  test::write_bytes(path("text"), "no model at all, but some bytes");
  for (const char* name : {"none.dfa", "text"}) {
    EXPECT_EQ(run({"model", "show", path(name)}), 5);
    EXPECT_EQ(run({"model", "verify", path(name)}), 5);
    EXPECT_EQ(run({"model", "diff", path(name), path(name)}), 5);
    EXPECT_THAT(err(), HasSubstr(name));
    EXPECT_EQ(out(), "");
  }
}

TEST_F(ModelCommands, VerifyIs0OnlyWhenEverythingWasComparedAndFits) {
  write_models();
  EXPECT_EQ(run({"model", "verify", path("good.dfa")}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("verified"));
  EXPECT_EQ(run({"model", "verify", path("wrong.dfa"), "--engine", "ref"}), 5);
  EXPECT_THAT(out(), HasSubstr("NOT verified"));
  ASSERT_TRUE(save_model(test::small_model(), path("bare.dfa"), Dtype::f32));
  EXPECT_EQ(run({"model", "verify", path("bare.dfa")}), 5);
  EXPECT_THAT(out(), HasSubstr("carries no golden vectors"));
  EXPECT_EQ(run({"model", "verify", path("wrong.dfa"), "--format", "json"}), 5);
  EXPECT_FALSE(json::parse(out()).at("ok"));
}

TEST_F(ModelCommands, EnginesAreNamedByCommas) {
  write_models();
  const auto engines = [&] {
    std::vector<std::string> names;
    const json report = json::parse(out());
    for (const json& group : report.at("groups")) names.push_back(group.at("engine"));
    return names;
  };
  EXPECT_EQ(run({"model", "verify", "--engine", "ref,f32,ref", path("good.dfa"), "--format", "json"}), 0) << err();
  EXPECT_EQ(engines(), (std::vector<std::string>{"ref", "f32"}));
  EXPECT_EQ(run({"model", "verify", "--engine=f32", path("good.dfa"), "--format", "json"}), 0) << err();
  EXPECT_EQ(engines(), std::vector<std::string>{"f32"});
  for (const char* wrong : {"int8", "ref,", ",", "f64", ""})
    EXPECT_EQ(run({"model", "verify", "--engine", wrong, path("good.dfa")}), 2) << wrong;
}

TEST_F(ModelCommands, DiffNamesWhatDiffers) {
  write_models();
  EXPECT_EQ(run({"model", "diff", path("good.dfa"), path("wrong.dfa")}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("head.1.bias: largest difference"));
  EXPECT_THAT(out(), HasSubstr("dfa.name: small | wrong"));
  EXPECT_EQ(run({"model", "diff", path("good.dfa"), path("good.dfa"), "--format", "json"}), 0);
  EXPECT_TRUE(json::parse(out()).at("identical"));
  EXPECT_EQ(run({"model", "diff", path("good.dfa")}), 2);
}

TEST_F(ModelCommands, WrongCallsAreUsageErrors) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"model"},
                                             {"model", "show", "a", "b"},
                                             {"model", "show", "--golden", "x"},
                                             {"import"},
                                             {"import", "official", "x"},
                                             {"import", "onnx", "x", "--out", "y"},
                                             {"import", "official", "x", "--out", "y", "--dtype", "f8"},
                                             {"import", "timm", "x", "--out", "y", "--crop", "z"}})
    EXPECT_EQ(run(args), 2) << testing::PrintToString(args);
}

TEST_F(ModelCommands, ImportWritesAModelThatVerifies) {
  TensorFile weights;
  weights.tensors = hash_weights(test::small_config());
  ASSERT_TRUE(write_safetensors(weights, path("w.safetensors")));
  EXPECT_EQ(run({"import", "official", path("w.safetensors"), "--out", path("m.dfa")}), 5);  // heads cannot be told
  EXPECT_THAT(err(), HasSubstr("--set heads=3"));
  EXPECT_FALSE(std::filesystem::exists(path("m.dfa")));
  const std::vector<std::string> args = {
      "import",      "official", path("w.safetensors"),  "--out",   path("m.dfa"), "--set",  "heads=2", "--set",
      "lsa_heads=3", "--set",    "stages=[[0,0],[1,2]]", "--dtype", "f16",         "--name", "mine"};
  EXPECT_EQ(run(args), 0) << err();
  EXPECT_THAT(out(), HasSubstr("tensors matched, 0 missing, 0 unexpected, 0 of the wrong shape or type"));
  EXPECT_THAT(out(), HasSubstr("written: "));
  EXPECT_EQ(run({"model", "verify", path("m.dfa")}), 0) << out() << err();
  EXPECT_EQ(load_model(path("m.dfa"))->name, "mine");
  EXPECT_EQ(load_model(path("m.dfa"))->weights.at("cls_token").dtype, Dtype::f16);
}

TEST_F(ModelCommands, ExportWritesTheFormOrSaysWhatItNeeds) {
  write_models();
  EXPECT_EQ(run({"export", path("good.dfa"), "--to", "onnx", "--out", path("m.onnx")}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("opset 17"));
  EXPECT_THAT(out(), HasSubstr("written: " + path("m.onnx")));
  EXPECT_EQ(run({"export", path("good.dfa"), "--to", "adapter", "--out", path("a.dfa"), "--format", "json"}), 0);
  EXPECT_EQ(json::parse(out()).at("schema"), "dfa.exported/1");
  EXPECT_EQ(run({"export", path("good.dfa"), "--out", path("m.onnx")}), 2);
  EXPECT_EQ(run({"export", path("good.dfa"), "--to", "onnxx", "--out", path("m.onnx")}), 2);
  EXPECT_EQ(run({"export", path("a.dfa"), "--to", "merged", "--out", path("m.dfa")}), 2);
  EXPECT_THAT(err(), HasSubstr("--base TRUNK"));
  EXPECT_EQ(run({"export", path("none.dfa"), "--to", "onnx", "--out", path("m.onnx")}), 5);
  EXPECT_EQ(run({"export", path("good.dfa"), "--to", "onnx", "--out", path("no/folder/m.onnx")}), 1);
}

TEST_F(ModelCommands, ImportRefusesWithTheRightStatus) {
  EXPECT_EQ(run({"import", "official", path("none.pt"), "--out", path("m.dfa")}), 3);
  EXPECT_EQ(run({"import", "official", test::source_path("tests/golden/tensorfile/whole_object.pt").string(), "--out",
                 path("m.dfa")}),
            5);
  EXPECT_THAT(err(), HasSubstr("torch.save(model)"));
  EXPECT_EQ(run({"import", "official", test::source_path("tests/golden/tensorfile/plain.pt").string(), "--out",
                 path("m.dfa")}),
            5);
  EXPECT_THAT(err(), HasSubstr("no tensor cls_token"));
  TensorFile weights;
  weights.tensors = hash_weights(test::small_config());
  ASSERT_TRUE(write_safetensors(weights, path("w")));
  EXPECT_EQ(run({"import", "official", path("w"), "--out", path("m.dfa"), "--set", "hedas=2"}), 2);
  EXPECT_THAT(err(), HasSubstr("did you mean heads?"));
}

TEST_F(ModelCommands, TheSharedCheckpointVerifiesAgainstTheAuthorsNumbers) {
  DFA_REQUIRE_SHARED();
  const std::string golden = test::shared_path("oracle/tiny/golden.safetensors").string();
  for (const char* name : {"checkpoint.pt", "checkpoint_legacy.pt", "weights.safetensors"}) {
    ASSERT_EQ(run({"import", "official", test::shared_path(std::string("oracle/tiny/") + name).string(), "--out",
                   path("m.dfa"), "--set", "heads=3"}),
              0)
        << err();
    EXPECT_EQ(run({"model", "verify", path("m.dfa"), "--golden", golden}), 0) << out() << err();
  }
}

}  // namespace
}  // namespace dfa
