# keepmq_options: the flags every target of ours is compiled and linked with. They are the same for
# all targets, because the targets share precompiled headers.
add_library(keepmq_options INTERFACE)
target_include_directories(keepmq_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_features(keepmq_options INTERFACE cxx_std_20)
target_compile_options(keepmq_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast
    # g++ reports each field that a designated initializer leaves to its default.
    -Wno-missing-field-initializers
    $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
    $<$<BOOL:${KEEPMQ_WERROR}>:-Werror>)
target_compile_definitions(keepmq_options INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION
    BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED
    BOOST_ASIO_DISABLE_BOOST_ARRAY)
target_link_libraries(keepmq_options INTERFACE Boost::headers fmt::fmt Threads::Threads)

if(KEEPMQ_SANITIZE)
    target_compile_options(keepmq_options INTERFACE
        -fsanitize=${KEEPMQ_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
        # Instrumentation confuses g++'s flow analysis; what it says of a plain build is an error.
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized$<SEMICOLON>-Wno-error>)
    target_link_options(keepmq_options INTERFACE -fsanitize=${KEEPMQ_SANITIZE})
    if(KEEPMQ_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(keepmq_options INTERFACE -Wno-tsan)
    endif()
endif()

if(KEEPMQ_HARDEN)
    target_compile_options(keepmq_options INTERFACE
        -fPIE -fstack-protector-strong -fstack-clash-protection
        -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
        $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
    target_compile_definitions(keepmq_options INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
    target_link_options(keepmq_options INTERFACE
        -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
endif()

# keepmq_test_options: of the unit tests. In the sanitizer builds only what they test is optimised; to optimise
# the tests too would take nearly as long again.
if(KEEPMQ_TESTS)
    add_library(keepmq_test_options INTERFACE)
    target_link_libraries(keepmq_test_options INTERFACE GTest::gmock GTest::gtest)
    if(KEEPMQ_SANITIZE)
        target_compile_options(keepmq_test_options INTERFACE -O0)
    endif()
endif()

# keepmq_build_info: version of the program, for the few modules that show it.
add_library(keepmq_build_info INTERFACE)
target_compile_definitions(keepmq_build_info INTERFACE KEEPMQ_VERSION="${PROJECT_VERSION}")
