"""SUMO as the street: the only place that talks to the simulator, its sensors and its signal heads."""
