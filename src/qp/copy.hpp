// Problems and solutions between layouts: other padding, other number types, one lane of a Pack. Runs are made once; copying allocates nothing.
#pragma once

#include <vector>

#include "qp/qp.hpp"

namespace tandem {

// `count` Reals at `from` in one layout are those at `to` in the other.
struct Run {
  int from, to, count;
};

// All unpadded runs of a problem or of a solution block. The two dims may differ in `align` only; throws Error otherwise.
std::vector<Run> problem_runs(const QpDims& from, const QpDims& to);
std::vector<Run> solution_runs(const QpDims& from, const QpDims& to);

// target[to + i] = source[from + i], converted. The rest of the target is left as it is: zero it once.
template <class From, class To>
void copy_runs(const std::vector<Run>& runs, const From* source, To* target) {
  for (const Run& r : runs)
    for (int i = 0; i < r.count; ++i) target[r.to + i] = static_cast<To>(source[r.from + i]);
}

// One problem as a new block for `to`.
template <class To, class From>
std::vector<To> convert_problem(const QpDims& from, const From* source, const QpDims& to) {
  std::vector<To> target(qp_size(to), To(0));
  copy_runs(problem_runs(from, to), source, target.data());
  return target;
}

}  // namespace tandem
