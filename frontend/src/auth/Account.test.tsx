import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import { Account } from "./Account.tsx";

/** A server that knows this person, and refuses or takes the sign-out. */
function serve(auth: string, signOut: number): string[] {
  const requests: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const path = input instanceof Request ? input.url : String(input);
    requests.push(`${init?.method ?? "GET"} ${path}`);
    const who = { auth, person: "ann@example.org", groups: [] };
    return Promise.resolve(
      path === "/auth/session" ? Response.json(who) : new Response(null, { status: signOut }),
    );
  });
  return requests;
}

function draw(onSignOut = (): void => undefined): void {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Account onSignOut={onSignOut} />
    </QueryClientProvider>,
  );
}

afterEach(() => {
  cleanup();
});

describe("Account", () => {
  it("says who is signed in", async () => {
    serve("token", 204);
    draw();
    expect(await screen.findByText("ann@example.org")).toBeTruthy();
  });

  it("leaves signing out to the proxy that signs in", async () => {
    serve("proxy", 204);
    draw();
    await screen.findByText("ann@example.org");
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("is not there when nobody signs in", async () => {
    const requests = serve("none", 204);
    draw();
    await waitFor(() => {
      expect(requests).toEqual(["GET /auth/session"]);
    });
    expect(document.querySelector(".account")).toBeNull();
  });

  it("says so and forgets nothing when the server did not sign out", async () => {
    serve("token", 500);
    let signedOut = 0;
    draw(() => {
      signedOut += 1;
    });
    fireEvent.click(await screen.findByRole("button", { name: "Sign out" }));
    expect((await screen.findByRole("alert")).textContent).toMatch(/cannot be reached/);
    expect(signedOut).toBe(0);
  });
});
