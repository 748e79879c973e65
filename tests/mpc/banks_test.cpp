// Bank conflicts in shared memory of the solve, worked out on the host for the sizes of the three robots. Prints the table of docs/gpu.md, section 5.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>

#include "mpc/device_plan.hpp"
#include "qp/qp_kernel.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/bank_trace.hpp"

namespace tandem {
namespace {

constexpr int kSolveThreads = kSolveVariants[1].threads;  // of a block that has a multiprocessor for itself

BankCount count_banks(std::vector<Traced>& memory, const std::function<void(const TraceTeam&)>& run) {
  Trace trace(memory.data(), memory.size());
  trace.run_block(kSolveThreads, run);
  return trace.result;
}

// The model of the hardware, on accesses that can be counted by hand.
TEST(BankTrace, CountsWordsOfABank) {
  std::vector<Traced> memory(64 * 64), out(64);
  const auto rows = [&](int ld) {
    return count_banks(memory, [&, ld](const TraceTeam& team) { for_each(team, 0, 32, [&](int i) { out[i] = memory[i * ld]; }); });
  };
  for (const auto& [ld, degree] : {std::pair{1, 1}, {2, 2}, {4, 4}, {36, 4}, {48, 16}, {33, 1}, {32, 32}, {0, 1}}) {
    EXPECT_EQ(rows(ld).accesses, 1) << ld;
    EXPECT_EQ(rows(ld).passes, degree) << ld;
  }
  // two rounds of 64 lanes over 100 numbers: 4 warps' accesses, of which the last has 4 lanes
  const BankCount two = count_banks(
      memory, [&](const TraceTeam& team) { for_each(TraceTeam{team.number, 64}, 0, 100, [&](int i) { out[i % 64] = memory[i] * Traced(2); }); });
  EXPECT_EQ(two.passes, two.accesses);
}

// The solver's scratch as in a block's shared memory.
struct Scratch {
  MpcArrays<float> arrays;
  MpcDevicePlan plan;
  std::vector<Traced> memory, qp;
  QpWork<Traced> work;
  SolverSettings settings;

