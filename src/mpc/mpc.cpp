#include "mpc/mpc.hpp"

#include <algorithm>
#include <cmath>

#include "base/aligned.hpp"
#include "base/check.hpp"
#include "base/isa.hpp"
#include "base/parallel.hpp"
#include "mpc/arrays.hpp"
#include "mpc/batch.hpp"
#include "mpc/saved.hpp"

namespace tandem {
namespace {

void check_size(size_t have, size_t expected, const char* what, const char* shape) {
  check(have == expected, "MPC step: ", what, " has ", have, " values, expected ", shape, " = ", expected);
}

Horizon horizon_of(const MpcView<float>& mpc, const WorldView<float>& w) {
  return {{w.q, w.q + mpc.nodes * mpc.model.nq},
          {w.v, w.v + mpc.nodes * mpc.model.nv},
          {w.F, w.F + (mpc.nodes - 1) * mpc.nforce},
          {w.stance, w.stance + mpc.nodes * mpc.model.nfoot}};
}

}  // namespace

struct Mpc::Impl {
  Model model;
  MpcSettings settings;
  int nworld;
  MpcArrays<float> arrays;
  MpcKernels kernels;
  int world_stride, solution_stride, scratch_stride;
  ThreadPool pool;
  AlignedFloats worlds, solutions, scratch;
  bool profiling = false;
  std::vector<MpcProfile> profiles;  // per thread

