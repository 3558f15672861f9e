import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import { errorText } from "../chat/components/AnswerOutcome.tsx";
import { SIGNED_OUT } from "../chat/state/chatState.ts";
import { api } from "../protocol/client.ts";
import { SignIn, signIn } from "../protocol/signIn.ts";
import { newQueries } from "./queries.ts";
import { useSignIn } from "../auth/useSignIn.tsx";
import { Welcome } from "./Welcome.tsx";

const REFUSED = { error: { code: "sign_in_required", message: "No.", details: { auth: "token" } } };
const SOURCES = { items: [], next: null, counts: { documents: 12, recordings: 0, tags: [] } };

function Home() {
  const { dialog } = useSignIn(true);
  return (
    <>
      <Welcome onAsk={() => undefined} />
      {dialog}
    </>
  );
}

afterEach(cleanup);

describe("a visitor who has not signed in", () => {
  it("sees what is in the library as soon as they have, without another try of the page's own", async () => {
    let isIn = false;
    let requests = 0;
    vi.spyOn(globalThis, "fetch").mockImplementation(() => {
      requests += 1;
      return Promise.resolve(isIn ? Response.json(SOURCES) : Response.json(REFUSED, { status: 401 }));
    });
    render(
      <QueryClientProvider client={newQueries()}>
        <Home />
      </QueryClientProvider>,
    );
    await screen.findByLabelText("Token");
    expect(requests).toBe(1);
    isIn = true;
    signIn.done();
    await screen.findByText(/12 documents/);
    expect(requests).toBe(2);
  });

  it("fetches at once what the page was just about to try again", async () => {
    let isIn = false;
    vi.spyOn(globalThis, "fetch").mockImplementation(() =>
      Promise.resolve(isIn ? Response.json(SOURCES) : new Response(null, { status: 502 })),
    );
    const queries = newQueries();
    const options = queries.getDefaultOptions().queries;
    queries.setDefaultOptions({ queries: { ...options, retryDelay: 600_000 } });
    render(
      <QueryClientProvider client={queries}>
        <Home />
      </QueryClientProvider>,
    );
    await vi.waitFor(() => {
      expect(fetch).toHaveBeenCalledTimes(1);
    });
    isIn = true;
    signIn.done();
    await screen.findByText(/12 documents/);
  });

  it("is asked to sign in, and not told that a sign-in has ended", () => {
    const failure = { code: SIGNED_OUT, message: "", retryable: false };
    const wasIn = vi.spyOn(signIn, "hasEnded", "get").mockReturnValue(false);
    expect(errorText({ failure, text: "" })).toBe("Sign in to ask questions.");
    wasIn.mockReturnValue(true);
    expect(errorText({ failure, text: "" })).toBe("Your session has expired.");
  });

  it("is one until the server gave something that has an owner", async () => {
    const fresh = new SignIn();
    fresh.require("token");
    expect(fresh.hasEnded).toBe(false);
    fresh.served();
    expect(fresh.hasEnded).toBe(true);
    fresh.done();
    expect(fresh.hasEnded).toBe(false);
    fresh.require("token");
    expect(fresh.hasEnded).toBe(true);

    const served = vi.spyOn(signIn, "served");
    vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(Response.json(SOURCES)));
    await api.readiness();
    expect(served).not.toHaveBeenCalled();
    await api.sources();
    expect(served).toHaveBeenCalledTimes(1);
  });
});
