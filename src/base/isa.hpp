// The vector instruction set that kernels use, chosen when the program starts. Kernels are compiled once per Isa (tools/cmake/Tandem.cmake, KERNELS);
// a launcher asks detect_isa() once and calls its copy in tandem::avx2 or tandem::avx512.
#pragma once

namespace tandem {

enum class Isa {
  kAvx2,    // 256-bit vectors, fused multiply-add: what every supported machine has (x86-64-v3)
  kAvx512,  // 512-bit vectors (x86-64-v4)
};

// "avx2" or "avx512".
const char* isa_name(Isa isa);

// The Isa to use on a processor with or without AVX2 and AVX-512.
//   requested   nullptr or "": the widest there is; "avx2" or "avx512": that one
// Throws Error if there is no AVX2, `requested` is neither word, or the processor does not have what is requested.
Isa choose_isa(bool has_avx2, bool has_avx512, const char* requested);

// choose_isa for this processor, with the environment variable TANDEM_ISA as the request. Costs microseconds: keep the answer.
Isa detect_isa();

}  // namespace tandem
