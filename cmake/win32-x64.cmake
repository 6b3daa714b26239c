# Cross-compiles with Debian's g++-mingw-w64-x86-64-posix; runs under wine. Published binaries come from a Windows machine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(LANEWISE_DLLTOOL x86_64-w64-mingw32-dlltool)
# No library of the compiler beside the binary.
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static -static-libgcc -static-libstdc++")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
