import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import type { ModelInfo } from "../protocol/api.ts";
import { ModelLabel } from "./ModelLabel.tsx";
import { newQueries } from "./queries.ts";

const MODEL = {
  provider: "openai",
  name: "llama3.2",
  label: "llama3.2 at localhost:11434",
  sends_to: "localhost:11434",
};

function draw(model: ModelInfo): void {
  vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(Response.json({ model })));
  render(
    <QueryClientProvider client={newQueries()}>
      <ModelLabel />
    </QueryClientProvider>,
  );
}

afterEach(cleanup);

describe("ModelLabel", () => {
  it("says that the model cannot be reached, where it was looked for, and why", async () => {
    draw({ ...MODEL, reachable: false, reason: "nobody listens at this address and port" });
    fireEvent.click(await screen.findByRole("button", { name: "llama3.2 cannot be reached" }));
    expect((await screen.findByRole("status")).textContent).toBe(
      "The model at localhost:11434 cannot be reached: nobody listens at this address and port. " +
        "Answers will fail until it is available.",
    );
  });

  it("asks again when the page is looked at again", async () => {
    draw({ ...MODEL, reachable: false, reason: "nobody listens at this address and port" });
    await screen.findByRole("button", { name: "llama3.2 cannot be reached" });
    const model = { ...MODEL, reachable: true, reason: null };
    vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(Response.json({ model })));
    window.dispatchEvent(new Event("visibilitychange"));
    expect(await screen.findByRole("button", { name: MODEL.label })).toBeTruthy();
  });

  it("names the model that is there, or not yet asked for", async () => {
    draw({ ...MODEL, reachable: true, reason: null });
    expect(await screen.findByRole("button", { name: MODEL.label })).toBeTruthy();
    cleanup();
    draw({ ...MODEL, reachable: null, reason: null });
    expect(await screen.findByRole("button", { name: MODEL.label })).toBeTruthy();
  });
});
