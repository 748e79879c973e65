// Every vector kernel of math/dense_simd.hpp against the plain one of math/dense.hpp, one copy per instruction set.
#pragma once

#include <string>
#include <vector>

namespace tandem::test {

struct DenseError {
  std::string kernel;
  double error;  // largest difference over the largest entry
};

}  // namespace tandem::test
