// One script for Airflow's page, which lends React, its router and Chakra UI by globals: a second copy of any breaks hooks.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, esmExternalRequirePlugin } from "vite";

const here = import.meta.dirname;
const lent = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
  "react-router-dom": "ReactRouterDOM",
  "@chakra-ui/react": "ChakraUI",
};

/** A digest of what the script is made of; a test compares it with what is committed, and so needs no Node. */
function sources(): string {
  const digest = createHash("sha256");
  const code = readdirSync(resolve(here, "src"), { encoding: "utf-8", recursive: true }).filter((name) =>
    /(?<!schema)\.tsx?$/.test(name),
  );
  for (const name of ["package-lock.json", "vite.config.ts", ...code.map((file) => `src/${file}`)].sort()) {
    digest.update(readFileSync(resolve(here, name)));
  }
  return digest.digest("hex");
}

export default defineConfig({
  build: {
    emptyOutDir: true,
    outDir: resolve(here, "../static"),
    rolldownOptions: {
      input: resolve(here, "src/main.tsx"),
      onLog: (level, log, say) => log.code !== "MODULE_LEVEL_DIRECTIVE" && say(level, log), // "use client" means nothing here
      output: {
        postBanner: `/* made by "make web" of ${sources()} */`,
        entryFileNames: "audiences.js",
        format: "iife",
        globals: lent,
      },
    },
  },
  plugins: [esmExternalRequirePlugin({ external: Object.keys(lent) })],
});
