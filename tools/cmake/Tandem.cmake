# What every folder's CMakeLists.txt uses: tandem_library, tandem_cuda_sources, tandem_seldom_run, tandem_test, tandem_tsan_test, tandem_test_tool.
include(GoogleTest)
include(${CMAKE_CURRENT_LIST_DIR}/TandemCuda.cmake)

# MuJoCo from the Python environment (PyPI package `mujoco`): headers and shared library lie in the package folder. A release's folder has the library in lib.
file(GLOB TANDEM_MUJOCO_GUESS ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/mujoco)
set(TANDEM_MUJOCO_DIR "${TANDEM_MUJOCO_GUESS}" CACHE PATH "folder of the Python package mujoco, or of a MuJoCo release")
if(NOT EXISTS "${TANDEM_MUJOCO_DIR}/include/mujoco/mujoco.h")
  message(FATAL_ERROR "MuJoCo is not in '${TANDEM_MUJOCO_DIR}'; run ./tandem play, which installs it into .venv, or set TANDEM_MUJOCO_DIR to the folder of the Python package mujoco")
endif()
file(GLOB TANDEM_MUJOCO_LIBRARY ${TANDEM_MUJOCO_DIR}/libmujoco.so.* ${TANDEM_MUJOCO_DIR}/lib/libmujoco.so.*)
add_library(mujoco SHARED IMPORTED GLOBAL)
set_target_properties(mujoco PROPERTIES IMPORTED_LOCATION ${TANDEM_MUJOCO_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${TANDEM_MUJOCO_DIR}/include)

# ccache where it is.
find_program(TANDEM_CCACHE ccache)
if(TANDEM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # a file that is not known costs no more than its compilation; objects made with a precompiled header are kept too; another build in another folder, such as a
  # wheel's, finds the same files
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${PROJECT_BINARY_DIR} ${TANDEM_CCACHE})
endif()

# Every x86-64 with AVX2 must start the program; kernels for AVX-512 are separate object files, chosen at run time.
# -Wno-subobject-linkage: a source that is compiled as part of a unit looks to g++ like a header, whose classes should have no members of local types
set(TANDEM_FLAGS -march=x86-64-v3 -Wall -Wextra -Werror=return-type -Wno-subobject-linkage)
set(TANDEM_KERNEL_FLAGS -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math)
# Sources of a library or a test are compiled several at a time: headers (JSON, option parser, Torch, nanobind) take most of the time. Names without linkage
# must therefore differ within a folder; a file with options of its own stays alone.
set(CMAKE_UNITY_BUILD ON)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
# for what runs seldom and would take long to compile
set(TANDEM_QUICK_FLAGS $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-O1>)

# TANDEM_FLAGS for the C++ files of a target; its CUDA files hand them through nvcc to the host compiler.
function(tandem_compile_options target)
  string(REPLACE ";" "," host_flags "${TANDEM_FLAGS}")
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${TANDEM_FLAGS}>" $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${host_flags}>)
endfunction()

# tandem_library(name SOURCES a.cpp ... KERNELS x_cpu.cpp ... DEPENDS other ...): one folder of src/, for other projects tandem::name.
function(tandem_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;KERNELS;DEPENDS" ${ARGN})
  add_library(tandem_${name} STATIC ${ARG_SOURCES})
  add_library(tandem::${name} ALIAS tandem_${name})
  target_compile_features(tandem_${name} PUBLIC cxx_std_20)
  target_include_directories(tandem_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  tandem_compile_options(tandem_${name})
  list(TRANSFORM ARG_DEPENDS PREPEND tandem_)
  target_link_libraries(tandem_${name} PUBLIC ${ARG_DEPENDS})
  # KERNELS: compiled once for AVX2 and once for AVX-512, in the namespaces tandem::avx2 and tandem::avx512 (base/team.hpp)
  foreach(isa avx2 avx512)
    if(ARG_KERNELS)
      add_library(tandem_${name}_${isa} OBJECT ${ARG_KERNELS})
      target_include_directories(tandem_${name}_${isa} PRIVATE ${PROJECT_SOURCE_DIR}/src)
      target_compile_definitions(tandem_${name}_${isa} PRIVATE TANDEM_ISA=${isa})
      if(isa STREQUAL avx512)
        target_compile_options(tandem_${name}_${isa} PRIVATE ${TANDEM_FLAGS} ${TANDEM_KERNEL_FLAGS} -march=x86-64-v4 -mprefer-vector-width=512)
        target_compile_definitions(tandem_${name}_${isa} PRIVATE TANDEM_LANES=16)
      else()
        target_compile_options(tandem_${name}_${isa} PRIVATE ${TANDEM_FLAGS} ${TANDEM_KERNEL_FLAGS})
        target_compile_definitions(tandem_${name}_${isa} PRIVATE TANDEM_LANES=8)
      endif()
      target_sources(tandem_${name} PRIVATE $<TARGET_OBJECTS:tandem_${name}_${isa}>)
    endif()
  endforeach()
endfunction()

# tandem_seldom_run(a.cpp ...): sources whose speed nobody notices and that take long to compile, such as those that read and write JSON.
function(tandem_seldom_run)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${TANDEM_QUICK_FLAGS}")
endfunction()

# tandem_test_tool(name SOURCES a.cpp ... DEPENDS lib ...): a program that tests start. Its own sources are compiled quickly rather than to be quick: kernels
# that tests instantiate for themselves would take three times as long with the optimisations of a release.
function(tandem_test_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
  tandem_compile_options(${name})
  target_compile_options(${name} PRIVATE ${TANDEM_QUICK_FLAGS})
  list(TRANSFORM ARG_DEPENDS PREPEND tandem_)
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
endfunction()

# What both kinds of test programs share: sources, GoogleTest and TANDEM_SOURCE_DIR.
function(tandem_add_test_program program)
  find_package(GTest REQUIRED)
  tandem_test_tool(${program} ${ARGN})
  target_compile_definitions(${program} PRIVATE TANDEM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${program} PRIVATE GTest::gtest_main)
endfunction()

# tandem_test(name SOURCES a.cpp ... DEPENDS lib ...): a GoogleTest program test_<name>, one ctest entry per test case, stopped after 5 minutes.
function(tandem_test name)
  tandem_add_test_program(test_${name} ${ARGN})
  # the first one's compiled GoogleTest header serves all; where options differ the compiler reads the header itself
  get_property(owner GLOBAL PROPERTY TANDEM_GTEST_OWNER)
  if(owner)
    target_precompile_headers(test_${name} REUSE_FROM ${owner})
  else()
    target_precompile_headers(test_${name} PRIVATE <gtest/gtest.h>)
    set_property(GLOBAL PROPERTY TANDEM_GTEST_OWNER test_${name})
  endif()
  set_target_properties(test_${name} PROPERTIES PCH_WARN_INVALID OFF)
  gtest_discover_tests(test_${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()

# tandem_tsan_test(name SOURCES a.cpp ... DEPENDS lib ...): the same sources under ThreadSanitizer, as the program tsan_<name> with ctest entries
# tsan.<suite>.<case>. For tests that run kernels on a ThreadTeam (tests/support/thread_team.hpp): a missing team.sync() is reported as a race and fails.
# Only the sources named here are instrumented. That is enough for kernels, which are header templates; DEPENDS may name ordinary libraries for the
# rest (a model loader, say). TANDEM_ISA=tsan gives the instrumented copies their own namespace, so that the linker cannot replace one by an
# uninstrumented copy out of a library; for the same reason no function of DEPENDS may have types of the inline namespace in its signature.
# A build that is under a sanitizer as a whole (CMakePresets.json) leaves these programs out.
function(tandem_tsan_test name)
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    return()
  endif()
  tandem_add_test_program(tsan_${name} ${ARGN})
  target_compile_definitions(tsan_${name} PRIVATE TANDEM_ISA=tsan)
  target_compile_options(tsan_${name} PRIVATE -fsanitize=thread -O1 -g1)
  target_link_options(tsan_${name} PRIVATE -fsanitize=thread)
  # the sanitizer's fixed memory layout needs address randomisation off on newer kernels
  if(TANDEM_SETARCH_WORKS)
    set_target_properties(tsan_${name} PROPERTIES CROSSCOMPILING_EMULATOR "${TANDEM_SETARCH};-R")
  endif()
  gtest_discover_tests(tsan_${name} TEST_PREFIX tsan. DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300 LABELS tsan)
endfunction()
find_program(TANDEM_SETARCH setarch)
if(TANDEM_SETARCH)
  execute_process(COMMAND ${TANDEM_SETARCH} -R true RESULT_VARIABLE TANDEM_SETARCH_RESULT OUTPUT_QUIET ERROR_QUIET)
  if(TANDEM_SETARCH_RESULT EQUAL 0)
    set(TANDEM_SETARCH_WORKS ON)
  endif()
endif()
