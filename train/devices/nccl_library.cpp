#include <dlfcn.h>

#include <filesystem>

#include "train/devices/nccl_sums.hpp"

namespace dfa::train {

namespace {

// Beside the program; where that has been moved alone, wherever the loader finds it.
void* open_library() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (const std::filesystem::path beside = program.parent_path() / kNcclLibrary;
      !error && std::filesystem::exists(beside, error))
    return dlopen(beside.c_str(), RTLD_NOW | RTLD_GLOBAL);
  return dlopen(kNcclLibrary, RTLD_NOW | RTLD_GLOBAL);
}

}  // namespace

Result<MakeDeviceSums*> load_nccl() {
  void* library = open_library();
  void* entry = library == nullptr ? nullptr : dlsym(library, kNcclEntry);
  if (entry != nullptr) return reinterpret_cast<MakeDeviceSums*>(entry);
  const char* error = dlerror();
  return fail(ErrorCode::usage,
              "{} cannot be loaded: {}\n  likely cause: NVIDIA's libraries are not there, or this program was built "
              "without NCCL's header\n  next step: scripts/setup --cuda, then build again",
              kNcclLibrary, error == nullptr ? "no reason given" : error);
}

}  // namespace dfa::train
