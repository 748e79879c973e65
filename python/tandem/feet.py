"""Which shapes of an MJCF are feet: what every simulator of the package must agree on."""


def foot_of_geoms(model, foot_of_body, foot_geoms, foot_names):
    """Number of the foot by geom, for the geoms of a MuJoCo model that may touch the floor.

    foot_of_body: number of the foot by body of the model. foot_geoms: names; empty: those whose name begins with their foot's.
    """
    feet = {}
    for geom in range(model.ngeom):
        foot = foot_of_body.get(int(model.body_weldid[model.geom_bodyid[geom]]))
        name = model.geom(geom).name
        if foot is not None and (name in foot_geoms if foot_geoms else name.startswith(foot_names[foot])):
            feet[geom] = foot
    return feet
