#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model.hpp"
#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

using namespace std::string_literals;

constexpr std::string_view kText =
    R"({"arch":"vit","image":64,"patch":16,"dim":48,"depth":6,"heads":3,"mlp":192,"activation":"gelu","norm_eps":1e-06,"pre_norm":false,)"
    R"("gba":{"bottleneck":8},"lsa":{"heads":6,"spm_width":64,"stages":[[0,1],[2,3],[4,5]]},"readout":"token0","readout_norm":"trunk",)"
    R"("head":{"kind":"batchnorm_linear","classes":2}})";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kText);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refusal(const std::string& json) {
  const auto config = parse_network_config(json);
  if (config) return "(was read)";
  EXPECT_EQ(config.error().code, ErrorCode::model_incompatible);
  return config.error().message;
}

TEST(ConfigJson, RoundTrip) {
  const auto config = parse_network_config(kText);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->dim, 48);
  EXPECT_EQ(config->lsa_heads, 6);
  EXPECT_EQ(config->bottleneck, 8);
  EXPECT_EQ(config->stages, (std::vector<StageRange>{{0, 1}, {2, 3}, {4, 5}}));
  EXPECT_EQ(network_config_json(*config), kText);
}

TEST(ConfigJson, FilesOfBeforeTheReadoutNormStillLoad) {
  const auto config = parse_network_config(replaced(R"("readout_norm":"trunk",)", ""));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, parse_network_config(kText).value());
  EXPECT_EQ(config->readout_norm, ReadoutNorm::trunk);
}

TEST(ConfigJson, ReadoutsAndHeadsAreReadStrictly) {
  const auto query = parse_network_config(replaced("\"token0\"", "\"query:12\""));
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ(query->readout, Readout::query);
  EXPECT_EQ(query->queries, 12);
  for (const char* wrong : {"query", "query:", "query:0", "query:257", "query:4x", "query:-1", "query: 4"})
    EXPECT_THAT(refusal(replaced("\"token0\"", "\"" + std::string(wrong) + "\"")),
                HasSubstr("expected token0, cls, level-mean or query:K with K from 1 to 256"))
        << wrong;
  EXPECT_THAT(refusal(replaced("\"trunk\"", "\"mine\"")), HasSubstr("readout_norm \"mine\" is not known"));
  EXPECT_THAT(refusal(replaced("\"trunk\"", "1")), HasSubstr("readout_norm is 1"));
  EXPECT_EQ(parse_network_config(replaced("batchnorm_linear", "l2-linear"))->head, HeadKind::l2_linear);
}

TEST(ConfigJson, EveryFieldSurvives) {
  NetworkConfig config = test::small_config();
  config.norm_eps = 3e-7;
  config.classes = 5;
  config.readout = Readout::level_mean;
  EXPECT_EQ(parse_network_config(network_config_json(config)).value(), config);
  config.readout = Readout::query;
  config.queries = 7;
  config.readout_norm = ReadoutNorm::own;
  config.head = HeadKind::l2_linear;
  EXPECT_EQ(parse_network_config(network_config_json(config)).value(), config);
  config.queries = NetworkConfig{}.queries;
  config.lsa = false;
  config.readout = Readout::cls;
  config.lsa_heads = NetworkConfig{}.lsa_heads;  // what is absent is not written, and comes back as the default
  config.spm_width = NetworkConfig{}.spm_width;
  config.stages = NetworkConfig{}.stages;
  config.gba = false;
  config.bottleneck = NetworkConfig{}.bottleneck;
  EXPECT_EQ(parse_network_config(network_config_json(config)).value(), config);
  EXPECT_THAT(network_config_json(config), HasSubstr(R"("gba":false,"lsa":false)"));
}

