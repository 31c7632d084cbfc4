import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const require = createRequire(import.meta.url);

/** Builds the console page into `functions/console/dist`, from where the functions serve it. */
export default defineConfig({
  root: "functions/console",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    // Compressing takes most of the time, as it should.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  plugins: [apiReference(), compressedFiles()],
});

/** Puts the script that `/docs` runs beside the console, so that our pages load nothing from another host. */
function apiReference(): Plugin {
  return {
    name: "api-reference",
    apply: "build",
    writeBundle: {
      sequential: true,
      async handler({ dir = "" }) {
        const entry = require.resolve("@scalar/api-reference");
        await mkdir(join(dir, "docs"), { recursive: true });
        await copyFile(join(dirname(entry), "browser/standalone.js"), join(dir, "docs/standalone.js"));
      },
    },
  };
}

const compressedBytesMin = 1_024;
/**
 * On the script of `/docs` quality 11 takes 13 times as long as 9 and saves another 9 % (6.4 s, 0.79 instead of 0.88
 * MB).
 */
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

/** Writes `x.js.br` and `x.js.gz` beside each text file `x.js`, so that the server compresses nothing at its start. */
function compressedFiles(): Plugin {
  return {
    name: "compressed-files",
    apply: "build",
    writeBundle: {
      sequential: true,
      order: "post",
      async handler({ dir = "" }) {
        for (const file of await readdir(dir, { recursive: true })) {
          if (!/\.(js|css|html|svg|json)$/.test(file)) continue;
          const content = await readFile(join(dir, file));
          if (content.length < compressedBytesMin) continue;
          await writeFile(join(dir, `${file}.br`), await promisify(brotliCompress)(content, brotli));
          await writeFile(join(dir, `${file}.gz`), await promisify(gzip)(content, { level: 9 }));
        }
      },
    },
  };
}
