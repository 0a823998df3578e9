/** Builds the package into dist/: `npm run build`, and before each `npm pack`. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const HERE = new URL("./", import.meta.url);
const DIST = new URL("dist/", HERE);

rmSync(DIST, { recursive: true, force: true }); // what is no longer built must not be packed

const built = spawnSync("tsc", ["-p", "tsconfig.build.json"], { cwd: fileURLToPath(HERE), stdio: "inherit" });
if (built.status !== 0) throw new Error("tsc failed; it comes with the packages of web/, where `npm ci` installs it");

// tsc gives the imports of scripts their new extensions and leaves those of declarations (TypeScript issue 61037). The
// compiler finds its way in any case; some editors don't.
for (const name of readdirSync(DIST, { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".d.ts")) continue;
  const file = new URL(name, DIST);
  writeFileSync(file, readFileSync(file, "utf8").replace(/(from "\.[^"]*)\.tsx?"/g, '$1.js"'));
}
