#include "cli/torque_error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/body_maths.hpp"
#include "mpc/arrays.hpp"
#include "mpc/form_kernel.hpp"

namespace tandem {
namespace {

std::vector<double> part(const std::vector<double>& values, size_t begin, size_t count) {
  return {values.begin() + static_cast<long>(begin), values.begin() + static_cast<long>(begin + count)};
}

// Gait time at which no node lies on a switch of contacts, where rounding decides between stance and swing.
constexpr double kClearPhase = 0.3183;
constexpr double kSmallest = 0.1;

// The linearised nodes of `world` written into `qp`: what the CPU backend does in lanes, one node after the other.
void linearise_in_double(const MpcView<double>& mpc, const WorldView<double>& world, QpView<double> qp) {
  const ModelView<double>& m = mpc.model;
  std::vector<double> input(mpc.ninput), output(mpc.nlinear), work(node_work_size<double>(m));
  const NodeInput<double> in = node_input_at(m, input.data());
  for (int k = 0; k < mpc.nodes; ++k) {
    read_node(mpc, world, k, in, [](double* to, const double* from, int n) { std::copy_n(from, n, to); });
    linearise_node(SerialTeam{}, mpc, in, node_output_at(mpc, output.data()), work.data());
    const int count = k == mpc.nodes - 1 ? rows_size(mpc) : mpc.nlinear;
    for (int i = 0; i < count; ++i) qp.at(k, 0)[mpc.scatter[i]] = output[i];
  }
}

// The first problem of a robot in state q, v at gait time `phase`, all in double.
std::vector<double> form_in_double(const MpcView<double>& mpc, const double* q, const double* v, const double* command, double phase) {
  std::vector<double> memory(world_size(mpc), 0.0), scratch(world_size(mpc), 0.0), data(qp_size(mpc.dims), 0.0);
  const WorldView<double> world = world_at(mpc, memory.data());
  const QpView<double> qp = qp_view(mpc.dims, data.data());
  *world.phase = phase;
  std::copy_n(command, 4, world.command);
  prepare_plan(SerialTeam{}, mpc, world, q, v, nullptr, scratch.data());
  form_constants(mpc, qp);
  linearise_in_double(mpc, world, qp);
  form_costs_and_bounds(SerialTeam{}, mpc, world, qp);
  return data;
}

// Error of one block of numbers against its largest entry, or kSmallest where all are tiny, as defects are; infinite bounds must be equal.
double block_error(const float* a, const double* b, int n) {
  double error = 0, largest = 0;
  for (int i = 0; i < n; ++i) {
    if (std::isinf(b[i]) && a[i] == b[i]) continue;
    const double difference = std::abs(a[i] - b[i]);
    error = std::max(error, std::isfinite(difference) ? difference : std::numeric_limits<double>::infinity());
    largest = std::max(largest, std::abs(b[i]));
  }
  return error / std::max(largest, kSmallest);
}

}  // namespace

std::vector<QpSample> collect_samples(Mpc& mpc, const BenchStates& states, int stride) {
  const Model& model = mpc.model();
  const size_t nv = model.nv, nforce = 3 * model.contacts.size();
  std::vector<QpSample> samples;
  const auto before = [&](int world, int step, std::span<const double> q, std::span<const double> v, std::span<const double> command) {
    if (step == 0 || step % stride) return;
    const FormedQp formed = mpc.form(0, q, v, command);
    samples.push_back({states.kind[world], {q.begin(), q.end()}, formed.qp, part(formed.plan.v, nv, nv), part(formed.plan.force, 0, nforce), {}, {}});
  };
  const auto after = [&](int, int step, std::span<const double>, std::span<const double>, std::span<const double>) {
    if (step == 0 || step % stride) return;
    const Horizon plan = mpc.horizon(0);
    samples.back().v1_mpc = part(plan.v, nv, nv), samples.back().F0_mpc = part(plan.force, 0, nforce);
  };
  replay_single(mpc, states.recording, before, after);
  return samples;
}

TorqueErrors torque_errors(const Mpc& mpc, const std::vector<QpSample>& samples, const OsqpReference& reference) {
  const QpDims dims = mpc.dims();
  const double dt = mpc.settings().dt[0];
  const int nv = mpc.model().nv;
  BodyMaths maths(mpc.model());
  TorqueErrors errors;
  for (size_t s = 0; s < samples.size(); ++s) {
    const QpSample& sample = samples[s];
    const std::vector<double>&exact = reference.exact[s], &paper = reference.paper[s];
    if (exact.empty()) {
      errors.mpc.push_back(NAN), errors.paper.push_back(NAN);
      continue;
    }
    // answers are x_0, F_0, x_1; velocities are the second half of x
    std::vector<double> a_mpc(nv), a_paper(nv), F_mpc(dims.nf), F_paper(dims.nf);
    for (int i = 0; i < nv; ++i) {
      const int at = dims.nx + dims.nf + nv + i;
      a_mpc[i] = (sample.v1[i] + exact[at] - sample.v1_mpc[i]) / dt, a_paper[i] = (exact[at] - paper[at]) / dt;
    }
    for (int i = 0; i < dims.nf; ++i) {
      const int at = dims.nx + i;
      F_mpc[i] = sample.F0[i] + exact[at] - sample.F0_mpc[i], F_paper[i] = exact[at] - paper[at];
    }
    errors.mpc.push_back(maths.torque_change(sample.q.data(), a_mpc, F_mpc));
    errors.paper.push_back(maths.torque_change(sample.q.data(), a_paper, F_paper));
  }
  return errors;
}

double formed_qp_error(Mpc& mpc, const StateRecording& r, int world, int step) {
  const MpcArrays<double> arrays = make_arrays<double>(mpc.model(), mpc.settings(), mpc.dims().align);
  const auto q = r.q_at(step).subspan(static_cast<size_t>(world) * r.nq, r.nq), v = r.v_at(step).subspan(static_cast<size_t>(world) * r.nv, r.nv);
  const auto command = std::span(r.command).subspan(4 * static_cast<size_t>(world), 4);
  mpc.reset(0, kClearPhase);
  const std::vector<float> lanes = mpc.form(0, q, v, command).qp;
  const std::vector<double> plain = form_in_double(arrays.view, q.data(), v.data(), command.data(), kClearPhase);
  const QpLayout l = qp_layout(mpc.dims());
  const int starts[] = {l.hdiag, l.E, l.e, l.Phi, l.Gam, l.bq, l.dt, l.C, l.D, l.g, l.rho_c, l.lc, l.ld, l.lz, l.uc, l.ud, l.uz, l.stage};
  double error = block_error(lanes.data(), plain.data(), l.ldx);
  for (size_t block = 0; block + 1 < std::size(starts); ++block) {
    for (int k = 0; k <= mpc.dims().N; ++k) {
      const int at = l.first + k * l.stage + starts[block];
      error = std::max(error, block_error(&lanes[at], &plain[at], starts[block + 1] - starts[block]));
    }
  }
  return error;
}

double feed_forward_error(const Mpc& mpc, std::span<const double> q, std::span<const double> v) {
  const Model& model = mpc.model();
  const size_t nv = model.nv;
  const Horizon plan = mpc.horizon(0);
  std::vector<double> a(nv);
  for (size_t i = 0; i < nv; ++i) a[i] = (plan.v[nv + i] - v[i]) / mpc.settings().dt[0];
  BodyMaths maths(model);
  std::vector<double> tau = maths.joint_torques(q.data(), v.data(), a, std::span(plan.force).first(3 * model.contacts.size()));
  double error = 0;
  for (int j = 0; j < model.njnt; ++j) error = std::max(error, std::abs(tau[j] + model.damping[j] * v[6 + j] - mpc.output.tau_ff[j]));
  return error;
}

}  // namespace tandem
