import packageJson from "../../package.json" with { type: "json" };

/** Of the lightbox package. */
export const version: string = packageJson.version;
