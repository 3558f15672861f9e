import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import type { ModelChoices, OfferedModel } from "../protocol/api.ts";
import { AnswerWith } from "./AnswerWith.tsx";
import { Destination } from "./Destination.tsx";
import { ModelName } from "./ModelName.tsx";
import { ModelPicker } from "./ModelPicker.tsx";

const LOCAL: OfferedModel = {
  name: "localhost:11434/llama3.2:latest",
  label: "llama3.2:latest",
  provider: "openai",
  sends_to: "localhost:11434",
  context_window: 8192,
  input_price: null,
  output_price: null,
  found: true,
  reachable: true,
  reason: null,
};
const LARGE: OfferedModel = {
  ...LOCAL,
  name: "large",
  label: "org/large:free",
  sends_to: "api.example.org",
  input_price: 0.5,
  output_price: 1.5,
  found: false,
  reachable: false,
  reason: "nobody listens at this address and port",
};
const QUOTING: OfferedModel = {
  ...LOCAL,
  name: "extractive",
  label: "Quoting mode: no model connected",
  sends_to: null,
  context_window: null,
  found: false,
  reachable: null,
};

/** A server with these models, that searches and cuts its list as ours does. */
function serve(models: readonly OfferedModel[], more: Partial<ModelChoices> = {}): string[] {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => {
    const url = new URL(input as string, "http://localhost");
    const words = (url.searchParams.get("q") ?? "").split(" ");
    asked.push(words.join(" "));
    const found = models.filter(({ name }) => words.every((word) => name.includes(word)));
    const items = found.slice(0, Number(url.searchParams.get("limit")));
    const body = { items, total: found.length, searching: false, search_sends_to: [], ...more };
    return Promise.resolve(Response.json(body));
  });
  return asked;
}

function draw(part: ReactNode): void {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}>{part}</QueryClientProvider>);
}

function picker(chosen: string | null, isNew = false) {
  const onChange = vi.fn();
  const onForget = vi.fn();
  draw(<ModelPicker {...{ chosen, isNew, onChange, onForget }} />);
  return { onChange, onForget };
}

afterEach(cleanup);

describe("ModelPicker", () => {
  it("names the default, and chooses another with one click", async () => {
    serve([LARGE, LOCAL, QUOTING]);
    const { onChange } = picker(null);
    fireEvent.click(await screen.findByRole("button", { name: "Model: org/large:free" }));
    const options = await screen.findAllByRole("radio");
    expect(options.map((option) => option.closest("label")?.textContent)).toEqual([
      "org/large:freecannot be reached · api.example.org · 8,192 tokens · $0.5 / $1.5 per million tokens",
      "llama3.2:latestFound at localhost:11434 · 8,192 tokens",
      "Quoting: no modelNothing leaves this server",
    ]);
    expect(options.map((option) => (option as HTMLInputElement).checked)).toEqual([true, false, false]);
    fireEvent.click(screen.getByLabelText(/llama3.2/));
    expect(onChange).toHaveBeenCalledWith(LOCAL.name);
  });

  it("is not there when there is nothing to choose", async () => {
    const asked = serve([QUOTING]);
    picker(null);
    await waitFor(() => {
      expect(asked).toEqual([""]);
    });
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("searches a long list, and says how much of it is not shown", async () => {
    const many = Array.from({ length: 500 }, (_, n) => ({ ...LOCAL, name: `m/${n}`, label: `m/${n}` }));
    serve(many);
    picker("m/499");
    // Beyond the first page of the list.
    fireEvent.click(await screen.findByRole("button", { name: "Model: m/499" }));
    expect(await screen.findByText("400 more models: search for them by name.")).toBeTruthy();
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "m/49" } });
    await waitFor(() => {
      expect(screen.getAllByRole("radio")).toHaveLength(11);
    });
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "nothing" } });
    expect(await screen.findByText("No model has this name.")).toBeTruthy();
  });

  it("says that a chosen one is gone, and forgets one that no conversation has", async () => {
    serve([LARGE, QUOTING]);
    const kept = picker("gone");
    expect(await screen.findByRole("button", { name: "Model: gone, no longer available" })).toBeTruthy();
    expect(kept.onForget).not.toHaveBeenCalled();
    cleanup();
    const fresh = picker("gone", true);
    await waitFor(() => {
      expect(fresh.onForget).toHaveBeenCalled();
    });
  });
});

describe("ModelName", () => {
  it.each([
    [LOCAL.name, "llama3.2:latest"],
    [QUOTING.name, "Quoting: no model"],
    ["gone", "gone"],
  ])("calls %s by its label while it is offered", async (name, words) => {
    const asked = serve([LARGE, LOCAL, QUOTING]);
    draw(<h3>{<ModelName name={name} />}</h3>);
    await waitFor(() => {
      expect(screen.getByRole("heading").textContent).toBe(words);
    });
    expect(asked.length).toBeGreaterThan(0);
  });

  it("calls an answer whose model is unknown by no other", async () => {
    const asked = serve([LARGE, LOCAL]);
    draw(<h3>{<ModelName name={null} />}</h3>);
    await waitFor(() => {
      expect(asked).toEqual([""]);
    });
    expect(screen.getByRole("heading").textContent).toBe("");
  });
});

describe("Destination", () => {
  it.each([
    [LOCAL, [], "Passages are sent to localhost:11434"],
    [QUOTING, [], "Nothing leaves this server"],
    [QUOTING, ["api.openai.com"], "Questions are sent to api.openai.com for searching"],
    [
      LARGE,
      ["a.example", "b.example"],
      "Passages are sent to api.example.org. Questions are sent to a.example, b.example for searching",
    ],
  ])("says where passages go %#", async (model, hosts, words) => {
    serve([LARGE, LOCAL, QUOTING], { search_sends_to: hosts });
    draw(<Destination chosen={model.name} />);
    expect(await screen.findByText(words)).toBeTruthy();
  });
});

describe("AnswerWith", () => {
  it("offers the others", async () => {
    serve([LARGE, LOCAL, QUOTING]);
    const onPick = vi.fn();
    draw(<AnswerWith except="large" hasFailed={false} onPick={onPick} />);
    fireEvent.click(await screen.findByRole("button", { name: "Answer again with…" }));
    const group = await screen.findByRole("group", { name: "Models" });
    expect(group.querySelectorAll("button")).toHaveLength(2);
    fireEvent.click(screen.getByRole("button", { name: /llama3.2/ }));
    expect(onPick).toHaveBeenCalledWith(LOCAL.name);
  });
});
