// A small model file with hash-made weights: its scores mean nothing and are the same everywhere.
#pragma once

#include <filesystem>
#include <functional>

#include "model/model.hpp"

namespace dfa::test {

// Written to `path`, after `change` had its way with it. Carries one golden vector.
void write_tiny_model(const std::filesystem::path& path, const std::function<void(Model&)>& change = {});

}  // namespace dfa::test
