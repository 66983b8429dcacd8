// Out and in again: what timm is given is what it is imported from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exchange/export_timm.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/exchange/backbone_kinds.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

TensorFile written(const Model& model, const std::filesystem::path& path) {
  auto file = timm_file(model);
  EXPECT_TRUE(file) << file.error().message;
  EXPECT_TRUE(write_safetensors(*file, path));
  return std::move(*file);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

TEST(ExportTimm, ImportExportImportIsTheSame) {
  const test::TempDir folder;
  std::size_t kinds = 0;
  for (const test::BackboneKind& kind : test::backbone_kinds()) {
    if (kind.word != "timm" && kind.word != "google-npz") continue;
    SCOPED_TRACE(kind.name);
    const auto first = test::import_kind(kind, kind.paths.front());
    ASSERT_TRUE(first) << first.error().message;
    const TensorFile file = written(first->model, folder / "timm.safetensors");
    ImportSettings settings;
    settings.set = {fmt::format("heads={}", first->model.config.heads)};
    const auto second = import_timm(folder / "timm.safetensors", settings);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(second->model.config, first->model.config);
    EXPECT_EQ(second->model.weights.size(), first->model.weights.size());
    for (const auto& [name, tensor] : first->model.weights)
      EXPECT_TRUE(same_bits(second->model.weights.at(name), tensor)) << name;
    const auto again = timm_file(second->model);
    for (const auto& [name, tensor] : file.tensors) EXPECT_TRUE(same_bits(again->tensors.at(name), tensor)) << name;
    ++kinds;
  }
  EXPECT_GE(kinds, 7u);
}

// timm's own files come out as they went in.
TEST(ExportTimm, ATimmFileIsWrittenAsItWas) {
  const test::TempDir folder;
  for (const test::BackboneKind& kind : test::backbone_kinds()) {
    if (!kind.name.starts_with("timm_")) continue;
    const auto imported = test::import_kind(kind, kind.paths.front());
    const TensorFile file = written(imported->model, folder / "timm.safetensors");
    if (kind.paths.front().extension() != ".safetensors") continue;
    const TensorMap theirs = read_safetensors(kind.paths.front())->tensors;
    EXPECT_EQ(file.tensors.size() + kind.ignored.size(), theirs.size()) << kind.name;
    for (const auto& [name, tensor] : file.tensors)
      EXPECT_TRUE(same_bits(theirs.at(name), tensor)) << kind.name << " " << name;
  }
}

TEST(ExportTimm, WhatTimmCannotHoldIsRefused) {
  const test::BackboneKind kind = test::backbone_kinds().front();
  Model model = test::import_kind(kind, kind.paths.front())->model;
  model.config.gba = true;
  EXPECT_THAT(timm_file(model).error().message, HasSubstr("adapters"));
  model.config.gba = false;
  model.config.positions = Positions::rotary;
  EXPECT_THAT(timm_file(model).error().message, HasSubstr("rotary"));
  model.config.positions = Positions::learned;
  model.config.patch_bias = false;
  EXPECT_THAT(timm_file(model).error().message, HasSubstr("patches without bias"));
}

// A class position that was trained is no part of timm's form: the token takes it.
TEST(ExportTimm, WithRegistersTheClassTokenTakesItsPosition) {
  for (const test::BackboneKind& kind : test::backbone_kinds()) {
    if (kind.name != "timm_dinov2_reg_swiglu") continue;
    Model model = test::import_kind(kind, kind.paths.front())->model;
    std::vector<float> positions = *model.weights.at("pos_embed").to_f32();
    const std::vector<float> token = *model.weights.at("cls_token").to_f32();
    positions[3] = 0.25F;
    model.weights["pos_embed"] = Tensor::from_f32(model.weights.at("pos_embed").shape, positions);
    const auto file = timm_file(model);
    ASSERT_TRUE(file) << file.error().message;
    const std::vector<float> exported = *file->tensors.at("cls_token").to_f32();
    EXPECT_EQ(exported[3], token[3] + 0.25F);
    EXPECT_EQ(exported[2], token[2]);
    EXPECT_EQ(file->tensors.at("pos_embed").shape, (std::vector<std::int64_t>{1, 9, 32}));
  }
}

}  // namespace
}  // namespace dfa
