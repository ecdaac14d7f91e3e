// Carries a shared precompiled header: see cmake/pch.cmake.
