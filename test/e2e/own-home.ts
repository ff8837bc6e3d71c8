/** Runs before each file of end-to-end tests: every command that it starts finds the file's own home, and its machine. */
import { endToEndHome } from "../support/end-to-end-home.ts";

process.env.LIGHTBOX_HOME = endToEndHome();
