# Build id: the commit, with "+" where the tree differs from it. "unknown" outside a checkout.
execute_process(COMMAND git describe --always --dirty=+ --abbrev=12 --exclude=*
                WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE DFA_BUILD_ID
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT DFA_BUILD_ID)
  set(DFA_BUILD_ID "unknown")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/version.hpp.in" "${PROJECT_BINARY_DIR}/generated/version.hpp" @ONLY)
