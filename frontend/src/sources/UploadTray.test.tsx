import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import { ApiError } from "../protocol/client.ts";
import type { FileEnded, JobEvent } from "../protocol/jobs.gen.ts";
import { Uploads, type UploadServer } from "./Uploads.ts";
import { UploadTray } from "./UploadTray.tsx";

const timestamp = "2026-11-20T10:30:40.000Z";

/** A server whose answers are given by the test; each file is a job of its name. */
class Server implements UploadServer {
  readonly sent: string[] = [];
  readonly fates = new Map<string, FileEnded["status"] | Error>();
  held: Promise<void> = Promise.resolve();

  readonly send = async (files: readonly File[]) => {
    const name = files[0]?.name ?? "";
    this.sent.push(name);
    await this.held;
    const fate = this.fates.get(name);
    if (fate instanceof Error) throw fate;
    return { job_id: name, files: [{ file_id: name, name }] };
  };

  readonly follow = (name: string, onEvent: (event: JobEvent) => void) => {
    const status = (this.fates.get(name) ?? "added") as FileEnded["status"];
    const content: FileEnded = {
      stage: "file",
      status,
      file_id: name,
      name,
      source_id: status === "failed" ? null : `of ${name}`,
      title: name,
      passages: 3,
      same_as: null,
      similar: [],
      message: status === "failed" ? "the file is damaged" : null,
    };
    onEvent({ type: "file", content, timestamp });
    return Promise.resolve();
  };
}

let server: Server;
let onAsk: (question: string) => void;
let uploads: Uploads;

const files = (...names: string[]): File[] => names.map((name) => new File(["x"], name));
const row = (name: string): HTMLElement => {
  const found = screen.getByText(name).closest("li");
  if (found === null) throw new Error(`no row of ${name}`);
  return found;
};

beforeEach(() => {
  server = new Server();
  uploads = new Uploads(() => undefined, server);
  onAsk = vi.fn();
  const questions = { items: [{ question: "What is a scrape?", passage_id: "p" }], next: null };
  vi.stubGlobal("fetch", () => Promise.resolve(Response.json(questions)));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UploadTray uploads={uploads} onAsk={onAsk} />
    </QueryClientProvider>,
  );
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("UploadTray", () => {
  it("adds ten files at once of which three fail, each with its reason", async () => {
    const names = Array.from({ length: 10 }, (_, n) => `file-${n}.pdf`);
    server.fates.set("file-2.pdf", "failed");
    server.fates.set("file-5.pdf", new ApiError(413, "too_large", "file-5.pdf is larger than 50 MB.", {}));
    server.fates.set("file-7.pdf", new TypeError("Failed to fetch"));
    await act(() => uploads.add(files(...names)));
    await screen.findByRole("heading", { name: "3 files could not be added" });
    expect(screen.getAllByText(/^Ready: 3 passages/)).toHaveLength(7);
    expect(row("file-2.pdf").textContent).toContain("the file is damaged");
    expect(row("file-5.pdf").textContent).toContain("larger than 50 MB");
    expect(row("file-7.pdf").textContent).toContain("nothing was stored");
  });

  it("sends a file again whose upload was cut, and keeps a refused one from that", async () => {
    server.fates.set("a.pdf", new TypeError("Failed to fetch"));
    server.fates.set("b.pdf", "failed");
    await act(() => uploads.add(files("a.pdf", "b.pdf")));
    await screen.findByRole("heading", { name: "2 files could not be added" });
    expect(within(row("b.pdf")).queryByRole("button", { name: "Try again" })).toBeNull();
    server.fates.delete("a.pdf");
    fireEvent.click(within(row("a.pdf")).getByRole("button", { name: "Try again" }));
    await within(row("a.pdf")).findByText(/^Ready/);
    expect(server.sent).toEqual(["a.pdf", "b.pdf", "a.pdf"]);
    fireEvent.click(within(row("b.pdf")).getByRole("button", { name: "Remove from this list" }));
    expect(screen.queryByText("b.pdf")).toBeNull();
  });

  it("says that the same file is there already", async () => {
    server.fates.set("a.pdf", "unchanged");
    await act(() => uploads.add(files("a.pdf")));
    expect(await screen.findByText("Already in the library. Ask about it.")).toBeTruthy();
  });

  it("sends two at a time, and has the browser ask before unsent files are left", async () => {
    let go = (): void => undefined;
    server.held = new Promise((resolve) => {
      go = resolve;
    });
    await act(() => uploads.add(files("a.pdf", "b.pdf", "c.pdf")));
    expect(server.sent).toEqual(["a.pdf", "b.pdf"]);
    expect(screen.getAllByRole("progressbar")).toHaveLength(3);
    const leaving = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(leaving);
    expect(leaving.defaultPrevented).toBe(true);
    go();
    await screen.findByRole("heading", { name: "Added to the library" });
    const later = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(later);
    expect(later.defaultPrevented).toBe(false);
  });

  it("offers questions of a new file, and names are text", async () => {
    await act(() => uploads.add(files("<img src=x>.pdf")));
    const question = await screen.findByRole("button", { name: "What is a scrape?" });
    expect(screen.getByText("<img src=x>.pdf")).toBeTruthy();
    fireEvent.click(question);
    expect(onAsk).toHaveBeenCalledWith("What is a scrape?");
    await waitFor(() => {
      expect(screen.queryByRole("region", { name: "Uploads" })).toBeNull();
    });
  });
});
