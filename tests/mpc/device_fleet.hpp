// Robots in memories as on a GPU, for tests: the stages of mpc/robot_step_kernel.hpp on host threads.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "mpc/robot_step_kernel.hpp"
#include "tests/mpc/fixture.hpp"

namespace tandem {

// Numbers between two guards: `data` has exactly n of them, NaN at first.
template <class S>
struct Guarded {
  static constexpr size_t kGuard = 64;
  static constexpr S kMark = S(-12345.5);
  std::vector<S> all;
  size_t n;
  explicit Guarded(size_t count) : all(count + 2 * kGuard, kMark), n(count) { poison(); }
  S* data() { return all.data() + kGuard; }
  void poison() { std::fill_n(data(), n, std::numeric_limits<S>::quiet_NaN()); }
  bool intact() const {
    for (size_t i = 0; i < kGuard; ++i)
      if (all[i] != kMark || all[kGuard + n + i] != kMark) return false;
    return true;
  }
  // Numbers up to the last one that was written.
  size_t used() {
    size_t last = n;
    while (last > 0 && std::isnan(data()[last - 1])) --last;
    return last;
  }
};

// Robots with memory exactly as the plan says; what the view's pointers once led to is wiped out.
template <class S>
struct Fleet {
  MpcSettings settings;
  MpcArrays<S> arrays;
  MpcDevicePlan plan;
  std::vector<std::byte> constants;
  MpcView<S> mpc;
  Guarded<S> robots, begin, linearise, gains, stages, scratch, finish;
  FleetView<S> view;

  Fleet(const Robot& robot, const MpcSettings& s, int nworld)
      : settings(s),
        arrays(make_arrays<S>(robot.model, s, 1)),
        plan(plan_device(make_arrays<float>(robot.model, s, 1), s, nworld, {})),
        constants(constants_size(arrays)),
        robots(robots_size()),
        begin(plan.begin_size),
        linearise(plan.linearise_size),
        gains(plan.work.part[kWorkGains]),
        stages(plan.work.part[kWorkStages]),
        scratch(plan.work.part[kWorkScratch]),
        finish(plan.finish_size) {
    const PackedConstants<S> packed = pack_constants(arrays, constants.data());
    std::copy(packed.bytes.begin(), packed.bytes.end(), constants.begin());
    mpc = packed.view;
    for (auto* values : {&arrays.reals, &arrays.model.reals}) std::fill(values->begin(), values->end(), std::numeric_limits<S>::quiet_NaN());
    for (auto* values : {&arrays.ints, &arrays.model.ints}) std::fill(values->begin(), values->end(), -1000000);
    size_t size = 0;
    view = fleet_at(plan, robots.data(), size);
    for (int w = 0; w < nworld; ++w) {
      const RobotView<S> r = robot_at(mpc, view, w);
      std::fill_n(view.worlds + static_cast<size_t>(w) * plan.world_stride, plan.world_stride, S(0));
      std::fill_n(r.qp, plan.qp_stride, S(0));
      form_constants(mpc, qp_view(mpc.dims, r.qp));
      reset_robot(SerialTeam{}, mpc, r, S(0.13));
    }
  }
  size_t robots_size() const {
    size_t size = 0;
    fleet_at(plan, static_cast<S*>(nullptr), size);
    return size;
  }
  RobotView<S> robot(int w) const { return robot_at(mpc, view, w); }

  template <class Run>
  void step(const States& states, Run&& run) {
    const int nq = mpc.model.nq, nv = mpc.model.nv;
    for (int w = 0; w < plan.nworld; ++w) {
      const RobotView<S> r = robot(w);
      std::copy_n(&states.q[w * nq], nq, const_cast<S*>(r.q)), std::copy_n(&states.v[w * nv], nv, const_cast<S*>(r.v));
      std::copy_n(&states.command[w * 4], 4, const_cast<S*>(r.command));
      for (auto* memory : {&begin, &linearise, &gains, &stages, &scratch, &finish}) memory->poison();
      run([&](const auto& team) {
        begin_step(team, mpc, r, begin.data());
        form_robot(team, mpc, r);
        for (int k = 0; k < mpc.nodes; ++k) linearise_robot(team, mpc, r, k, linearise.data());
        solve_robot(team, problem_dims(mpc), settings.solver, r, WorkMemory<S>{{gains.data(), stages.data(), scratch.data()}}, plan.solve.copies);
        finish_robot(team, mpc, r, finish.data());
      });
    }
  }
  void step(const States& states) {
    step(states, [](const auto& body) { body(SerialTeam{}); });
  }
  std::vector<double> tau(int w) const { return {robot(w).tau_ff, robot(w).tau_ff + mpc.model.njnt}; }
};

}  // namespace tandem
