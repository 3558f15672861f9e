import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => {
  document.head.innerHTML = "";
  window.history.replaceState(null, "", "/");
  vi.resetModules();
});

/** The modules as in a page that a server below this path sent. */
async function below(rootPath: string) {
  document.head.innerHTML = `<meta name="root-path" content="${rootPath}">`;
  vi.resetModules();
  return {
    ...(await import("../protocol/addresses.ts")),
    ...(await import("../protocol/client.ts")),
    ...(await import("./route.ts")),
  };
}

describe("a server below a path", () => {
  it("is asked below that path, and the page's own addresses are below it too", async () => {
    const page = await below("/citestream");
    const requests: unknown[] = [];
    const fetching: typeof fetch = (input) => {
      requests.push(input);
      return Promise.resolve(Response.json({ items: [], next: null }));
    };
    await new page.Client(fetching).sources();
    await new page.Client(fetching).source("s 1");
    expect(requests).toEqual(["/citestream/sources", "/citestream/sources/s%201"]);
    expect(page.sourceFile("s1")).toBe("/citestream/sources/s1/file");
    expect(page.jobEvents("j1")).toBe("/citestream/jobs/j1/events");
    page.navigate("c1");
    expect(window.location.pathname).toBe("/citestream/c/c1");
    expect(page.currentPath()).toBe("/c/c1");
    expect(page.conversationIn(page.currentPath())).toBe("c1");
  });

  it("may be the whole host", async () => {
    const page = await below("");
    page.goTo("/library");
    expect(page.currentPath()).toBe("/library");
    expect(page.sourceFile("s1")).toBe("/sources/s1/file");
  });
});
