// A simulator that is another program, behind the Simulator interface: python/tandem/drake_simulator.py puts Drake there, warp_program.py MuJoCo Warp.
// docs/second-simulator.md.
//
// The program has a socket at file descriptor 0. It reads one line of JSON that describes the robot, and on uneven ground the heights (rows, columns;
// float). It answers with one line, {"simulator": name} or {"error": text}. After that everything is doubles; a message begins with one that is the code
// of a letter:
//   'r'  world, friction (negative: the MJCF's), q, v                places a world, forgets its push and fault
//   'k'  world, dv (6)                                               Simulator::kick
//   'p'  world, body, force (3), steps                               Simulator::set_push
//   's'  tau_ff, q_des, v_des, kp, kd, each (nworld, njnt)           Simulator::step; answered by the fields of SimOutput, in their order
// It ends when the socket is closed.
#pragma once

#include <memory>

#include "sim/simulator.hpp"

namespace tandem {

// Starts settings.program once per thread (settings.threads, at most one per world); each has a share of the worlds. Throws Error if it cannot be started or
// refuses the robot or the ground; says once on stderr which simulator it is. Of WorldParameters only the friction may differ from the model; push, kick
// and gains as ever. step() throws Error if the program has ended; save() and load() always do. Forces and torques are those of that program's physics.
std::unique_ptr<Simulator> make_remote_simulator(const Robot& robot, int nworld, const SimSettings& settings);

}  // namespace tandem
