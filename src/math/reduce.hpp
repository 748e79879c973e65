// Reductions on a team: sums, largest numbers and the like, with the same bits for every team size.
#pragma once

#include "base/real.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Partial results of a reduction, and those of their folding in two steps: the same for every team size, so that sums have the same bits. An array of partials
// has kPartialSize numbers.
constexpr int kPartials = 256, kFolded = 16, kPartialSize = kPartials + kFolded;

// Reductions: clear, accumulate any number of times, fold. Element i goes to partial[i mod kPartials] on every team. clear and accumulate do not sync:
// a partial belongs to one lane.
template <Team T, class Real>
TANDEM_FN void clear_partials(const T& team, Real* partial) {
  for_each(team, 0, kPartials, [=](int p) { partial[p] = Real(0); });
}
template <Team T, class Real, class Combine, class F>
TANDEM_FN void accumulate(const T& team, int n, Real* partial, Combine&& combine, F&& f) {
  for_each(team, 0, kPartials, [&](int p) {
    Real s = partial[p];
    for (int i = p; i < n; i += kPartials) s = combine(s, f(i));
    partial[p] = s;
  });
}
// The same operations in an order of memory that vector code likes.
template <class Real, class Combine, class F>
TANDEM_FN void accumulate(const SerialTeam&, int n, Real* partial, Combine&& combine, F&& f) {
  int i = 0;
  for (; i + kPartials <= n; i += kPartials) {
#pragma GCC ivdep
    for (int p = 0; p < kPartials; ++p) partial[p] = combine(partial[p], f(i + p));
  }
#pragma GCC ivdep
  for (int p = 0; p < n - i; ++p) partial[p] = combine(partial[p], f(i + p));
}
// s combined with number i of kAhead stages from k on, all read before the first is used. Moves on to what comes after them.
template <int kAhead, class Real, class Combine, class F>
TANDEM_FN void combine_ahead(Real& s, int& k, int i, Combine&& combine, F&& f) {
  Real v[kAhead];
  for (int a = 0; a < kAhead; ++a) v[a] = f(k + a, i);
  for (int a = 0; a < kAhead; ++a) s = combine(s, v[a]);
  k += kAhead;
}
// The same over f(stage, i) for `stages` stages of n numbers each, at most kPartials where the order matters. A lane goes through the stages of one number, so
// that it waits for several of them at once.
template <Team T, class Real, class Combine, class F>
TANDEM_FN void accumulate_stages(const T& team, int stages, int n, Real* partial, Combine&& combine, F&& f) {
  for_each(team, 0, kPartials, [&](int p) {
    Real s = partial[p];
    for (int i = p; i < n; i += kPartials) {
      int k = 0;
      while (k + 8 <= stages) combine_ahead<8>(s, k, i, combine, f);
      if (stages & 4) combine_ahead<4>(s, k, i, combine, f);
      if (stages & 2) combine_ahead<2>(s, k, i, combine, f);
      if (stages & 1) combine_ahead<1>(s, k, i, combine, f);
    }
    partial[p] = s;
  });
}
template <class Real, class Combine, class F>
TANDEM_FN void accumulate_stages(const SerialTeam& team, int stages, int n, Real* partial, Combine&& combine, F&& f) {
  for (int k = 0; k < stages; ++k) accumulate(team, n, partial, combine, [=](int i) { return f(k, i); });
}
// The partials combined, the same on every lane. Syncs before and after.
template <Team T, class Real, class Combine>
TANDEM_FN Real fold_partials(const T& team, Real* partial, Combine&& combine) {
  Real* folded = partial + kPartials;
  team.sync();
  for_each(team, 0, kFolded, [&](int f) {
    Real s = partial[f];
    for (int p = f + kFolded; p < kPartials; p += kFolded) s = combine(s, partial[p]);
    folded[f] = s;
  });
  team.sync();
  Real s = folded[0];
  for (int f = 1; f < kFolded; ++f) s = combine(s, folded[f]);
  team.sync();
  return s;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
