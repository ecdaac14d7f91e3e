# Compile through ccache when it is installed. The sloppiness settings let it cache compilations
# that use a precompiled header; they are part of the launcher, so that any way to build has them.
find_program(KEEPMQ_CCACHE ccache)
mark_as_advanced(KEEPMQ_CCACHE)
if(KEEPMQ_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        ${KEEPMQ_CCACHE})
endif()
