import { useState } from "react";

/** Other programs may keep things at the same origin. */
const DRAFT = "citestream.draft:";

/** A question to be edited; each time it is asked for, with a new `times`. */
export interface Edit {
  readonly question: string;
  readonly times: number;
}

export interface Draft {
  readonly text: string;
  readonly isEdit: boolean;
  readonly change: (text: string) => void;
  /** Edits an earlier question; what was being written is put aside. */
  readonly edit: (question: string) => void;
  /** Ends writing, with sending or without; what was put aside comes back. */
  readonly end: () => void;
}

/**
 * The text being written. It outlives a reload of this tab under `key`. A question given back goes
 * in when nothing is lost by it.
 */
export function useDraft(key: string, returnedQuestion: string | null, edited: Edit | null): Draft {
  const [text, setText] = useState(() => read(key));
  const [aside, setAside] = useState<string | null>(null);
  const [seen, setSeen] = useState<string | null>(null);
  const [edits, setEdits] = useState(0);
  const change = (now: string): void => {
    setText(now);
    keep(key, aside ?? now);
  };
  const edit = (question: string): void => {
    if (aside === null) setAside(text);
    setText(question);
  };
  const end = (): void => {
    setText(aside ?? "");
    setAside(null);
    keep(key, aside ?? "");
  };
  if (returnedQuestion !== seen) {
    setSeen(returnedQuestion);
    if (returnedQuestion !== null && text === "") setText(returnedQuestion);
  }
  if (edited !== null && edited.times !== edits) {
    setEdits(edited.times);
    edit(edited.question);
  }
  return { text, isEdit: aside !== null, change, edit, end };
}

function read(key: string): string {
  try {
    return sessionStorage.getItem(`${DRAFT}${key}`) ?? "";
  } catch {
    return ""; // storage can be forbidden altogether
  }
}

function keep(key: string, text: string): void {
  try {
    if (text === "") sessionStorage.removeItem(`${DRAFT}${key}`);
    else sessionStorage.setItem(`${DRAFT}${key}`, text);
  } catch {
    // Forbidden or full: the text is on screen all the same.
  }
}

/** What was being written, in any conversation of this tab. */
export function forgetDrafts(): void {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(DRAFT)) sessionStorage.removeItem(key);
    }
  } catch {
    // Forbidden altogether: then nothing was kept.
  }
}
