#include "base/pack.hpp"
#include "dynamics/bench/kernels.hpp"
#include "dynamics/centroidal_kernel.hpp"
#include "dynamics/rnea_derivatives_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {
namespace {

template <class Real, class S>
void run(BenchKernel kernel, const ModelView<S>& model, const Real* q, const Real* v, const Real* a, Real* out, Real* memory) {
  constexpr SerialTeam team;
  const int nbody = model.nbody, nv = model.nv;
  TreeData<Real> d = tree_data_at(memory, nbody);
  const DerivativeData<Real> x = derivative_data_at(memory + tree_data_size<Real>(nbody), nbody, nv);
  const Motion<Real> motion{v, a, load3<Real>(model.gravity)};
  if (kernel == BenchKernel::kForwardKinematics) {
    d.kin.R = out;
    d.kin.p = out + 9 * nbody;
  }
  forward_kinematics(team, model, base_pose(model, q), q + joint_offset(model), d.kin);
  if (kernel == BenchKernel::kForwardKinematics) return;
  body_inertias(team, model, d);
  if (kernel != BenchKernel::kCrba) body_velocities(team, model, v, d);
  if (kernel == BenchKernel::kRnea) return rnea(team, model, motion, static_cast<const Real*>(nullptr), d, out);
  composite_inertias(team, model, d);
  if (kernel == BenchKernel::kCrba) return crba(team, model, d, out);
  if (kernel == BenchKernel::kCentroidal) {
    Real v_com[3];
    centroidal_momentum_matrix(team, model, d, out);
    return centroidal_momentum(team, model, v, d, out + 6 * nv, v_com);
  }
  derivative_terms(team, model, motion, static_cast<const Real*>(nullptr), d, x);
  rnea_derivatives(team, model, d, x, RneaDerivatives<Real>{out, out + nv * nv});
}

template <class T>
void run_one(BenchKernel kernel, const ModelView<T>& model, const BenchBuffers<T>& b) {
  run(kernel, model, b.q, b.v, b.a, b.out, b.memory);
}

void run_lanes(BenchKernel kernel, const ModelView<float>& model, const BenchBuffers<float>& b) {
  using Lanes = Pack<float, TANDEM_LANES>;
  const auto read = [](const float* p) { return reinterpret_cast<const Lanes*>(p); };
  const auto write = [](float* p) { return reinterpret_cast<Lanes*>(p); };
  run(kernel, model, read(b.q), read(b.v), read(b.a), write(b.out), write(b.memory));
}

}  // namespace

BenchFunctions bench_functions() { return {TANDEM_LANES, run_one<double>, run_one<float>, run_lanes}; }

}  // namespace TANDEM_ISA
}  // namespace tandem
