#!/bin/bash
# A binary for Linux may export the two Node-API entry points alone, may name no C library, so that it loads with glibc and with musl,
# nor ask for what only one of them has, may need no C or C++ library newer than Node itself does, and may make no ArrayBuffers on memory
# of its own, which Electron forbids.
set -uo pipefail
entry_points='napi_register_module_v1 node_api_module_get_api_version_v1'
libraries='libstdc++.so.6 libgcc_s.so.1'
# What the official builds of Node 20 to 26 need, and the C++ library of GCC 8 beside it.
declare -A floors=([GLIBC]=2.28 [GLIBCXX]=3.4.25)
# Functions of glibc 2.28 and of musl, as its library exports them (nm -D); musl's loader takes fopen for fopen64. Popcount is libgcc's.
both='__cxa_atexit __cxa_finalize __errno_location __popcountdi2 __stack_chk_fail abort aligned_alloc calloc fclose floor fopen fopen64
  fread free getenv getpid getpriority madvise malloc memchr memcmp memcpy memmove memset mmap mmap64 munmap pthread_create pthread_mutex_lock
  pthread_mutex_unlock pthread_self pthread_setname_np pthread_sigmask realloc sched_getaffinity sched_getcpu sched_setaffinity
  setpriority sigfillset snprintf strcmp strlen strtod syscall sysconf'
# What comes from elsewhere: Node, and the C++ library with its unwinder.
elsewhere='napi_\w+ node_api_\w+ _Z\w+ __cxa_\w+ __gxx_\w+ _Unwind_\w+'
known="^($(echo $both $elsewhere | tr ' ' '|'))\$"
if [ $# -eq 0 ]; then echo "usage: scripts/check-binary.sh FILE.node..." >&2; exit 2; fi

bad=0
for binary in "$@"; do
  # A tool that fails says why itself.
  defined=$(nm --dynamic --defined-only "$binary") && undefined=$(nm --dynamic --undefined-only "$binary") &&
    needed=$(readelf --dynamic "$binary") && versions=$(objdump --dynamic-syms "$binary") || exit 2
  exported=$(awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' <<<"$defined" | sort | xargs)
  if [ "$exported" != "$entry_points" ]; then echo "$binary: expected the exports $entry_points, got $exported"; bad=1; fi
  for library in $(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$needed"); do
    if [[ " $libraries " != *" $library "* ]]; then echo "$binary: expected no libraries but $libraries, got $library"; bad=1; fi
  done
  for library in "${!floors[@]}"; do
    floor=${floors[$library]}
    newest=$(grep -oE "\b${library}_[0-9.]+" <<<"$versions" | sed 's/.*_//' | sort --version-sort | tail -n 1)
    if [ -n "$newest" ] && [ "$(printf '%s\n%s\n' "$newest" "$floor" | sort --version-sort | tail -n 1)" != "$floor" ]; then
      echo "$binary: expected a library of at most ${library}_$floor, got ${library}_$newest"
      bad=1
    fi
  done
  unknown=$(awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' <<<"$undefined" | grep -vE "$known" | xargs)
  if [ -n "$unknown" ]; then echo "$binary: expected functions that glibc and musl both have (if they do: add to this script), got $unknown"; bad=1; fi
  external=$(grep -oE 'napi_create_external_(array)?buffer' <<<"$undefined" | xargs)
  if [ -n "$external" ]; then echo "$binary: expected no external ArrayBuffers, got $external"; bad=1; fi
done
echo "checked the exports, the libraries and the buffers of $# binaries"
exit $bad
