# The functions that the CMakeLists.txt files under src/, fuzz/ and bench/ call.

# keepmq_add_module(<name> [ASIO] [TEST_DATA] [DEPS <modules>] [LIBRARIES <external>] [PRIVATE_LIBRARIES <external>])
#   *.cpp               -> static library keepmq_<name> (header-only module: interface library)
#   *.hpp               -> header set; "ninja all_verify_interface_header_sets" compiles each alone
#   testing/*           -> library keepmq_<name>_testing: fakes and suites for the tests of others
#   tests/*.cpp         -> keepmq_<name>_tests, one ctest entry
# ASIO picks the precompiled header for modules that use Asio and Beast. With TEST_DATA, or a folder
# tests/golden, the tests know their folder as KEEPMQ_TEST_DATA_DIR.
function(keepmq_add_module name)
    cmake_parse_arguments(ARG "ASIO;TEST_DATA" "TARGET" "DEPS;LIBRARIES;PRIVATE_LIBRARIES;EXCLUDE" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "keepmq_add_module(${name}): unknown ${ARG_UNPARSED_ARGUMENTS}")
    endif()
    set(target keepmq_${name})
    set(dir ${CMAKE_CURRENT_SOURCE_DIR})
    list(TRANSFORM ARG_DEPS PREPEND keepmq_ OUTPUT_VARIABLE deps)

    file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cpp)
    file(GLOB headers CONFIGURE_DEPENDS ${dir}/*.hpp)
    foreach(file IN LISTS ARG_EXCLUDE)
        list(REMOVE_ITEM sources ${dir}/${file})
    endforeach()
    keepmq_add_code(${target} "${sources}" "${headers}" "${deps};${ARG_LIBRARIES}")
    if(sources)
        target_link_libraries(${target} PRIVATE ${ARG_PRIVATE_LIBRARIES})
        if(ARG_ASIO)
            keepmq_use_pch(${target} asio)
        else()
            keepmq_use_pch(${target} std)
        endif()
    else()
        target_link_libraries(${target} INTERFACE ${ARG_PRIVATE_LIBRARIES})
    endif()

    if(KEEPMQ_TESTS)
        keepmq_add_module_tests(${name} ${target} "${deps}" ${ARG_TEST_DATA})
    endif()
endfunction()

# keepmq_add_backend(<db> [SCHEMA <file>] [LIBRARIES <external>]): a module in src/backends/<db>, target
# keepmq_backend_<db>. src/backends/CMakeLists.txt finds the folder and reads it only when the option
# KEEPMQ_<DB> is on, so it may require the client library. The text of schema/<file> goes into the
# program as keepmq::<db>::schema_script(), which schema.hpp declares.
function(keepmq_add_backend db)
    cmake_parse_arguments(ARG "" "SCHEMA" "LIBRARIES" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "keepmq_add_backend(${db}): unknown ${ARG_UNPARSED_ARGUMENTS}")
    endif()
    keepmq_add_module(backend_${db} DEPS sql store model PRIVATE_LIBRARIES ${ARG_LIBRARIES})
    if(ARG_SCHEMA)
        set(file ${CMAKE_CURRENT_SOURCE_DIR}/schema/${ARG_SCHEMA})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
        file(READ ${file} script)
        configure_file(${CMAKE_SOURCE_DIR}/cmake/schema_script.cpp.in schema_script.cpp @ONLY)
        target_sources(keepmq_backend_${db} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/schema_script.cpp)
    endif()
    set_property(GLOBAL APPEND PROPERTY KEEPMQ_BACKENDS ${db})
endfunction()

# Sets <variable> to the value of the option KEEPMQ_<DB>, ON unless the user said otherwise.
function(keepmq_backend_enabled db variable)
    string(TOUPPER ${db} upper)
    if(db STREQUAL "cassa" AND DEFINED KEEPMQ_CASSANDRA) # the folder has EMQ X's short name
        set(KEEPMQ_CASSA ${KEEPMQ_CASSANDRA} CACHE BOOL "" FORCE)
    endif()
    option(KEEPMQ_${upper} "Build the ${db} backend" ON)
    if(NOT KEEPMQ_${upper})
        message(STATUS "Backend ${db} is switched off")
    endif()
    set(${variable} ${KEEPMQ_${upper}} PARENT_SCOPE)
endfunction()

# Links <target> with every backend that is built and defines KEEPMQ_WITH_<DB>=1 for each.
function(keepmq_link_backends target)
    get_property(backends GLOBAL PROPERTY KEEPMQ_BACKENDS)
    get_target_property(type ${target} TYPE)
    set(scope PUBLIC)
    if(type STREQUAL "INTERFACE_LIBRARY")
        set(scope INTERFACE)
    endif()
    foreach(db IN LISTS backends)
        string(TOUPPER ${db} upper)
        target_link_libraries(${target} ${scope} keepmq_backend_${db})
        target_compile_definitions(${target} ${scope} KEEPMQ_WITH_${upper}=1)
    endforeach()
endfunction()

# --- internal -----------------------------------------------------------------------------------

function(keepmq_add_code target sources headers libraries)
    set(scope PUBLIC)
    if(sources)
        add_library(${target} STATIC ${sources})
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_link_libraries(${target} ${scope} keepmq_options ${libraries})
    if(headers)
        target_sources(${target} ${scope} FILE_SET HEADERS
            BASE_DIRS ${CMAKE_SOURCE_DIR}/src FILES ${headers})
        set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
    endif()
endfunction()

function(keepmq_add_module_tests name target deps test_data)
    set(dir ${CMAKE_CURRENT_SOURCE_DIR})

    file(GLOB testing_sources CONFIGURE_DEPENDS ${dir}/testing/*.cpp)
    file(GLOB testing_headers CONFIGURE_DEPENDS ${dir}/testing/*.hpp)
    if(testing_sources OR testing_headers)
        keepmq_add_code(${target}_testing "${testing_sources}" "${testing_headers}"
            "${target};keepmq_test_options")
        if(testing_sources)
            keepmq_use_pch(${target}_testing test)
        endif()
    endif()

    file(GLOB test_sources CONFIGURE_DEPENDS ${dir}/tests/*.cpp)
    if(NOT test_sources OR NOT name MATCHES "${KEEPMQ_TESTS_OF}")
        return()
    endif()
    set(tests ${target}_tests)
    add_executable(${tests} ${test_sources})
    target_link_libraries(${tests} PRIVATE ${target} keepmq_test_options GTest::gmock_main)
    foreach(module IN LISTS target deps)
        if(TARGET ${module}_testing)
            target_link_libraries(${tests} PRIVATE ${module}_testing)
        endif()
    endforeach()
    # Only where it is needed: an absolute path keeps ccache from serving another checkout.
    if(test_data OR EXISTS ${dir}/tests/golden)
        target_compile_definitions(${tests} PRIVATE KEEPMQ_TEST_DATA_DIR="${dir}/tests")
    endif()
    keepmq_use_pch(${tests} test)

    # One entry per program: a process for each test would cost more than the tests.
    add_test(NAME ${tests} COMMAND ${tests})
    set_tests_properties(${tests} PROPERTIES
        TIMEOUT 300
        WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
        ENVIRONMENT GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/reports/gtest/${tests}.xml)
endfunction()

# Sets <variable> to the modules whose headers <file> includes.
function(keepmq_modules_of file variable)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(STRINGS ${file} lines REGEX "^#include \"[a-z/]+/")
    set(modules "")
    foreach(line IN LISTS lines)
        string(REPLACE "backends/" "backend_" line "${line}")
        string(REGEX REPLACE "^#include \"([a-z_]+)/.*" "\\1" module "${line}")
        if(TARGET keepmq_${module})
            list(APPEND modules keepmq_${module})
        endif()
    endforeach()
    list(REMOVE_DUPLICATES modules)
    set(${variable} ${modules} PARENT_SCOPE)
endfunction()
