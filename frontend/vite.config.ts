import { basename, join } from "node:path";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { budget } from "./build/budget.ts";
import { pdfParts } from "./build/pdfParts.ts";

const SERVER = "http://127.0.0.1:8000";
// Everything the API answers; all other addresses are the page's own.
const API_ROUTES = [
  "/api",
  "/auth",
  "/chat",
  "/conversations",
  "/docs",
  "/health",
  "/jobs",
  "/metrics",
  "/openapi.json",
  "/runs",
  "/sources",
  "/v1",
];

export default defineConfig({
  plugins: [react(), pdfParts(), budget(250)],
  resolve: {
    alias: {
      // The package's own entry for browsers parses HTML for each `&name;`, at every reading.
      "decode-named-character-reference": join(import.meta.dirname, "src/ui/markdown/namedReferences.ts"),
    },
  },
  server: {
    port: 3000,
    strictPort: true,
    // The recorded streams that the tests replay lie beside the server's own tests.
    fs: { allow: [".", "../specs/transcripts"] },
    proxy: Object.fromEntries(
      API_ROUTES.map((route) => [
        `^${route.replace(".", "\\.")}(?:[/?]|$)`,
        { target: SERVER, changeOrigin: false },
      ]),
    ),
  },
  experimental: {
    // Scripts and styles name each other relatively, so that the server can be found below any path.
    renderBuiltUrl: (filename, { hostType }) => (hostType === "html" ? `/${filename}` : { relative: true }),
  },
  css: {
    // The name of a component and its class: unique, readable, and the same in every build.
    modules: { generateScopedName: (local, file) => `${basename(file, ".module.css")}-${local}` },
  },
  build: {
    target: "es2022",
    // Nothing inlined: the page's Content-Security-Policy allows no data: addresses.
    assetsInlineLimit: 0,
    // One style sheet: its order does not depend on which chunk is loaded first.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
  test: {
    css: { include: [/\.module\.css$/], modules: { classNameStrategy: "non-scoped" } },
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testSetup.ts"],
    testTimeout: 20_000,
    restoreMocks: true,
    // Test files share a process and its modules: half of the time was spent on starting them anew.
    isolate: false,
  },
});
