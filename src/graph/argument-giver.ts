/** Who gives ARGs their values: whoever bakes, another file that joins this one, or the USE of a mixin. */
export type ArgumentGiver = "bake" | "joining-file" | "use";
