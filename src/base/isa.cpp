#include "base/isa.hpp"

#include <cstdlib>
#include <string>

#include "base/check.hpp"

namespace tandem {

const char* isa_name(Isa isa) { return isa == Isa::kAvx512 ? "avx512" : "avx2"; }

Isa choose_isa(bool has_avx2, bool has_avx512, const char* requested) {
  check(has_avx2, "this processor has no AVX2, which every kernel needs; use an x86-64 machine built after 2013");
  const std::string name = requested ? requested : "";
  if (name.empty()) return has_avx512 ? Isa::kAvx512 : Isa::kAvx2;
  check(name == "avx2" || name == "avx512", "TANDEM_ISA is \"", name, "\", expected avx2 or avx512; unset it to let the program choose");
  check(name == "avx2" || has_avx512, "TANDEM_ISA is avx512, which this processor does not have; set it to avx2 or unset it");
  return name == "avx512" ? Isa::kAvx512 : Isa::kAvx2;
}

Isa detect_isa() {
  // the members of x86-64-v4 beyond v3
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return choose_isa(has_avx2, has_avx512, std::getenv("TANDEM_ISA"));
}

}  // namespace tandem
