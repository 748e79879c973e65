// The kernels work in memory of the caller: nothing is allocated.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/dynamics/evaluate.hpp"
#include "tests/support/random_tree.hpp"

namespace {
std::atomic<long> allocations{0};
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

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
