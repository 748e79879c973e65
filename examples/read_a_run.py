"""What a robot did, as a pandas table: `./tandem play` first, then this with the folder that it names."""

import sys

import tandem

motion = tandem.read_run(sys.argv[1])
motors = motion.filter(regex="^tau/")
print(motion[["q/x", "q/z", "v/x", "command/forward"]].describe().round(3))
print(f"largest torques [N m]:\n{motors.abs().max().nlargest(3).round(1).to_string()}")
print(f"mean planning time {motion['solve_us'].mean():.0f} us over {len(motion)} control steps")
