include(GoogleTest)

# Rooms that read what comes from outside and need no network: the short form of the sanitizer run builds only their tests.
set(DFA_PARSING_ROOMS base tensorfile media geometry dataset)

# dfa_room(NAME SOURCES a.cpp ... [PUBLIC libs...] [PRIVATE libs...])
# A room of src/: static library dfa_NAME. PUBLIC lists rooms whose headers its own headers show; third-party
# libraries belong in PRIVATE, because their types stay inside the room.
function(dfa_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(dfa_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(dfa_${name} PUBLIC dfa_settings ${ROOM_PUBLIC} PRIVATE dfa_warnings ${ROOM_PRIVATE})
endfunction()

# What nearly every test includes, compiled once for all test programs: about a second a file otherwise. An executable, as tests are,
# because its flags must be theirs; never built for its own sake beyond the header.
function(dfa_add_test_header)
  add_executable(dfa_test_header EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/support/test_header.cpp")
  dfa_set_test_flags(dfa_test_header)
  target_link_libraries(dfa_test_header PRIVATE dfa_test_support fmt::fmt tl::expected)
  target_precompile_headers(dfa_test_header PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/test_header.hpp")
endfunction()

function(dfa_set_test_flags target)
  # Optimising a test costs more time than it saves; the library under it is built as users run it.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${target} PRIVATE dfa_settings dfa_warnings GTest::gmock GTest::gtest_main)
endfunction()

# dfa_test(NAME [NO_DISCOVERY] SOURCES a.cpp ... LIBS libs...)
# A test program, one a room; ctest sees each of its tests, unless NO_DISCOVERY leaves that to the caller. Tests that need the shared goldens skip, and say so, when DFA_SHARED is unset.
function(dfa_test name)
  cmake_parse_arguments(TEST "NO_DISCOVERY" "" "SOURCES;LIBS" ${ARGN})
  add_executable(dfa_test_${name} ${TEST_SOURCES})
  dfa_set_test_flags(dfa_test_${name})
  target_link_libraries(dfa_test_${name} PRIVATE dfa_test_support ${TEST_LIBS})
  target_precompile_headers(dfa_test_${name} REUSE_FROM dfa_test_header)
  if(name IN_LIST DFA_PARSING_ROOMS)
    set_property(GLOBAL APPEND PROPERTY DFA_PARSER_TESTS dfa_test_${name})
  endif()
  if(NOT TEST_NO_DISCOVERY)
    gtest_discover_tests(dfa_test_${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT 600)
  endif()
endfunction()
