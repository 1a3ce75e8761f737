# hookfleet::settings carries the language standard, warnings, hardening and sanitizers. Every target of ours links it.
find_package(Threads REQUIRED)
add_library(hookfleet_settings INTERFACE)
add_library(hookfleet::settings ALIAS hookfleet_settings)
target_compile_features(hookfleet_settings INTERFACE cxx_std_20)
target_include_directories(hookfleet_settings INTERFACE "${PROJECT_SOURCE_DIR}")
target_link_libraries(hookfleet_settings INTERFACE Threads::Threads)
target_compile_options(hookfleet_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wformat=2
  -Werror=format-security -Werror=switch -fno-delete-null-pointer-checks)
# For our own sources alone, not for those of programs beside this tree.
set(hookfleet_own_options)
if(HOOKFLEET_WERROR)
  list(APPEND hookfleet_own_options -Werror)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # In a unity build GCC takes a source for a header, and warns of pointers to implementation that hold what is of that source alone.
  list(APPEND hookfleet_own_options -Wno-subobject-linkage)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(hookfleet_settings INTERFACE -Wthread-safety)
endif()

if(HOOKFLEET_FUZZ)
  target_compile_options(hookfleet_settings INTERFACE -fsanitize=fuzzer-no-link)  # coverage of the libraries too leads the fuzzer
endif()
if(HOOKFLEET_SANITIZE)
  target_compile_options(hookfleet_settings INTERFACE "-fsanitize=${HOOKFLEET_SANITIZE}" -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(hookfleet_settings INTERFACE "-fsanitize=${HOOKFLEET_SANITIZE}")
else()
  # Hardening as the OpenSSF compiler guide lists it; _FORTIFY_SOURCE needs optimisation, so debug builds go without.
  target_compile_options(hookfleet_settings INTERFACE
    -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fstack-clash-protection -fPIE
    $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=3>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(hookfleet_settings INTERFACE -fcf-protection=full)
  endif()
  target_link_options(hookfleet_settings INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
