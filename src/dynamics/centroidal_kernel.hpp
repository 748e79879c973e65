// Centre of mass, centroidal momentum and its matrix. docs/dynamics.md, section 6. Orin, Goswami, Lee, "Centroidal dynamics of a humanoid robot" (2013).
#pragma once

#include "dynamics/crba_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Centre of mass of the robot in O [m], eq. (21); add base_position for that in the world. Reads d.Ic of the base.
template <class Real>
TANDEM_FN Vec3<Real> centre_of_mass(const TreeData<Real>& d) {
  const Inertia<Real> I = load_inertia(d.Ic);
  return (Real(1) / I.m) * I.h;
}

// Wrench or momentum at the origin of O, seen from the point c.
template <class Real>
TANDEM_FN Spatial<Real> about(Vec3<Real> c, Spatial<Real> f) {
  return {f.w - cross(c, f.v), f.v};
}

// A_G (6, nv), eq. (22): [angular momentum about the centre of mass; linear momentum] = A_G v. Rows 3-5 over the mass are the Jacobian of the centre
// of mass. Reads d.kin, d.Ic.
template <Team T, class Real, class S>
TANDEM_FN void centroidal_momentum_matrix(const T& team, const ModelView<S>& model, const TreeData<Real>& d, Real* A_G) {
  const Vec3<Real> c = centre_of_mass(d);
  for_each(team, 0, model.nv, [&](int k) {
    const Spatial<Real> F = about(c, subtree_force(model, d, k));
    const Real column[6] = {F.w.x, F.w.y, F.w.z, F.v.x, F.v.y, F.v.z};
    for (int r = 0; r < 6; ++r) A_G[r * model.nv + k] = column[r];
  });
  team.sync();
}

// h_G (6) = [angular; linear], eq. (23), and the velocity of the centre of mass, v_com (3) [m/s, axes of O, seen in the world]. Reads d.V, d.I, d.Ic of the
// base; writes d.F, h_G, v_com.
template <Team T, class Real, class S>
TANDEM_FN void centroidal_momentum(const T& team, const ModelView<S>& model, const Real* v, TreeData<Real> d, Real* h_G, Real* v_com) {
  for_each(team, 0, model.nbody, [&](int i) { store6(d.F + 6 * i, load_inertia(d.I + kInertiaSize * i) * load6(d.V + 6 * i)); });
  team.sync();
  for_each(team, 0, 6, [&](int r) {
    for (int i = 1; i < model.nbody; ++i) d.F[r] += d.F[6 * i + r];
  });
  team.sync();
  for_each(team, 0, 1, [&](int) {
    const Real m = d.Ic[0];
    Spatial<Real> h = about(centre_of_mass(d), load6(d.F));
    if (model.nbase) h.v = h.v + m * load3<Real>(v);  // O moves with the base
    store6(h_G, h);
    store3(v_com, (Real(1) / m) * h.v);
  });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
