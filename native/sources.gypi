{
  "variables": {
    "lanewise_core_sources": [
      "native/dispatch.cc",
      "native/runtime/compute_thread.cc",
      "native/runtime/cost.cc",
      "native/runtime/decode.cc",
      "native/runtime/decode_ops.cc",
      "native/runtime/error.cc",
      "native/runtime/fork.cc",
      "native/runtime/memory.cc",
      "native/runtime/operands.cc",
      "native/runtime/processors.cc",
      "native/runtime/run.cc",
      "native/runtime/runner_threads.cc",
      "native/runtime/threads.cc"
    ],
    "lanewise_addon_sources": [
      "native/addon.cc",
      "native/async_runs.cc",
      "native/bind.cc",
      "native/environment.cc",
      "native/exports/info.cc",
      "native/exports/kernels.cc",
      "native/exports/memory.cc",
      "native/exports/program.cc"
    ],
    "lanewise_baseline_sources": ["native/isa/baseline.cc"],
    "lanewise_avx2_sources": ["native/isa/avx2.cc"],
    "lanewise_avx512_sources": ["native/isa/avx512.cc"],
    "lanewise_neon_sources": ["native/isa/neon.cc"],
    "lanewise_cflags": ["-std=c++20", "-O3", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-D_GLIBCXX_GTHREAD_USE_WEAK=0", "-ffp-contract=off", "-Wall", "-Wextra"],
    "lanewise_linux_arm64_cflags": ["-mno-outline-atomics"],
    "lanewise_kernel_cflags": ["-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables", "-fno-math-errno", "-fno-trapping-math", "-falign-functions=64"],
    "lanewise_core_cflags": ["-O2"],
    "lanewise_addon_cflags": ["-Os"],
    "lanewise_baseline_cflags": ["-Os"],
    "lanewise_avx2_cflags": ["-mavx2", "-mfma", "-mbmi2"],
    "lanewise_avx512_cflags": ["-Wno-uninitialized", "-Wno-maybe-uninitialized", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma", "-mbmi2", "-mprefer-vector-width=512"],
    "lanewise_clang_cl": ["/std:c++20", "/O2", "/EHsc", "/clang:-ffp-contract=off"],
    "lanewise_kernel_clang_cl": ["/std:c++20", "/O2", "/clang:-ffp-contract=off", "/clang:-fno-math-errno", "/clang:-fno-trapping-math"]
  }
}
