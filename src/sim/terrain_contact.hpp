// Contacts of balls and capsules with a height field, in place of MuJoCo's own; internal to sim/. docs/simulator.md, "Uneven ground".
#pragma once

namespace tandem {

// From now on this process collides every height field with spheres and capsules by its surface: a contact is a place of the surface that is nearer to the
// ball than all places around it. MuJoCo's own takes the triangles one by one, as prisms that reach down: a ball near the edge of two touches the second with
// a leaning normal, and one whose centre is let into the ground is pushed sideways by the prisms' walls, with nothing that carries it.
// A capsule is the balls at its two ends and those between them that meet an edge. Any thread may call it, any number of times.
void use_terrain_contacts();

}  // namespace tandem
