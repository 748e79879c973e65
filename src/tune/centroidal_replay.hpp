// Windows of a centroidal recording whose states are predicted: the recorded inputs, with or without feedback towards the recorded states, through the
// prediction model. docs/cost-matching.md, section 3. Internal to src/tune.
#pragma once

#include "centroidal/settings.hpp"
#include "tune/matched_mpc.hpp"

namespace tandem {

// FeatureMode other than kRecorded.   stride  samples between two nodes
WindowCost open_replay(const Robot& robot, const CentroidalSettings& settings, const Recording& recording, const FeatureSettings& features,
                       int stride);

}  // namespace tandem
