// The kernels work in memory of the caller: nothing is allocated.
#include <gtest/gtest.h>

#include "tests/dynamics/evaluate.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/random_tree.hpp"

namespace tandem {
namespace {

TEST(DynamicsKernels, AllocateNothing) {
  const Model model = random_tree(1, {});
  const ModelArrays<double> arrays = make_arrays<double>(model);
  const StateInput<double> in{random_configuration(model, 1), random_vector(model.nv, 1, 2), random_vector(model.nv, 1, 3),
                              random_vector(3 * static_cast<int>(model.contacts.size()), 1, 4), random_configuration(model, 5)};
  Outputs<double> out(model);
  const long before = allocations;
  ASSERT_GT(before, 0) << "the count does not work";
  evaluate(SerialTeam{}, arrays.view, in, out);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace tandem
