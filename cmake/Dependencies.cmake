# Every library comes from Debian (tools/setup installs them); nothing is downloaded here.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(z3 REQUIRED IMPORTED_TARGET z3)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(valijson REQUIRED)
find_package(wabt REQUIRED)
if(MELD_VERIFY_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
endif()
if(MELD_VERIFY_BENCH)
  find_package(benchmark REQUIRED)
endif()

set(MELD_VERIFY_SANITIZE "" CACHE STRING "Sanitizers for all our targets, e.g. address,undefined")
option(MELD_VERIFY_FUZZ "Build the libFuzzer targets (needs Clang)" OFF)

# Flags of our own targets; dependencies are SYSTEM.
add_library(meld_verify_flags INTERFACE)
target_compile_options(meld_verify_flags INTERFACE -Wall -Wextra -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # With -O3, GCC 12 takes `"text" + std::string` for a copy that overlaps itself (GCC bug 105651).
  target_compile_options(meld_verify_flags INTERFACE -Wno-restrict)
endif()
target_include_directories(meld_verify_flags INTERFACE "${PROJECT_SOURCE_DIR}")
if(MELD_VERIFY_SANITIZE)
  target_compile_options(meld_verify_flags INTERFACE
    -fsanitize=${MELD_VERIFY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(meld_verify_flags INTERFACE -fsanitize=${MELD_VERIFY_SANITIZE})
endif()
