# Three shared precompiled headers: std for plain modules, asio for modules that do I/O, test for
# unit tests. A module must still include what it uses: the header check and clang-tidy do without.
function(keepmq_add_pch name)
    add_library(keepmq_pch_${name} OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch/empty.cpp)
    target_link_libraries(keepmq_pch_${name} PRIVATE keepmq_options ${ARGN})
    target_precompile_headers(keepmq_pch_${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch/${name}.hpp)
    # Without it clang refuses one that ccache made from files of another age.
    target_compile_options(keepmq_pch_${name} PRIVATE
        $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
endfunction()

function(keepmq_use_pch target name)
    if(KEEPMQ_PCH)
        target_precompile_headers(${target} REUSE_FROM keepmq_pch_${name})
    endif()
endfunction()

if(KEEPMQ_PCH)
    keepmq_add_pch(std)
    keepmq_add_pch(asio OpenSSL::SSL)
    if(KEEPMQ_TESTS)
        keepmq_add_pch(test keepmq_test_options)
    endif()
endif()