  explicit Scratch(const Robot& robot)
      : arrays(make_arrays<float>(robot.model, make_mpc_settings(robot), 1)), plan(plan_device(arrays, make_mpc_settings(robot), 1, {})) {
    memory.resize(plan.work.part[0] + plan.work.part[1] + plan.work.part[2]);
    qp.resize(qp_size(arrays.view.dims));
    WorkMemory<Traced> parts;
    Traced* from = memory.data();
    for (int i = 0; i < kWorkParts; ++i) parts.part[i] = from, from += plan.work.part[i];
    WorkSizes sizes;
    work = carve_work(arrays.view.dims, parts, plan.solve.copies, sizes);
  }
  QpView<Traced> problem() { return qp_view(arrays.view.dims, qp.data()); }
};

struct Product {
  const char* name;
  std::function<void(const TraceTeam&, Scratch&)> run;
};
const Product kProducts[] = {
    {"V s, columns of V", [](const TraceTeam& t, Scratch& s) { multiply_symmetric(t, s.work.Vb, s.work.xx(s.work.V), s.work.s); }},
    {"E'G + G'E, to Hux",
     [](const TraceTeam& t, Scratch& s) {
       const QpLayout& l = s.work.lay;
       const MatrixView<Traced> Pu{s.work.P + l.ldx, 12, l.ldu, l.ldz}, Qx{s.work.Q, 12, l.ldx, l.ldz};
       multiply_tn<Write::kAdd>(t, s.work.ux(s.work.Hux), Pu, Qx);
     }},
    {"cholesky_inverse", [](const TraceTeam& t, Scratch& s) { cholesky_inverse(t, s.work.uu(s.work.Huu), s.work.uu(s.work.Linv), 1e-6f); }},
    {"Linv'Linv", [](const TraceTeam& t,
                     Scratch& s) { multiply_lower_t<Write::kSet>(t, s.work.input_inverse(1), s.work.uu(s.work.Linv), s.work.uu(s.work.Linv)); }},
    {"Y = Linv Hux", [](const TraceTeam& t, Scratch& s) { multiply_lower(t, s.work.ux(s.work.Y), s.work.uu(s.work.Linv), s.work.ux(s.work.Hux)); }},
    {"V - Y'Y", [](const TraceTeam& t,
                   Scratch& s) { multiply_tn_upper<Write::kSubtract>(t, s.work.xx(s.work.Vnext), s.work.ux(s.work.Y), s.work.ux(s.work.Y)); }},
    {"K = -Linv'Y",
     [](const TraceTeam& t, Scratch& s) { multiply_lower_t<Write::kNegate>(t, s.work.gain(1), s.work.uu(s.work.Linv), s.work.ux(s.work.Y)); }},
    {"mirror_upper", [](const TraceTeam& t, Scratch& s) { mirror_upper(t, s.work.xx(s.work.Vnext)); }},
    {"K'g, columns of K", [](const TraceTeam& t, Scratch& s) { multiply_t<Write::kAdd>(t, s.work.s, s.work.gain(1), s.work.r); }},
    {"Hinv g, columns", [](const TraceTeam& t, Scratch& s) { multiply_t<Write::kNegate>(t, s.work.kff, s.work.input_inverse(1), s.work.r); }},
    {"K x, rows of K", [](const TraceTeam& t, Scratch& s) { multiply<Write::kSet>(t, s.work.kff, s.work.gain(1), s.work.solution); }},
    {"C x, rows of the copy",
     [](const TraceTeam& t, Scratch& s) {
       const QpView<Traced> near = near_view<TraceTeam>(s.problem(), s.work);
       multiply<Write::kSet>(t, s.work.rows, MatrixView<Traced>{near.C(1), near.dims.nc, near.lay.ldx, near.lay.C_row}, s.work.solution);
     }},
    {"E z, rows of the copy",
     [](const TraceTeam& t, Scratch& s) {
       const QpView<Traced> near = near_view<TraceTeam>(s.problem(), s.work);
       multiply<Write::kSet>(t, s.work.t, MatrixView<Traced>{near.E(1), near.dims.np, near.lay.ldz, near.lay.E_row}, s.work.solution);
     }},
    {"D u, rows of the copy",
     [](const TraceTeam& t, Scratch& s) {
       const QpView<Traced> near = near_view<TraceTeam>(s.problem(), s.work);
       multiply<Write::kSet>(t, s.work.rows, MatrixView<Traced>{near.D(1), near.dims.nd, s.work.du(), near.lay.D_row}, s.work.solution);
     }},
    {"all of the factorisation",
     [](const TraceTeam& t, Scratch& s) {
       QpWork<Traced> w = s.work;
       riccati_factor(t, s.problem(), Traced(1), w);
     }},
    {"all of an iteration", [](const TraceTeam& t, Scratch& s) { admm_iteration(t, Record::kNothing, s.problem(), s.settings, s.work); }}};

// Passes over shared memory per access, by product and robot. Prints them.
TEST(Banks, ProductsOfTheSolverMeetFewConflicts) {
  constexpr const char* kRobots[] = {"mit_humanoid", "unitree_go2", "unitree_g1"};
  std::printf("| passes per access, mean (worst), and in all | MIT Humanoid | Go2 | G1 |\n| --- | --- | --- | --- |\n");
  std::vector<Scratch> scratch;
  for (const char* name : kRobots) scratch.emplace_back(load_robot(name));
  for (const Product& product : kProducts) {
    std::printf("| %s |", product.name);
    for (Scratch& s : scratch) {
      const BankCount count = count_banks(s.memory, [&](const TraceTeam& team) { product.run(team, s); });
      std::printf(" %.2f (%d), %ld |", count.degree(), count.worst, count.passes);
      EXPECT_GE(count.degree(), 1) << product.name;
      EXPECT_LE(count.degree(), 2.5) << product.name;
    }
    std::printf("\n");
  }
}

// What a solve waits for, whatever its shared memory could do. Prints it.
TEST(Banks, BarriersOfASolve) {
  std::printf("| barriers; accesses of the busiest warp between them, summed | factorisation | iteration |\n| --- | --- | --- |\n");
  for (const char* name : {"mit_humanoid", "unitree_go2", "unitree_g1"}) {
    Scratch s(load_robot(name));
    const auto count = [&](const Product& product) { return count_banks(s.memory, [&](const TraceTeam& team) { product.run(team, s); }); };
    const BankCount factor = count(std::end(kProducts)[-2]), iteration = count(std::end(kProducts)[-1]);
    std::printf("| %s | %ld; %ld | %ld; %ld |\n", name, factor.barriers, factor.longest, iteration.barriers, iteration.longest);
    // per stage: two for three columns of the Cholesky factorisation, and a few more
    const int N = s.work.dims.N, columns = tiles_of(s.work.dims.nu);
    EXPECT_LT(factor.barriers, N * (2 * columns + 15) + 4);
    EXPECT_GT(factor.longest, factor.accesses / (kSolveThreads / kWarpLanes));
  }
}

// Every iteration reads K by rows and by columns, and neither meets a bank twice, but where its rows meet those of C. Three barriers per stage and direction.
TEST(Banks, IterationsMeetNoConflictAndFewBarriers) {
  Scratch s(load_robot("mit_humanoid"));
  const BankCount count = count_banks(s.memory, [&](const TraceTeam& t) { admm_iteration(t, Record::kNothing, s.problem(), s.settings, s.work); });
  EXPECT_LE(count.worst, 2);
  EXPECT_LT(count.degree(), 1.2);
  EXPECT_GT(count.accesses, 5000);
  EXPECT_EQ(count.barriers, 6 * s.work.dims.N + 4);
  EXPECT_LT(count.longest, count.accesses / 2);
}

}  // namespace
}  // namespace tandem