  Impl(const Model& m, const MpcSettings& s, int n, int threads)
      : model(m),
        settings(s),
        nworld(n),
        arrays(make_arrays<float>(m, s, kMpcAlign)),
        kernels(detect_isa() == Isa::kAvx512 ? avx512::mpc_kernels() : avx2::mpc_kernels()),
        world_stride(round_up(world_size(arrays.view), kMpcAlign)),
        solution_stride(round_up(solution_size(arrays.view.dims), kMpcAlign)),
        scratch_stride(round_up(kernels.scratch_size(arrays.view, s.solver), kMpcAlign)),
        pool(threads),
        worlds(static_cast<size_t>(n) * world_stride),
        solutions(static_cast<size_t>(n) * solution_stride),
        scratch(static_cast<size_t>(pool.size()) * scratch_stride),
        profiles(pool.size()) {
    for (int t = 0; t < pool.size(); ++t) kernels.init_scratch(arrays.view, settings.solver, scratch.data + static_cast<size_t>(t) * scratch_stride);
  }
  MpcRows rows() const { return {nworld, world_stride, solution_stride, {worlds.data, worlds.size}, {solutions.data, solutions.size}}; }
  WorldView<float> world(int w) const { return world_at(arrays.view, worlds.data + static_cast<size_t>(w) * world_stride); }
};

Mpc::Mpc(const Model& model, const MpcSettings& settings, int nworld, int threads) {
  check(nworld >= 1, "MPC: nworld = ", nworld, ", expected at least 1");
  impl_ = std::make_unique<Impl>(model, settings, nworld, threads);
  output = zero_output(nworld, model.njnt);
}
Mpc::~Mpc() = default;
Mpc::Mpc(Mpc&&) noexcept = default;

void Mpc::reset(int world, double phase) {
  check(world >= 0 && world < impl_->nworld, "MPC reset: world ", world, ", expected 0 to ", impl_->nworld - 1);
  check(std::isfinite(phase), "MPC reset: phase = ", phase, ", expected a number of periods");
  const WorldView<float> view = impl_->world(world);
  *view.started = 0;
  *view.phase = static_cast<float>(phase - std::floor(phase));
  std::fill_n(impl_->solutions.data + static_cast<size_t>(world) * impl_->solution_stride, impl_->solution_stride, 0.0f);
}

void Mpc::step(std::span<const double> q, std::span<const double> v, std::span<const double> command, std::span<const unsigned char> active,
               std::span<const double> ground) {
  Impl& s = *impl_;
  check_size(q.size(), static_cast<size_t>(s.nworld) * s.model.nq, "q", "nworld x nq");
  check_size(v.size(), static_cast<size_t>(s.nworld) * s.model.nv, "v", "nworld x nv");
  check_size(command.size(), static_cast<size_t>(s.nworld) * 4, "command", "nworld x 4");
  if (!active.empty()) check_size(active.size(), s.nworld, "active", "nworld");
  if (!ground.empty()) check_size(ground.size(), static_cast<size_t>(s.nworld) * 3, "ground", "nworld x 3");
  MpcBatch batch{.worlds = s.worlds.data,
                 .world_stride = s.world_stride,
                 .solutions = s.solutions.data,
                 .solution_stride = s.solution_stride,
                 .q = q.data(),
                 .v = v.data(),
                 .command = command.data(),
                 .ground = ground.empty() ? nullptr : ground.data(),
                 .active = active.empty() ? nullptr : active.data(),
                 .output = &output,
                 .profile = nullptr};
  std::fill(s.profiles.begin(), s.profiles.end(), MpcProfile{});
  const int chunk = std::min(kChunk, (s.nworld + s.pool.size() - 1) / s.pool.size());  // every thread has work
  s.pool.run((s.nworld + chunk - 1) / chunk, [&](int i, int thread) {
    MpcBatch mine = batch;
    if (s.profiling) mine.profile = &s.profiles[thread];
    s.kernels.step_worlds(s.arrays.view, s.settings.solver, mine, i * chunk, std::min(s.nworld, (i + 1) * chunk),
                          s.scratch.data + static_cast<size_t>(thread) * s.scratch_stride);
  });
}

std::vector<std::byte> Mpc::save() const {
  ByteWriter bytes(kMpcSaved, kMpcSaveVersion);
  archive_mpc(bytes, impl_->model, impl_->settings, impl_->rows(), output);
  return bytes.finish();
}

void Mpc::load(std::span<const std::byte> bytes) {
  ByteReader reader(kMpcSaved, kMpcSaveVersion, bytes);
  archive_mpc(reader, impl_->model, impl_->settings, impl_->rows(), output);
}

Horizon Mpc::horizon(int world) const {
  check(world >= 0 && world < impl_->nworld, "MPC horizon: world ", world, ", expected 0 to ", impl_->nworld - 1);
  return horizon_of(impl_->arrays.view, impl_->world(world));
}

FormedQp Mpc::form(int world, std::span<const double> q, std::span<const double> v, std::span<const double> command) const {
  const Impl& s = *impl_;
  check(world >= 0 && world < s.nworld, "MPC form: world ", world, ", expected 0 to ", s.nworld - 1);
  check_size(q.size(), s.model.nq, "q", "nq");
  check_size(v.size(), s.model.nv, "v", "nv");
  check_size(command.size(), 4, "command", "4");
  AlignedFloats plan(s.world_stride), scratch(s.scratch_stride), qp(qp_size(s.arrays.view.dims));
  std::copy_n(s.worlds.data + static_cast<size_t>(world) * s.world_stride, s.world_stride, plan.data);
  const std::vector<float> q_f(q.begin(), q.end()), v_f(v.begin(), v.end());
  const WorldView<float> view = world_at(s.arrays.view, plan.data);
  std::copy(command.begin(), command.end(), view.command);
  s.kernels.init_scratch(s.arrays.view, s.settings.solver, scratch.data);
  s.kernels.form_world(s.arrays.view, plan.data, q_f.data(), v_f.data(), qp.data, scratch.data);
  return {{qp.data, qp.data + qp.size}, horizon_of(s.arrays.view, world_at(s.arrays.view, plan.data))};
}

QpDims Mpc::dims() const { return impl_->arrays.view.dims; }
const MpcSettings& Mpc::settings() const { return impl_->settings; }
const Model& Mpc::model() const { return impl_->model; }
int Mpc::nworld() const { return impl_->nworld; }
void Mpc::profile(bool on) { impl_->profiling = on; }

MpcProfile Mpc::last_profile() const {
  MpcProfile sum;
  for (const MpcProfile& p : impl_->profiles) {
    sum.prepare += p.prepare, sum.linearise += p.linearise, sum.form += p.form, sum.solve += p.solve, sum.finish += p.finish;
  }
  for (double MpcProfile::* field : {&MpcProfile::prepare, &MpcProfile::linearise, &MpcProfile::form, &MpcProfile::solve, &MpcProfile::finish})
    sum.*field /= impl_->nworld;
  return sum;
}

}  // namespace tandem
