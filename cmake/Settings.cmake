# Settings and warnings as INTERFACE targets, so that no target sets flags of its own.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

# Presets release and train compile the same sources with the same flags, and so do asan and fuzz: with ccache the second costs nothing.
# Its store lies in the build folder, so that nothing is left outside. A preset's own folder is no part of what it compares
# (NOHASHDIR): debug information may name the folder of the other.
find_program(DFA_CCACHE ccache)
if(DFA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env "CCACHE_DIR=${PROJECT_SOURCE_DIR}/build/ccache" CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${DFA_CCACHE})
endif()

add_library(dfa_settings INTERFACE)
target_include_directories(dfa_settings INTERFACE "${PROJECT_SOURCE_DIR}/src")
# Never -march=native: instruction sets are chosen at run time. Never fast-math: NaN checks must work.
target_compile_options(dfa_settings INTERFACE -fno-omit-frame-pointer -ffp-contract=off)
if(DFA_SANITIZE)
  target_compile_options(dfa_settings INTERFACE -fsanitize=${DFA_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(dfa_settings INTERFACE -fsanitize=${DFA_SANITIZE})
endif()
if(DFA_FUZZ OR (DFA_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang"))
  target_compile_options(dfa_settings INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(dfa_warnings INTERFACE)
target_compile_options(dfa_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                              -Wold-style-cast -Wunused -Wnull-dereference -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 reports these in optimised standard-library code that is correct.
  target_compile_options(dfa_warnings INTERFACE -Wno-null-dereference -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
                                                -Wno-maybe-uninitialized -Wno-stringop-overread -Wno-dangling-pointer)
endif()
