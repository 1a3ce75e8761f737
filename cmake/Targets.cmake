# hookfleet_library(redis connection.cpp …)  → library hookfleet_redis, alias hookfleet::redis
function(hookfleet_library name)
  add_library(hookfleet_${name} STATIC ${ARGN})
  add_library(hookfleet::${name} ALIAS hookfleet_${name})
  target_link_libraries(hookfleet_${name} PUBLIC hookfleet::settings)
  target_compile_options(hookfleet_${name} PRIVATE ${hookfleet_own_options})
  set_property(GLOBAL APPEND PROPERTY HOOKFLEET_LIBRARIES ${name})
endfunction()

# hookfleet_program(hookfleet-ingress main.cpp …)  → executable in <build>/bin
function(hookfleet_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE hookfleet::settings)
  target_compile_options(${name} PRIVATE ${hookfleet_own_options})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()

# hookfleet_test(unit_redis LABEL unit SOURCES a_test.cpp LIBRARIES hookfleet::redis [TIMEOUT seconds, 180 unless told])
# Every TEST becomes a test of ctest's, so that they run in parallel; hence each must stand alone.
function(hookfleet_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 180)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE hookfleet::settings ${arg_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
  # A test's own code isn't worth optimising: the compiler takes 40 % less time for it. What is tested comes from the libraries.
  target_compile_options(${name} PRIVATE ${hookfleet_own_options} -O0 -U_FORTIFY_SOURCE)
  target_compile_definitions(${name} PRIVATE HOOKFLEET_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HOOKFLEET_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
  set(environment)
  if(HOOKFLEET_SANITIZE MATCHES "thread")
    set(environment ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/thread_sanitizer.supp")
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} ${environment})
endfunction()
