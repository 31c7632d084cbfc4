import { copyFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const require = createRequire(import.meta.url);

/** Builds the console page into `functions/console/dist`, from where the functions serve it. */
export default defineConfig({
  root: "functions/console",
  build: { outDir: "dist", emptyOutDir: true, target: "es2022" },
  plugins: [apiReference()],
});

/** Puts the script that `/docs` runs beside the console, so that no page of ours needs another host. */
function apiReference(): Plugin {
  return {
    name: "api-reference",
    apply: "build",
    async writeBundle({ dir = "" }) {
      const entry = require.resolve("@scalar/api-reference");
      await mkdir(join(dir, "docs"), { recursive: true });
      await copyFile(join(dirname(entry), "browser/standalone.js"), join(dir, "docs/standalone.js"));
    },
  };
}
