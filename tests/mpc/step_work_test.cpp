// Counts of operations against kernels that can be counted by hand, and against the arithmetic of docs/solver.md.
#include "mpc/step_work.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "math/sincos.hpp"
#include "qp/qp_kernel.hpp"
#include "tests/mpc/fixture.hpp"

namespace tandem {
namespace {

template <class Run>
WorkCount count(Run&& run) {
  work_done = {};
  run();
  return work_done;
}

struct Matrix {
  std::vector<Counted> data;
  int rows, cols;
  Matrix(int m, int n, float diagonal = 0) : data(size_t(m) * n, Counted(0.01f)), rows(m), cols(n) {
    for (int i = 0; i < std::min(m, n); ++i) data[size_t(i) * n + i] = Counted(0.01f + diagonal);
  }
  MatrixView<Counted> view() { return {data.data(), rows, cols, cols}; }
};

TEST(Counted, EveryOperatorCountsOnce) {
  Counted a = 3, b = 2;
  EXPECT_EQ(count([&] { a = a + b, a += b, a = a - b, a -= b; }), (WorkCount{.add = 4}));
  EXPECT_EQ(count([&] { a = a * b, a *= b, a = 2.0f * a; }), (WorkCount{.multiply = 3}));
  EXPECT_EQ(count([&] { a = a / b, a /= b; }), (WorkCount{.divide = 2}));
  EXPECT_EQ(count([&] { a = sqrt(abs(a)); }), (WorkCount{.root = 1}));
  EXPECT_EQ(count([&] { a = sin(a), a = cos(a), a = atan2(a, b); }), (WorkCount{.circle = 3}));
  EXPECT_EQ(count([&] { a = -a, a = select(a < b, a, b), a = max(a, b), a = clamp(a, b, b), a = floor(a); }), WorkCount{});
}

TEST(Counted, HasTheValuesOfAFloat) {
  const auto polynomial = [](auto a) { return sqrt(abs(a * a - a / decltype(a)(3))) + sin(a) - cos(a) + sincos(a).sin; };
  EXPECT_EQ(polynomial(Counted(0.7f)).v, polynomial(0.7f));
}

// Rows or columns up to a whole number of tiles: those beyond a matrix are computed, and not written.
long in_tiles(long n) { return kTile * tiles_of(static_cast<int>(n)); }

// m n k products in whole tiles, as many sums since sums start from zero, and one more per entry where C is added to.
TEST(CountedKernels, ProductsOfMatrices) {
  const long entries = in_tiles(5) * in_tiles(4);
  Matrix A(7, 5), B(7, 4), C(5, 4), D(5, 6), E(6, 4);
  EXPECT_EQ(count([&] { multiply_tn<Write::kSet>(SerialTeam{}, C.view(), A.view(), B.view()); }), (WorkCount{entries * 7, entries * 7}));
  EXPECT_EQ(count([&] { multiply_nn<Write::kAdd>(SerialTeam{}, C.view(), D.view(), E.view()); }), (WorkCount{entries * 6 + 5 * 4, entries * 6}));
  std::vector<Counted> x(7), y(7);
  EXPECT_EQ(count([&] { multiply<Write::kSet>(SerialTeam{}, y.data(), A.view(), x.data()); }), (WorkCount{7 * (5 + 3), 7 * 5}));  // four sums, joined
  EXPECT_EQ(count([&] { multiply_t<Write::kSubtract>(SerialTeam{}, y.data(), A.view(), x.data()); }), (WorkCount{5 * (7 + 3) + 5, 7 * 5}));
}

// The upper triangle of n x n has n (n + 1) / 2 tiles of its own, middle row included; the lower triangular factor is met in as many.
TEST(CountedKernels, Triangles) {
  const long n = 9, m = 4, k = 6, tiles = tiles_of(n);
  Matrix A(k, n), C(n, n), L(n, n), B(n, m), Y(n, m);
  const long upper = kTile * kTile * tiles * (tiles + 1) / 2 * k, lower = kTile * kTile * tiles * (tiles + 1) / 2 * in_tiles(m);
  EXPECT_EQ(count([&] { multiply_tn_upper<Write::kSet>(SerialTeam{}, C.view(), A.view(), A.view()); }), (WorkCount{upper, upper}));
  EXPECT_EQ(count([&] { multiply_lower(SerialTeam{}, Y.view(), L.view(), B.view()); }), (WorkCount{lower, lower}));
  EXPECT_EQ(count([&] { multiply_lower_t<Write::kSet>(SerialTeam{}, Y.view(), L.view(), B.view()); }), (WorkCount{lower, lower}));
}

// n = 3 m. Of each of the m blocks of 3 rows: 3 square roots, reciprocals and thresholds (a product, and a sum for the pivot that takes the place of a
// bad one), 3 scalings and 4 updates of its diagonal block, 3 scalings and 3 updates of each of n columns; below it (m - 1) m (m + 1) / 3 tiles in all,
// a product of 3 x 3 matrices and its subtraction each.
TEST(CountedKernels, CholeskyAndInverse) {
  for (long n : {3, 12, 30}) {
    Matrix A(n, n, 2), L(n, n);
    const long m = n / 3, tiles = (m - 1) * m * (m + 1) / 3;
    const WorkCount found = count([&] { EXPECT_EQ(cholesky_inverse(SerialTeam{}, A.view(), L.view(), 1e-6f).v, 0); });
    EXPECT_EQ(found, (WorkCount{36 * tiles + m * (3 + 4 + 3 * n), 27 * tiles + m * (3 + 3 + 4 + 6 * n), n, n})) << "n = " << n;
  }
}

class StepWorkOf : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    robot = load_robot(GetParam());
    settings = make_mpc_settings(robot);
    work = count_work(robot.model, settings);
  }
  Robot robot;
  MpcSettings settings;
  StepWork work;
};

