#include "tune/centroidal_columns.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace tandem {

NodeReader::NodeReader(const Recording& recording, int nx) : nx_(nx) {
  check_recording(recording);
  check(recording.controller == "centroidal", "fit: a recording of the ", recording.controller, " MPC, expected one of the centroidal MPC");
  CentroidalNodeInput<double> node;
  visit_node(node, nx, [&](const char* name, const char*, double*, int size) {
    const Column& c = column(recording, name);
    check(c.size == size, "fit: column \"", name, "\" has ", c.size, " numbers per sample, expected ", size, "; was it recorded with another robot?");
    columns_.push_back(c.data.data());
  });
}

void NodeReader::read(int sample, CentroidalNodeInput<double>& node) const {
  size_t next = 0;
  visit_node(node, nx_, [&](const char*, const char*, double* numbers, int size) {
    std::copy_n(columns_[next++] + static_cast<size_t>(sample) * size, size, numbers);
  });
}

}  // namespace tandem
