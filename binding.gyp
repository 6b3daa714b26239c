# The addon, and one static library per instruction set with only its flags. Sources and flags: native/sources.gypi.
# Sanitizers: node-gyp rebuild -- -Dsanitize=address,undefined
{
  'includes': ['native/sources.gypi'],
  'variables': {
    'sanitize%': '',
    'portable%': 'yes',  # no: for this machine alone
  },
  'target_defaults': {
    'include_dirs': ['native'],
    # Flags put here come before Node's own (-fno-exceptions, -std): those are set, or taken away, per target.
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'CLANG_CXX_LIBRARY': 'libc++',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'OTHER_CPLUSPLUSFLAGS': ['<@(lanewise_cflags)'],
    },
    # Visual Studio's clang, as the kernels use GNU's attributes. Its flags are set per target, after Node's own.
    'msbuild_toolset': 'ClangCL',
    # After Node's own, which is older: std::atomic::wait needs it.
    'target_conditions': [['OS=="mac"', { 'xcode_settings': { 'MACOSX_DEPLOYMENT_TARGET': '11.0' } }]],
    'conditions': [
      # What chooses atomics at run time asks a function that glibc has and musl does not.
      ['OS=="linux" and target_arch=="arm64"', { 'cflags_cc': ['<@(lanewise_linux_arm64_cflags)'] }],
      ['sanitize!=""', {
        'target_conditions': [['1==1', {
          'cflags_cc': ['-fsanitize=<(sanitize)', '-fno-omit-frame-pointer', '-g', '-O1'],
          'ldflags': ['-fsanitize=<(sanitize)'],
        }]],
      }],
    ],
  },
  'targets': [
    {
      'target_name': 'lanewise_core',
      'type': 'static_library',
      'win_delay_load_hook': 'false',
      'sources': ['<@(lanewise_core_sources)'],
      'cflags_cc!': ['-fno-exceptions'],
      'xcode_settings': { 'GCC_ENABLE_CPP_EXCEPTIONS': 'YES', 'OTHER_CPLUSPLUSFLAGS': ['<@(lanewise_core_cflags)'] },
      'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<@(lanewise_clang_cl)'] } },
      'cflags_cc': ['<@(lanewise_cflags)', '<@(lanewise_core_cflags)'],
    },
    {
      'target_name': 'lanewise',
      'sources': ['<@(lanewise_addon_sources)'],
      'cflags_cc!': ['-fno-exceptions'],
      'xcode_settings': { 'GCC_ENABLE_CPP_EXCEPTIONS': 'YES', 'OTHER_CPLUSPLUSFLAGS': ['<@(lanewise_addon_cflags)'] },
      'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<@(lanewise_clang_cl)'] } },
      'cflags_cc': ['<@(lanewise_cflags)', '<@(lanewise_addon_cflags)'],
      # Electron allows no ArrayBuffers on memory of ours: with this, what makes them does not compile.
      'defines': ['NAPI_VERSION=8', 'NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED'],
      'dependencies': ['lanewise_core'],
      'conditions': [
        ['target_arch=="x64"', { 'dependencies': ['lanewise_baseline', 'lanewise_avx2', 'lanewise_avx512'] }],
        ['target_arch=="arm64"', { 'dependencies': ['lanewise_neon'] }],
        ['OS=="win"', { 'libraries': ['-lsynchronization.lib'] }],  # WaitOnAddress
        ['OS=="linux" and portable=="yes" and sanitize==""', {
          # Without the C library's name a binary loads with glibc and with musl: its functions are those of the program.
          'ldflags': ['-nodefaultlibs'],
          'libraries': ['-lstdc++', '-lgcc_s', '-lgcc'],
        }],
        ['OS=="linux"', {
          # nodelete: a worker that ends must not unmap code that native threads run.
          'ldflags': ['-Wl,-z,now', '-Wl,-z,relro', '-Wl,-z,nodelete', '-Wl,--version-script=<(module_root_dir)/native/exports.map'],
        }],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'lanewise_baseline',
          'type': 'static_library',
          'win_delay_load_hook': 'false',
          'sources': ['<@(lanewise_baseline_sources)'],
          'cflags_cc': ['<@(lanewise_cflags)', '<@(lanewise_kernel_cflags)', '<@(lanewise_baseline_cflags)'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<@(lanewise_kernel_cflags)', '<@(lanewise_baseline_cflags)'] },
          'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<@(lanewise_kernel_clang_cl)', '<@(lanewise_baseline_cflags)'] } },
        },
        {
          'target_name': 'lanewise_avx2',
          'type': 'static_library',
          'win_delay_load_hook': 'false',
          'sources': ['<@(lanewise_avx2_sources)'],
          'cflags_cc': ['<@(lanewise_cflags)', '<@(lanewise_kernel_cflags)', '<@(lanewise_avx2_cflags)'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<@(lanewise_kernel_cflags)', '<@(lanewise_avx2_cflags)'] },
          'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<@(lanewise_kernel_clang_cl)', '<@(lanewise_avx2_cflags)'] } },
        },
        {
          'target_name': 'lanewise_avx512',
          'type': 'static_library',
          'win_delay_load_hook': 'false',
          'sources': ['<@(lanewise_avx512_sources)'],
          'cflags_cc': ['<@(lanewise_cflags)', '<@(lanewise_kernel_cflags)', '<@(lanewise_avx512_cflags)'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<@(lanewise_kernel_cflags)', '<@(lanewise_avx512_cflags)'] },
          'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<@(lanewise_kernel_clang_cl)', '<@(lanewise_avx512_cflags)'] } },
        },
      ],
    }],
    ['target_arch=="arm64"', {
      'targets': [
        {
          'target_name': 'lanewise_neon',
          'type': 'static_library',
          'win_delay_load_hook': 'false',
          'sources': ['<@(lanewise_neon_sources)'],
          'cflags_cc': ['<@(lanewise_cflags)', '<@(lanewise_kernel_cflags)'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<@(lanewise_kernel_cflags)'] },
          'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<@(lanewise_kernel_clang_cl)'] } },
        },
      ],
    }],
  ],
}
