import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import { setLanguage } from "../i18n/i18n.ts";
import type { Reading } from "../protocol/events.gen.ts";
import { IngestProgress } from "./IngestProgress.tsx";

/** Serves each of these once and the last one from then on; undefined: the request fails. */
function serve(...steps: (Reading | null | undefined)[]): string[] {
  const requests: string[] = [];
  vi.stubGlobal("fetch", (address: string) => {
    requests.push(address);
    const step = steps.length > 1 ? steps.shift() : steps[0];
    if (step === undefined) return Promise.resolve(new Response("{}", { status: 503 }));
    return Promise.resolve(Response.json({ reading: step }));
  });
  return requests;
}

function show(): QueryClient {
  const queries = new QueryClient();
  render(
    <QueryClientProvider client={queries}>
      <IngestProgress />
    </QueryClientProvider>,
  );
  return queries;
}

afterEach(async () => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  await setLanguage("en");
});

describe("the library that is still being read", () => {
  it("is told of, is followed, and is told of no more once it is in", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const requests = serve({ done: 7, total: 19 }, { done: 8, total: 19 }, null);
    const queries = show();
    const invalidated = vi.spyOn(queries, "invalidateQueries");
    expect(await screen.findByText(/7 of 19 files/)).toBeTruthy();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await screen.findByText(/8 of 19 files/)).toBeTruthy();
    expect(invalidated).toHaveBeenCalledWith({ queryKey: ["sources"] });
    await vi.advanceTimersByTimeAsync(2000);
    await waitFor(() => {
      expect(screen.getByRole("status").textContent).toBe("");
    });
    expect(invalidated).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests).toEqual(["/jobs", "/jobs", "/jobs"]);
  });

  it("is told of in German too", async () => {
    await setLanguage("de");
    serve({ done: 0, total: 1 });
    show();
    expect(await screen.findByText(/0 von 1 Datei\./)).toBeTruthy();
  });

  it("is asked for again when the server was away", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    serve(undefined, { done: 1, total: 2 });
    show();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await screen.findByText(/1 of 2 files/)).toBeTruthy();
  });
});
