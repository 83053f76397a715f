# SPDX-License-Identifier: Apache-2.0
# discover_suites(PROGRAM [ALONE REGEX] [SLOW REGEX] [FILTER PATTERN]): one test of ctest for each suite of a
# GoogleTest program, so that what a suite sets up is set up once. ctest -R still finds them by the
# suite's name; for one test: PROGRAM --gtest_filter=Suite.Test.
#   ALONE   suites whose tests each need a process of their own
#   SLOW    tests (as Suite.Test) that are taken out of their suites and get the label "slow"
#   FILTER  tests that are left out: a pattern of --gtest_filter behind its "-"
# The list is read from the program after it was linked; this file is both the function and that step.
if(NOT DISCOVER_PROGRAM)
  function(discover_suites target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "ALONE;SLOW;FILTER" "")
    set(list ${CMAKE_CURRENT_BINARY_DIR}/${target}_suites.cmake)
    add_custom_command(TARGET ${target} POST_BUILD BYPRODUCTS ${list}
      COMMAND ${CMAKE_COMMAND} -DDISCOVER_PROGRAM=$<TARGET_FILE:${target}> -DLIST=${list}
        "-DALONE=${arg_ALONE}" "-DSLOW=${arg_SLOW}" "-DFILTER=${arg_FILTER}" -P ${CMAKE_SOURCE_DIR}/tests/discover_suites.cmake
      VERBATIM)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake
      "if(EXISTS \"${list}\")\n  include(\"${list}\")\nelse()\n  add_test(${target}_NOT_BUILT ${target}_NOT_BUILT)\nendif()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake)
  endfunction()
  return()
endif()

execute_process(COMMAND ${DISCOVER_PROGRAM} --gtest_list_tests --gtest_filter=*-${FILTER}
  OUTPUT_VARIABLE listed RESULT_VARIABLE failed TIMEOUT 120)
if(failed)
  message(FATAL_ERROR "${DISCOVER_PROGRAM} could not list its tests: ${failed}")
endif()
string(REPLACE "\n" ";" lines "${listed}")

set(script "")
# add(NAME FILTER LABEL)
function(add name filter label)
  string(APPEND script
    "add_test([==[${name}]==] [==[${DISCOVER_PROGRAM}]==] [==[--gtest_filter=${filter}]==])\n"
    "set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT 1800 LABELS \"${label}\")\n")
  set(script "${script}" PARENT_SCOPE)
endfunction()

set(some_left FALSE)
macro(end_suite)
  if(some_left)
    add(${suite} "${suite}.*-${taken_out}" "")
  endif()
endmacro()
foreach(line IN LISTS lines)
  string(REGEX REPLACE " *#.*$" "" line "${line}")  # what a value-parametrised test is made of
  if(line MATCHES "^([^ ]+)\\.$")
    set(next "${CMAKE_MATCH_1}")
    end_suite()
    set(suite ${next})
    set(some_left FALSE)
    set(taken_out "${FILTER}")
  elseif(line MATCHES "^  ([^ ]+)$")
    set(test "${suite}.${CMAKE_MATCH_1}")
    if(SLOW AND test MATCHES "^(${SLOW})$")
      add(${test} ${test} slow)
      string(APPEND taken_out ":${test}")
    elseif(ALONE AND suite MATCHES "^(${ALONE})$")
      add(${test} ${test} "")
    else()
      set(some_left TRUE)
    endif()
  endif()
endforeach()
end_suite()
file(WRITE ${LIST} "${script}")
