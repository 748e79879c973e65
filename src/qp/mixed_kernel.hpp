// Mixed rows: equalities between the state and the input of a stage, M_x x + M_u u + m = soft multiplier, eliminated in the Riccati recursion.
// docs/solver.md, section 2. Every function ends with a sync.
#pragma once

#include "qp/dynamics_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Takes the directions that the rows fix out of the inverse of the input Hessian:
//   G = L^-1 M_u',  S = G'G + soft = L_S L_S',  Z = L_S^-1 G' L^-1,  H_uu^-1 - Z'Z
// and writes their share in the feed-forward input, -Z' L_S^-1 m. Returns 1 where S is not positive definite (dependent exact rows), else 0.
template <Team T, class Real>
TANDEM_FN Real mixed_inverse(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const int ne = qp.dims.ne, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz, lde = w.lay.lde;
  const Real *M = qp.M(k), *m = qp.m(k), *soft = qp.soft(k), *x0 = qp.x0();
  Real *Mut = w.Mut, *S = w.S, *mix = w.mix;
  for_each_2d(team, ldu, lde, [=](int i, int e) { Mut[i * lde + e] = e < ne ? M[e * ldz + ldx + i] : Real(0); });
  for_each(team, 0, lde, [=](int e) {
    Real sum = e < ne ? m[e] : Real(0);
    for (int i = 0; k == 0 && e < ne && i < qp.dims.nx; ++i) sum += M[e * ldz + i] * x0[i];  // x_0 is given
    mix[e] = sum;
  });
  team.sync();
  const MatrixView<Real> G{w.G, ldu, lde, lde}, Smat{w.S, lde, lde, lde}, Sinv{w.Sinv, lde, lde, lde}, GL{w.GL, lde, ldu, ldu}, Z{w.Z, lde, ldu, ldu};
  multiply_lower(team, G, w.uu(w.Linv), MatrixView<Real>{w.Mut, ldu, lde, lde});
  team.sync();
  multiply_tn_upper<Write::kSet>(team, Smat, G, G);
  multiply_tn<Write::kSet>(team, GL, G, w.uu(w.Linv));
  team.sync();
  for_each(team, 0, lde, [=](int e) { S[e * lde + e] += e < ne ? soft[e] : Real(1); });
  team.sync();
  const Real flag = cholesky_inverse(team, Smat, Sinv, kPivotFloor<Scalar<Real>>);
  multiply_lower(team, Z, Sinv, GL);
  multiply<Write::kSet>(team, w.mix_image, Sinv, w.mix);
  team.sync();
  multiply_tn<Write::kSubtract>(team, w.input_inverse(k), Z, Z);
  multiply_t<Write::kNegate>(team, w.u_mix + k * ldu, Z, w.mix_image);
  team.sync();
  return flag;
}

// With Y = L^-1 H_ux:  X = M_x - G'Y,  T = S^-1 X;  V += X'T,  Y += G T (so that K = -L^-T Y meets the rows),  share in the gradient T'm.
template <Team T, class Real>
TANDEM_FN void mixed_gain(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const int ne = qp.dims.ne, nu = qp.dims.nu, ldx = w.lay.ldx, ldz = w.lay.ldz, lde = w.lay.lde;
  const MatrixView<Real> X{w.X, lde, ldx, ldx}, Wx{w.Wx, lde, ldx, ldx}, Sinv{w.Sinv, lde, lde, lde};
  const MatrixView<Real> G{w.G, nu, lde, lde}, Y{w.Y, nu, ldx, ldx};
  const Real* M = qp.M(k);
  Real* x = w.X;
  for_each_2d(team, lde, ldx, [=](int e, int i) { x[e * ldx + i] = e < ne ? M[e * ldz + i] : Real(0); });
  team.sync();
  multiply_tn<Write::kSubtract>(team, X, G, Y);
  team.sync();
  multiply_lower(team, Wx, Sinv, X);
  team.sync();
  multiply_tn_upper<Write::kAdd>(team, w.xx(w.Vnext), Wx, Wx);
  multiply_lower_t<Write::kSet>(team, X, Sinv, Wx);
  team.sync();
  multiply_nn<Write::kAdd>(team, Y, G, X);
  multiply_t<Write::kSet>(team, w.p_mix + k * ldx, X, w.mix);
  team.sync();
}

// Adds the shares of the mixed rows to the feed-forward input of stage k and to the cost-to-go gradient in w.s. The teams are those that have just written
// these. Does not sync.
template <Team T, Team TS, class Real>
TANDEM_FN void add_mixed_shares(const T& team, const TS& gradient_team, int k, const QpWork<Real>& w) {
  const int ldx = w.lay.ldx, ldu = w.lay.ldu;
  const Real *u_mix = w.u_mix + k * ldu, *p_mix = w.p_mix + k * ldx;
  Real *kff = w.kff + k * ldu, *s = w.s;
  for_each_along(team, ldu, [=](int i) { kff[i] += u_mix[i]; });
  if (k > 0) for_each_along(gradient_team, ldx, [=](int i) { s[i] += p_mix[i]; });
}

}  // namespace TANDEM_ISA
}  // namespace tandem