TEST(ConfigJson, IsStrict) {
  EXPECT_THAT(refusal(""), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(std::string(kText) + "x"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(replaced("\"dim\":48,", "")), HasSubstr("dfa.config: dim is missing"));
  EXPECT_THAT(refusal(replaced("\"dim\":48", "\"dim\":48,\"width\":1")), HasSubstr("key width is not known"));
  EXPECT_THAT(refusal(replaced("\"dim\":48", "\"dim\":48,\"dim\":48")), HasSubstr("key dim comes twice"));
  EXPECT_THAT(refusal(replaced("\"bottleneck\":8", "\"bottleneck\":8,\"bottleneck\":8")),
              HasSubstr("key bottleneck comes twice"));
  EXPECT_THAT(refusal(replaced("\"dim\":48", "\"dim\":\"48\"")), HasSubstr("dim is \"48\", expected a whole number"));
  EXPECT_THAT(refusal(replaced("\"dim\":48", "\"dim\":48.0")), HasSubstr("dim is 48.0, expected a whole number"));
  EXPECT_THAT(refusal(replaced("\"dim\":48", "\"dim\":0")), HasSubstr("dim is 0, expected a whole number from 1"));
  EXPECT_THAT(refusal(replaced("\"dim\":48", "\"dim\":18446744073709551615")), HasSubstr("expected a whole number"));
  EXPECT_THAT(refusal(replaced("\"activation\":\"gelu\"", "\"activation\":\"relu\"")),
              HasSubstr("activation \"relu\" is not known, expected one of gelu, quick-gelu, silu"));
  EXPECT_THAT(refusal(replaced("\"pre_norm\":false", "\"pre_norm\":0")), HasSubstr("pre_norm is 0, expected"));
  EXPECT_THAT(refusal(replaced("\"pre_norm\":false", "\"pre_norm\":false,\"registers\":0")),
              HasSubstr("registers is 0, expected a whole number from 1"));
  EXPECT_THAT(refusal(replaced("\"gba\":{\"bottleneck\":8}", "\"gba\":true")),
              HasSubstr("gba is true, expected an object"));
  EXPECT_THAT(refusal(replaced("\"gba\":{\"bottleneck\":8}", "\"gba\":{}")),
              HasSubstr("dfa.config gba: bottleneck is missing"));
  EXPECT_THAT(refusal(replaced("\"spm_width\":64", "\"spm_width\":64,\"x\":1")),
              HasSubstr("dfa.config lsa: key x is not known"));
  EXPECT_THAT(refusal(replaced("[[0,1]", "[[0,1,2]")), HasSubstr("stages are no list of block ranges"));
  EXPECT_THAT(refusal(replaced("[[0,1]", "[[-1,1]")), HasSubstr("stages are no list"));
  EXPECT_THAT(refusal(replaced("[[0,1]", "[[0,1.5]")), HasSubstr("stages are no list"));
  EXPECT_THAT(refusal(replaced("\"token0\"", "\"token1\"")), HasSubstr("readout \"token1\" is not known"));
  EXPECT_THAT(refusal(replaced("\"batchnorm_linear\"", "\"mlp\"")),
              HasSubstr("kind is \"mlp\", expected batchnorm_linear, l2_linear or linear"));
  EXPECT_THAT(refusal(replaced("\"norm_eps\":1e-06", "\"norm_eps\":2")),
              HasSubstr("norm_eps is 2, expected a number from 0 to 1"));
  EXPECT_THAT(refusal(replaced("\"head\":{", "\"head\":false,\"h\":{")),
              HasSubstr("head is false, expected an object"));
}

TEST(ConfigJson, FieldsMustFitTogether) {
  EXPECT_THAT(refusal(replaced("\"heads\":3", "\"heads\":5")), HasSubstr("heads is 5, which does not divide dim 48"));
  EXPECT_THAT(refusal(replaced("[4,5]]", "[4,6]]")), HasSubstr("stages"));
}

TEST(ConfigJson, LongAndDeepTextIsRefused) {
  EXPECT_THAT(refusal(std::string(2'000'000, ' ')), HasSubstr("2000000 bytes of JSON, at most"));
  EXPECT_THAT(refusal(replaced("\"vit\"", std::string(300'000, '[') + std::string(300'000, ']'))),
              HasSubstr("more than 64 levels of JSON"));
  EXPECT_THAT(refusal(std::string(900'000, '[')), HasSubstr("more than 64 levels of JSON"));
}

NetworkConfig with(std::initializer_list<std::string_view> assignments) {
  NetworkConfig config;
  for (const std::string_view assignment : assignments) {
    const Status status = set_network_field(config, assignment);
    EXPECT_TRUE(status) << status.error().message;
  }
  return config;
}

TEST(SetField, NestedAndFlatNamesReachTheSameFields) {
  const NetworkConfig flat = with({"image=64", "dim=48", "depth=6", "heads=3", "lsa_heads=6", "bottleneck=8",
                                   "stages=[[0, 1], [2, 3], [4, 5]]", "mlp=192"});
  EXPECT_EQ(flat, parse_network_config(kText).value());
  const NetworkConfig nested = with({"image=64", "dim=48", "depth=6", "heads=3", "lsa.heads=6", "gba.bottleneck=8",
                                     "lsa.stages=[[0,1],[2,3],[4,5]]", "mlp=192", "lsa.spm_width=64", "head.classes=2",
                                     "head.kind=batchnorm_linear"});
  EXPECT_EQ(nested, flat);
}

TEST(SetField, EveryOtherField) {
  const NetworkConfig config =
      with({"arch=vit", "patch=8", "norm_eps=1e-5", "gba=false", "lsa=false", "readout=cls", "spm_width=32",
            "classes=3", "activation=gelu", "pre_norm=false", "head=batchnorm_linear"});
  EXPECT_EQ(config.patch, 8);
  EXPECT_EQ(config.norm_eps, 1e-5);
  EXPECT_FALSE(config.gba || config.lsa);
  EXPECT_EQ(config.readout, Readout::cls);
  EXPECT_EQ(config.spm_width, 32);
  EXPECT_EQ(config.classes, 3);
}

// Every field that tells one kind of ViT from another, through --set, through JSON and back.
TEST(SetField, KindsOfTrunks) {
  const NetworkConfig config =
      with({"activation=silu", "gated_mlp=true", "pre_norm=true", "patch_bias=false", "distilled=true", "registers=4",
            "layer_scale=true", "rotary_base=100", "lsa.source=patch", "head=linear", "lsa_heads=6"});
  EXPECT_EQ(config.activation, Activation::silu);
  EXPECT_TRUE(config.gated_mlp && config.pre_norm && config.distilled && config.layer_scale);
  EXPECT_FALSE(config.patch_bias);
  EXPECT_EQ(config.registers, 4);
  EXPECT_EQ(config.positions, Positions::rotary);
  EXPECT_EQ(config.spatial_source, SpatialSource::patch);
  EXPECT_EQ(config.head, HeadKind::linear);
  const auto read = parse_network_config(network_config_json(config));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, config);
  EXPECT_EQ(with({"registers=4", "registers=0"}).registers, 0);
  EXPECT_EQ(with({"rotary_base=50", "rotary_base=learned"}).positions, Positions::learned);
}

TEST(SetField, ReadoutsAndHeads) {
  const NetworkConfig config = with({"readout=query:6", "readout_norm=own", "head=l2-linear"});
  EXPECT_EQ(config.readout, Readout::query);
  EXPECT_EQ(config.queries, 6);
  EXPECT_EQ(config.readout_norm, ReadoutNorm::own);
  EXPECT_EQ(config.head, HeadKind::l2_linear);
  EXPECT_EQ(with({"readout=query:6", "readout=cls"}).queries, NetworkConfig{}.queries);
}

TEST(SetField, RefusesWhatItDoesNotUnderstand) {
  const auto message = [](std::string_view assignment) {
    NetworkConfig config;
    const Status status = set_network_field(config, assignment);
    EXPECT_EQ(config, NetworkConfig{}) << assignment;
    if (status) return std::string("(was set)");
    EXPECT_EQ(status.error().code, ErrorCode::usage);
    return status.error().message;
  };
  EXPECT_EQ(message("head_s=3"), "--set head_s: there is no such key; did you mean heads?");
  EXPECT_THAT(message("lsa-heads=3"), HasSubstr("did you mean lsa.heads?"));
  EXPECT_THAT(message("stage=[[0,1]]"), HasSubstr("did you mean stages?"));
  EXPECT_THAT(message("heads"), HasSubstr("expected key=value"));
  EXPECT_THAT(message("=3"), HasSubstr("no such key"));
  EXPECT_EQ(message("heads=three"), "--set heads: got \"three\", expected a whole number above 0");
  for (const char* value : {"", "0", "-1", "3.0", "3 ", " 3", "0x3", "99999999999"})
    EXPECT_THAT(message(std::string("heads=") + value), HasSubstr("a whole number")) << value;
  EXPECT_THAT(message("stages=[[0,1]"), HasSubstr("expected block ranges"));
  EXPECT_THAT(message("stages=7"), HasSubstr("expected block ranges"));
  EXPECT_THAT(message("stages=[[0,1]],\"x\":1"), HasSubstr("expected block ranges"));
  EXPECT_THAT(message("stages=" + std::string(100'000, '[')), HasSubstr("expected block ranges"));
  EXPECT_THAT(message("lsa=yes"), HasSubstr("expected true or false"));
  EXPECT_THAT(message("readout=token1"), HasSubstr("expected token0, cls, level-mean or query:K"));
  EXPECT_THAT(message("norm_eps=nan"), HasSubstr("above 0 and below 1"));
  EXPECT_THAT(message("arch=swin"), HasSubstr("this build knows only \"vit\""));
}

}  // namespace
}  // namespace dfa
