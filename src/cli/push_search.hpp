// The largest push that a walking robot survives, whenever in the gait it comes, by direction. docs/programs.md, "sweep pushes".
#pragma once

#include <array>
#include <functional>
#include <limits>
#include <vector>

#include "cli/closed_loop.hpp"
#include "env/episode_kernel.hpp"  // kPushDuration

namespace tandem {

struct PushSearch {
  std::array<double, 3> command = {0.3, 0, 0};  // forward, left, yaw rate while pushed
  int directions = 8;                           // evenly around the robot, forward first
  int phases = 16;                              // moments of the gait at which a push comes; all must be survived
  double resolution = 0.5;                      // of the impulse [N s]
  double stride = 4;                            // of the search upwards, which halves afterwards [N s]
  int body = 0;                                 // index in Model that is pushed
  int nworld() const { return directions * phases; }
};

struct PushLimit {
  double angle;                                               // of the direction from the robot's forward, to the left [rad]
  double survived = 0;                                        // impulse that all moments survive [N s]
  double falls_at = std::numeric_limits<double>::infinity();  // at which some fall [N s]
};

constexpr double kPushRecovery = 3;  // how long a robot must stand after a push [s]

// A push of so many N s on one world.
TimedPush make_push(int world, int body, double impulse, double angle, double start);

// When the push of world `w` starts: the robot walks, then the phases are spread over one gait period [s].
double push_start(const PushSearch& search, int w, double period);
// How long a run with such pushes takes [s].
double push_seconds(double period);

// Searches with search.nworld() worlds of `loop`.   progress: called with the share of the work that is done
std::vector<PushLimit> find_push_limits(const PushSearch& search, ClosedLoop& loop, std::uint64_t seed, const std::function<void(double)>& progress);

}  // namespace tandem
