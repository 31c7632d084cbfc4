import { defineConfig } from "vite";

/** Builds the console page into `functions/console/dist`, from where the functions serve it. */
export default defineConfig({
  root: "functions/console",
  build: { outDir: "dist", emptyOutDir: true, target: "es2022" },
});
