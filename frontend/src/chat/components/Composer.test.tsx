import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import "../../i18n/i18n.ts";
import { ENTER } from "../../ui/preferences.ts";
import type { Edit } from "./useDraft.ts";
import { Composer, MAX_LENGTH } from "./Composer.tsx";

const onSend = vi.fn();
const onStop = vi.fn();

interface State {
  readonly isBusy?: boolean;
  readonly returnedQuestion?: string | null;
  readonly edited?: Edit | null;
  readonly lastQuestion?: string | null;
}

function composer({ isBusy = false, returnedQuestion = null, edited = null, lastQuestion = null }: State) {
  return (
    <Composer
      draftKey="s-1"
      {...{ isBusy, returnedQuestion, edited, lastQuestion, onSend, onStop }}
      SaveAsDocument={({ text, onSaved }) => <button onClick={onSaved}>{`Keep ${text.length}`}</button>}
    >
      {null}
    </Composer>
  );
}

const field = (): HTMLTextAreaElement => screen.getByRole("textbox", { name: "Your question" });
const write = (value: string) => fireEvent.change(field(), { target: { value } });
const press = (key: string, more: object = {}) => fireEvent.keyDown(field(), { key, ...more });

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
});

afterEach(() => {
  cleanup();
  sessionStorage.clear();
  localStorage.clear();
  ENTER.set("sends");
  onSend.mockReset();
  onStop.mockReset();
});

describe("Composer", () => {
  it("sends with Enter, and breaks the line with Shift+Enter", () => {
    render(composer({}));
    write("What?");
    press("Enter", { shiftKey: true });
    expect(onSend).not.toHaveBeenCalled();
    press("Enter");
    expect(onSend).toHaveBeenCalledExactlyOnceWith("What?");
    expect(field().value).toBe("");
  });

  it("sends with Ctrl+Enter where Enter breaks the line", () => {
    ENTER.set("breaks");
    render(composer({}));
    write("What?");
    press("Enter");
    expect(onSend).not.toHaveBeenCalled();
    press("Enter", { ctrlKey: true });
    expect(onSend).toHaveBeenCalledOnce();
  });

  it("leaves the Enter of an input method alone, and sends nothing that is blank", () => {
    render(composer({}));
    write("にほん");
    press("Enter", { isComposing: true });
    write("   ");
    press("Enter");
    expect(onSend).not.toHaveBeenCalled();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Send (Enter)" }).disabled).toBe(true);
  });

  it("edits the last question with ↑, and gives the draft back on Escape", () => {
    render(composer({ lastQuestion: "Before?" }));
    press("ArrowUp");
    expect(field().value).toBe("Before?");
    press("Escape");
    expect(field().value).toBe("");
    write("Draft");
    press("ArrowUp");
    expect(field().value).toBe("Draft");
  });

  it("puts a draft aside while an earlier question is edited", () => {
    const { rerender } = render(composer({}));
    write("Draft");
    rerender(composer({ edited: { question: "Earlier?", times: 1 } }));
    expect(field().value).toBe("Earlier?");
    press("Enter");
    expect(onSend).toHaveBeenCalledWith("Earlier?");
    expect(field().value).toBe("Draft");
  });

  it("takes a question back, but not over a draft", () => {
    const { rerender } = render(composer({}));
    rerender(composer({ returnedQuestion: "Mine?" }));
    expect(field().value).toBe("Mine?");
    write("Another");
    rerender(composer({ returnedQuestion: "Again?" }));
    expect(field().value).toBe("Another");
  });

  it("keeps every character of what is too long, says so, and offers another place", () => {
    render(composer({}));
    write("x".repeat(100_000));
    expect(screen.getByRole("alert").textContent).toContain("100,000 characters. A question can have up to 8,000.");
    press("Enter");
    expect(onSend).not.toHaveBeenCalled();
    expect(field().value).toHaveLength(100_000);
    fireEvent.click(screen.getByRole("button", { name: "Keep 100000" }));
    expect(field().value).toBe("");
  });

  it("counts as the server does: an emoji is one", () => {
    render(composer({}));
    write("🪶".repeat(MAX_LENGTH));
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("still has the text after a reload", () => {
    render(composer({}));
    write("Half a quest");
    cleanup();
    render(composer({}));
    expect(field().value).toBe("Half a quest");
  });

  it("shows Stop while an answer is written, and does not send by stopping", () => {
    const { rerender } = render(composer({ isBusy: true }));
    onStop.mockImplementation(() => {
      rerender(composer({ returnedQuestion: "Question?" }));
    });
    fireEvent.click(screen.getByRole("button", { name: "Stop (Esc)" }));
    expect(onStop).toHaveBeenCalledOnce();
    expect(onSend).not.toHaveBeenCalled();
    expect(field().value).toBe("Question?");
  });
});
