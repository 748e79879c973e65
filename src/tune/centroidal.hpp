// The centroidal MPC as the fit sees it: 161 multipliers, 6 of them in the prediction. docs/cost-matching.md, section 3.
#pragma once

#include "centroidal/settings.hpp"
#include "tune/matched_mpc.hpp"

namespace tandem {

MatchedMpc matched_centroidal(const Robot& robot, const CentroidalSettings& settings);

}  // namespace tandem
