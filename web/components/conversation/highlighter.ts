/** Loaded when the first code with a language is shown, and only then. */

import { common, createLowlight } from "lowlight";

export const lowlight = createLowlight(common);
