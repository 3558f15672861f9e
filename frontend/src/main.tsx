import "./ui/tokens.css";
import "./ui/reset.css";
import "./ui/preferences.ts"; // the chosen theme holds before anything is drawn

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App.tsx";
import { startLanguage } from "./i18n/i18n.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
await startLanguage();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
