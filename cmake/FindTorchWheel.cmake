# libtorch from the unpacked PyPI wheels in DFA_DEPS_DIR: dfa_torch, for targets of train/ only.
#
# find_package(Torch) of the wheel fails without a CUDA set-up, so the target is our own. Its include folders carry other
# versions of oneDNN and fmt than Debian's: -idirafter puts them behind everything else (-I and -isystem break spdlog and
# let the wrong dnnl.h win). libtorch_cpu exports none of their symbols, so linking is clean.
set(TorchWheel_ROOT "${DFA_DEPS_DIR}/torch")
set(TorchWheel_CUDA_LIB "${DFA_DEPS_DIR}/nvidia/cu13/lib")

set(TorchWheel_missing "")
foreach(file "${TorchWheel_ROOT}/include/torch/csrc/api/include/torch/torch.h" "${TorchWheel_ROOT}/lib/libtorch_cpu.so"
             "${TorchWheel_ROOT}/lib/libc10.so" "${TorchWheel_CUDA_LIB}/libcudart.so.13" "${TorchWheel_CUDA_LIB}/libcupti.so.13")
  if(NOT EXISTS "${file}")
    list(APPEND TorchWheel_missing "${file}")
  endif()
endforeach()

# c10d's headers ask for Gloo's; the code itself is in libtorch_cpu.
find_path(TorchWheel_GLOO_INCLUDE gloo/context.h)
mark_as_advanced(TorchWheel_GLOO_INCLUDE)
if(NOT TorchWheel_GLOO_INCLUDE)
  list(APPEND TorchWheel_missing "gloo/context.h (Debian package libgloo-dev)")
endif()

# c10d's NCCL group asks for NCCL's header, and through CUDA's for those of two more wheels. None of them is needed where no GPUs train.
set(TorchWheel_CUDA_INCLUDE "${DFA_DEPS_DIR}/nvidia/cu13/include")
find_path(TorchWheel_NCCL_INCLUDE nccl.h HINTS "${DFA_DEPS_DIR}/nvidia/nccl/include" NO_DEFAULT_PATH)
mark_as_advanced(TorchWheel_NCCL_INCLUDE)

if(TorchWheel_missing)
  list(JOIN TorchWheel_missing "\n  " TorchWheel_missing)
  set(TorchWheel_FOUND FALSE)
  message(FATAL_ERROR "DFA_TRAIN is on, but the torch wheels are not unpacked; not there:\n  ${TorchWheel_missing}\n"
                      "next step: run scripts/setup --dev (it installs libgloo-dev and fetches torch and two CUDA runtime wheels, pinned by hash, into "
                      "${DFA_DEPS_DIR}), or configure a preset without training, such as release")
endif()

set(TorchWheel_FOUND TRUE)
if(NOT TARGET dfa_torch)
  add_library(dfa_torch INTERFACE)
  target_compile_options(dfa_torch INTERFACE
    "SHELL:-idirafter ${TorchWheel_ROOT}/include/torch/csrc/api/include" "SHELL:-idirafter ${TorchWheel_ROOT}/include")
  # libtorch registers its kernels in static initialisers: the linker must not drop a library for want of a symbol.
  target_link_options(dfa_torch INTERFACE
    "LINKER:-rpath,${TorchWheel_ROOT}/lib:${TorchWheel_CUDA_LIB}" "LINKER:-rpath-link,${TorchWheel_ROOT}/lib:${TorchWheel_CUDA_LIB}")
  target_link_libraries(dfa_torch INTERFACE
    -Wl,--no-as-needed "${TorchWheel_ROOT}/lib/libtorch_cpu.so" "${TorchWheel_ROOT}/lib/libc10.so" -Wl,--as-needed)
endif()
