/**
 * npm runs this after an installation, with any Node from 20: builds the console and the page of `/docs`. Without the
 * development dependencies (`npm ci --omit=dev`) it only says how to build them.
 */
const vite = await import("vite").catch((error) => {
  // Only without Vite itself: a Vite that lacks a part is a broken installation.
  if (error.code === "ERR_MODULE_NOT_FOUND" && error.message.includes("package 'vite'")) return null;
  throw error;
});

if (vite) await vite.build();
else
  process.stdout.write(
    "The console and /docs are not built, because the development dependencies are not installed. " +
      "To build them: npm ci && npm run build\n",
  );