TEST_P(StepWorkOf, IterationsCostTheSame) {
  MpcSettings other = settings;
  other.solver.iterations = 25;
  const StepWork again = count_work(robot.model, other);
  EXPECT_EQ(again.iteration, work.iteration);
  EXPECT_EQ(again.solve(25) - again.solve(10), 15 * work.iteration);
}

// The factorisation again from the sizes, by the terms of the table in docs/solver.md, section 7, which leaves out what is linear in them.
TEST_P(StepWorkOf, FactorisationIsTheSumOfItsProducts) {
  const double nj = robot.model.njnt, n = 6 + nj, nx = 2 * n, ncon = robot.model.contacts.size(), nf = 3 * ncon, nu = nf + nj, nz = nx + nu;
  const double nfoot = robot.model.foot_name.size(), nc = nfoot * (ncon == nfoot ? 3 : ncon == 2 * nfoot ? 5 : 6) + nfoot / 2, nd = 4 * ncon;
  const double triangle_x = nx * (nx + 1), triangle_u = nu * (nu + 1);  // flop per product of an inner index
  double stage = nc * triangle_x + nd * nf * (nf + 1);                  // C' rho C, D' rho D
  stage += 6 * 6 * 2 * (2 * nx + n + n + nj) + 3 * 2 * 216;             // W = T'VT: products with Phi and Gam
  stage += 2 * 36 * nz;                                                 // G
  stage += 12 * (2 * nu * nx + triangle_u + triangle_x);                // E'G + G'E
  stage += 2 * nu * nu * nu / 3;                                        // Cholesky and inverse
  stage += nu * nu * (nu + 1);                                          // Hhat_uu^-1
  stage += 2 * nu * (nu + 1) * nx;                                      // Y, K
  stage += nu * triangle_x;                                             // V - Y'Y
  stage += 2 * nx * nx;                                                 // V b
  const double N = settings.nodes - 1;
  EXPECT_NEAR(work.factor.flops(), N * stage, 0.08 * N * stage);
}

// Products of an iteration: K twice, Hhat_uu^-1 once; E, Phi, Gam, C and D both ways.
TEST_P(StepWorkOf, AnIterationIsTheSumOfItsProducts) {
  const double nj = robot.model.njnt, nx = 2 * (6 + nj), ncon = robot.model.contacts.size(), nf = 3 * ncon, nu = nf + nj, nz = nx + nu;
  const double nfoot = robot.model.foot_name.size(), nc = nfoot * (ncon == nfoot ? 3 : ncon == 2 * nfoot ? 5 : 6) + nfoot / 2, nd = 4 * ncon;
  const double N = settings.nodes - 1, products = 2 * (2 * nu * nx + nu * nu + 2 * 6 * (nz + 12) + 2 * nc * nx + 2 * nd * nf);
  EXPECT_GT(work.iteration.flops(), N * products);
  EXPECT_LT(work.iteration.flops(), 1.35 * N * products);
}

// Solve in and out of memory, from the formula of docs/gpu.md, eq. (1).
TEST_P(StepWorkOf, TrafficOfTheSolveIsTheProblemOnceAndTheWarmStartTwice) {
  const MpcArrays<float> arrays = make_arrays<float>(robot.model, settings, 1);
  const MpcDevicePlan plan = plan_device(arrays, settings, 1, {});
  const StepTraffic ten = count_traffic(arrays.view, plan, 10), more = count_traffic(arrays.view, plan, 25);
  EXPECT_NEAR(ten.solve, 4.0 * (plan.qp_stride + 2 * plan.solution_stride), 64);
  EXPECT_EQ(ten.step(), more.step());
  EXPECT_GT(more.solve_again, 2 * ten.solve_again);
  EXPECT_LT(ten.linearise, size_t(plan.qp_stride) * 4 * 2);
  for (std::size_t bytes : {ten.prepare, ten.form, ten.finish}) EXPECT_LT(bytes, 5u * 4u * plan.world_stride);
}

INSTANTIATE_TEST_SUITE_P(Robots, StepWorkOf, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

}  // namespace
}  // namespace tandem
